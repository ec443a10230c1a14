// Keeps the page up to date. Without it the page loads itself anew now and then.
"use strict";

const live = document.getElementById("live");
let news = null;
let wanted = false;
let busy = false;

// What somebody is typing, or about to press, stays as it is until they are elsewhere.
const inUse = () => live.contains(document.activeElement) && document.activeElement.matches("input");

async function refresh() {
  wanted = true;
  if (busy || inUse()) return;
  busy = true;
  while (wanted && !inUse()) {
    wanted = false;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (answer.status >= 500) throw answer;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      if (!fresh) return location.reload();
      if (!inUse() && fresh.innerHTML !== live.innerHTML) put(fresh);
    } catch {
      // The hub is away; the stream below says when it is back.
    }
    await new Promise((done) => setTimeout(done, 300));
  }
  busy = false;
}

function put(fresh) {
  const open = [...live.querySelectorAll("details[open]")].map((one) => one.id);
  live.replaceChildren(...fresh.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
}

// A browser opens six connections to one host; the seventh page would wait for ever.
function listen() {
  news?.close();
  if (document.hidden) return;
  news = new EventSource(document.body.dataset.news);
  news.onmessage = refresh;
  news.onopen = refresh; // for what happened since the page was made, or while the hub was away
  news.onerror = () => {
    if (news.readyState !== EventSource.CLOSED) return; // it tries again by itself
    refresh(); // shows why, where the visit is over
    setTimeout(listen, 20000);
  };
}

if (live) {
  listen();
  document.addEventListener("visibilitychange", listen);
  live.addEventListener("focusout", () => setTimeout(() => wanted && refresh(), 0));
}
