"""The page's script, run by node with a document that is only what the script asks of one."""

import json
import shutil
import subprocess

import pytest

from orchestrator.doors.http.page.pages import FOLDER

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node")
BROWSER = """
const said = [], later = [], listeners = {};
let status = 200, fresh = { innerHTML: "new", childNodes: [] };
class EventSource {
  static CLOSED = 2;
  constructor(url) { said.push("listens"); EventSource.latest = this; this.readyState = 1; }
  close() { said.push("stops"); this.readyState = 2; }
}
const page = {
  innerHTML: "old", contains: () => false, querySelectorAll: () => [],
  replaceChildren: () => said.push("shows"), addEventListener: () => {},
};
const document = {
  hidden: false, body: { dataset: { news: "news" } }, getElementById: () => page,
  addEventListener: (what, work) => { listeners[what] = work; },
};
const location = { href: "/", reload: () => said.push("loads anew") };
class DOMParser { parseFromString() { return { getElementById: () => fresh }; } }
const fetch = async () => ({ status, text: async () => "" });
const setTimeout = (work, pause) => { later.push(pause); if (pause < 1000) work(); };
const settled = () => new Promise((done) => setImmediate(done));
"""


def ran(scenario: str) -> list[str]:
    """What the page does in a scenario."""
    script = (FOLDER / "static" / "live.js").read_text()
    told = f"{scenario}; console.log(JSON.stringify(said));"
    code = f"{BROWSER}{script}\n(async () => {{ {told} }})()"
    assert NODE
    done = subprocess.run([NODE, "-e", code], capture_output=True, text=True, timeout=20)
    assert not done.stderr
    said = json.loads(done.stdout)
    assert isinstance(said, list)
    return said


def test_news_is_shown() -> None:
    assert ran("EventSource.latest.onmessage(); await settled()") == ["listens", "shows"]


def test_a_page_that_nobody_sees_takes_no_connection_from_those_that_are_seen() -> None:
    hidden = "document.hidden = true; listeners.visibilitychange()"
    assert ran(hidden) == ["listens", "stops"]
    seen = "document.hidden = false; listeners.visibilitychange()"
    assert ran(f"{hidden}; {seen}") == ["listens", "stops", "stops", "listens"]


REFUSED = "EventSource.latest.readyState = 2; EventSource.latest.onerror(); await settled()"


def test_a_page_whose_visit_is_over_says_so() -> None:
    assert ran(f"status = 403; fresh = null; {REFUSED}") == ["listens", "loads anew"]


def test_a_page_that_is_one_too_many_shows_what_is_new_and_asks_again_later() -> None:
    assert ran(f"{REFUSED}; said.push(Math.max(...later))") == ["listens", "shows", 20000]


def test_a_hub_that_is_busy_takes_nothing_from_the_page() -> None:
    news = "EventSource.latest.onmessage(); await settled()"
    assert ran(f"status = 503; fresh = null; {news}") == ["listens"]


def test_a_stream_that_breaks_off_is_the_browsers_to_open_again() -> None:
    assert ran("EventSource.latest.readyState = 0; EventSource.latest.onerror()") == ["listens"]
