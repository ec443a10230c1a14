// What htmx leaves to the page: an empty box once its sentence is sent, somewhere to be when the
// button that was pressed is gone, and a word where the hub does not answer.
"use strict";

const lost = document.getElementById("lost");
const answers = (there) => () => { lost.hidden = there; };

document.addEventListener("htmx:sse:error", ({ detail }) => {
  lost.hidden = "status" in detail; // then it did answer: the page asks why
  if (lost.hidden) htmx.trigger("#news", "news");
});
document.addEventListener("htmx:sse:after:connection", answers(true));
document.addEventListener("htmx:error", answers(false));
document.addEventListener("htmx:after:request", answers(true));
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.request.method !== "POST") return;
  if (ctx.response.status < 400 && ctx.request.form.id === "command") document.getElementById("command").reset();
  const active = document.activeElement;
  if (!active || active === document.body) document.getElementById("live").focus({ preventScroll: true });
});
