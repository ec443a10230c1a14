"""The web page in a real browser, headless: live, by keyboard, on a phone, looked at by axe."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect

from orchestrator.catalogue import Catalogue
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.outcome import Done, Evidence
from tests import chromium, npm
from tests.apikit import TABLET
from tests.hubkit import ScriptedAdapter, command
from tests.webkit import Site, site

pytestmark = [
    pytest.mark.skipif(chromium.program() is None, reason="chromium is not installed"),
    pytest.mark.timeout(120),
]

SELFIE = "Take a selfie with the front camera"
CALL = "call 5551234567"
VOLUME = "set the volume to 5"
NESTED = "text 5551234567 the weather in Seoul"
MODEL = {
    SELFIE: "<nexa_0>('front')<nexa_end>",
    CALL: "<nexa_8>('5551234567')<nexa_end>",
    VOLUME: "<nexa_13>('5', 'media')<nexa_end>",
    NESTED: "<nexa_7>('5551234567', <nexa_2>('Seoul'))<nexa_end>",
    "fail": "<nexa_13>('5', 'media')<nexa_end>",
    "selfie every day at 7 am": "<nexa_0>('front')<nexa_end>",
    "selfie": "<nexa_0>('front')<nexa_end>",
    "undo that": "<nexa_20>()<nexa_end>",
}
FOUND = Device(id="p3", kind=Kind.PHONE, name="Fold 7", protocol="test", address={"host": "::1"})
SCREENS: tuple[tuple[tuple[int, int], Literal["light", "dark"]], ...] = (
    (chromium.DESKTOP, "light"), (chromium.PHONE, "dark"),
)  # fmt: skip
SENTENCE = "What should be done?"


@pytest.fixture(scope="module")
def browser() -> Iterator[str]:
    with chromium.started() as running:
        yield running


class Held:
    """A device whose calls wait until they are let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()

    async def call(self, invocation: Invocation) -> Done:
        await self.go.wait()
        return Done(evidence=Evidence.VERIFIED, result="sunny", detail="as wished")


@pytest.fixture
async def held() -> Held:
    return Held()


@pytest.fixture
async def served(tmp_path: Path, catalogue: Catalogue, held: Held) -> AsyncIterator[Site]:
    tablet = ScriptedAdapter(frozenset(TABLET.functions))
    async with site(tmp_path, catalogue, MODEL, call=held.call, more=[(TABLET, tablet)]) as running:
        yield running


@asynccontextmanager
async def entered(
    browser: str, served: Site, size: tuple[int, int] = chromium.DESKTOP, **options: Any
) -> AsyncIterator[Page]:
    """A page that somebody came in to, by token; nothing goes wrong in its script meanwhile."""
    wrong: list[str] = []
    async with (
        chromium.connected(browser) as running,
        chromium.page(running, size, **options) as page,
    ):
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda m: wrong.append(m.text) if "Security Policy" in m.text else None)
        page.on("request", lambda r: None if r.url.startswith(served.at) else wrong.append(r.url))
        await page.goto(served.at)
        await page.get_by_label("Your token").fill(served.tokens.issue("ann"))
        await page.get_by_role("button", name="Come in").click()
        yield page
    assert not wrong


async def test_a_sentence_is_seen_to_run_and_to_end_while_something_else_is_typed(
    browser: str, served: Site, held: Held
) -> None:
    held.go.clear()
    async with entered(browser, served) as page:
        box = page.get_by_label(SENTENCE)
        await box.fill(NESTED)
        await box.press("Enter")
        asked = page.get_by_role("region", name="Waits for you")
        await expect(asked.get_by_role("button", name="Yes, do it")).to_be_visible()
        await expect(box).to_have_value("")
        await expect(page).to_have_title("(1) Octopus Hub")
        await expect(page.get_by_role("alert").first).to_contain_text("1 waiting for you")
        await asked.get_by_role("button", name="Yes, do it").click()
        last = page.get_by_role("region", name="Last sentence")
        await expect(last).to_contain_text("running")
        await last.get_by_text("2 steps as a table").click()
        await box.fill("half a sen")
        await box.evaluate("box => box.setSelectionRange(2, 4)")
        held.go.set()
        await expect(last.get_by_role("status")).to_contain_text("done")
        await expect(last.get_by_role("row").nth(2)).to_contain_text("send text message")
        assert await last.locator("details[open]").count() == 1, "what was opened stays open"
        await expect(box).to_have_value("half a sen")
        await expect(box).to_be_focused()
        where = await box.evaluate("box => [box.selectionStart, box.selectionEnd]")
        assert where == [2, 4], "nor does the cursor move"


async def test_a_question_is_answered_and_a_device_approved_by_keyboard_alone(
    browser: str, served: Site
) -> None:
    async with entered(browser, served) as page:
        await page.get_by_label(SENTENCE).focus()
        await page.keyboard.type(VOLUME)
        await page.keyboard.press("Enter")
        await press(page, "Pixel")
        last = page.get_by_role("region", name="Last sentence")
        await expect(last).to_contain_text(VOLUME)
        await expect(last.get_by_role("status")).to_contain_text("done")
        assert await page.evaluate("document.activeElement !== document.body")
        served.hub.registry.propose(FOUND)
        await expect(page.get_by_text("Fold 7")).to_be_visible()
        await press(page, "Approve: Fold 7")
        await expect(page.get_by_role("button", name="Approve: Fold 7")).to_have_count(0)
        assert "p3" in {device.id for device in served.hub.registry.approved}
        assert served.hub.adapter.calls[-1].function == "set_volume"


async def press(page: Page, name: str) -> None:
    """Go to a button by the tabulator key, see that its focus is seen, and press it."""
    button = page.get_by_role("button", name=name, exact=True)
    await expect(button).to_be_visible()
    await page.locator("#live").focus()
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await button.evaluate("button => button === document.activeElement"):
            outline = await button.evaluate("button => getComputedStyle(button).outlineStyle")
            assert outline == "solid", "the focus is seen"
            await page.keyboard.press("Enter")
            return
    raise AssertionError(f"the tabulator key does not come to {name}")


async def test_what_goes_wrong_is_told_beside_what_was_typed(browser: str, served: Site) -> None:
    async with entered(browser, served) as page:
        entry = page.locator("li", has_text="Tablet").first
        await entry.locator("summary").first.click()
        name = entry.get_by_label("Name", exact=True)
        await name.fill("Pixel")
        await entry.get_by_role("button", name="Rename: Tablet").click()
        await expect(page.locator("#said")).to_contain_text("another device is called 'Pixel'")
        await expect(name).to_have_value("Pixel")
        served.hub.registry.propose(FOUND)
        await expect(page.get_by_text("Fold 7")).to_be_visible()
        await expect(name).to_have_value("Pixel")
        await expect(page.locator("#said")).to_contain_text("another device")
        await name.fill("Wall")
        await entry.get_by_role("button", name="Rename: Tablet").click()
        await expect(page.locator("summary", has_text="Wall")).to_be_visible()
        await expect(page.locator("#said")).to_be_empty()


async def test_who_is_out_is_told_so_where_they_are(browser: str, served: Site) -> None:
    async with entered(browser, served) as page:
        await expect(page.get_by_role("heading", name="Devices")).to_be_visible()
        served.tokens.revoke(served.tokens.all()[-1].id)
        served.hub.registry.propose(FOUND)
        await page.get_by_label(SENTENCE).fill(SELFIE)
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("#said")).not_to_be_empty()
    assert not await served.hub.journal.latest(1, "ann")


async def test_a_page_that_nobody_sees_takes_no_connection_and_catches_up_once_it_is_seen(
    browser: str, served: Site
) -> None:
    # A browser opens six connections to one host: the seventh open page would wait for ever.
    async with entered(browser, served) as page, asyncio.timeout(20):
        await stream(page, open=True)
        await page.evaluate("""() => {
          Object.defineProperty(document, 'hidden', {value: true, configurable: true});
          document.dispatchEvent(new Event('visibilitychange'));
        }""")
        await stream(page, open=False)
        served.hub.registry.propose(FOUND)
        await page.evaluate("""() => {
          Object.defineProperty(document, 'hidden', {value: false});
          document.dispatchEvent(new Event('visibilitychange'));
        }""")
        await expect(page.get_by_text("Fold 7")).to_be_visible()


async def stream(page: Page, *, open: bool) -> None:
    """Wait until the page is told of news, or is told of none."""
    there = "document.getElementById('news')._htmx?.sse?.reader"
    await page.wait_for_function(f"() => Boolean({there}) === {str(open).lower()}")


async def test_that_the_hub_does_not_answer_is_said_until_it_does(
    browser: str, served: Site
) -> None:
    async with entered(browser, served) as page:
        await stream(page, open=True)
        lost = page.get_by_text("The hub does not answer")
        await page.context.set_offline(True)
        served.hub.registry.propose(FOUND)
        await page.evaluate("htmx.trigger('#news', 'news')")
        await expect(lost).to_be_visible()
        await page.context.set_offline(False)
        await page.evaluate("htmx.trigger('#news', 'news')")
        await expect(page.get_by_text("Fold 7")).to_be_visible()
        await expect(lost).to_be_hidden()


async def test_without_a_script_everything_still_works(browser: str, served: Site) -> None:
    async with entered(browser, served, java_script_enabled=False) as page:
        await page.get_by_label(SENTENCE).fill(CALL)
        await page.get_by_role("button", name="Send").click()
        await page.get_by_role("button", name="Yes, do it").click()
        await served.ended((await served.hub.journal.latest(1, "ann"))[0].command.id)
        await page.reload()
        await expect(page.get_by_role("region", name="Last sentence")).to_contain_text("done")
        assert await page.locator("noscript meta[http-equiv=refresh]").count() == 1


async def furnish(served: Site) -> None:
    """One of everything that a page may show."""
    served.hub.registry.propose(FOUND)
    submit = served.hub.pipeline.submit
    await submit(command(SELFIE, "done", door="http", devices=("Pixel",)))
    await submit(command("selfie every day at 7 am", "later", devices=("Pixel",)))
    for identity in ("done", "later"):
        await served.ended(identity)
    await submit(command(CALL, "asks"))
    await submit(command(VOLUME, "which"))
    await served.asked(count=2)


AXE = """async () => {
  const found = await axe.run({resultTypes: ['violations']});
  return found.violations
    .filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3).join(' ')}`);
}"""


@npm.needed
async def test_axe_finds_nothing_and_no_screen_scrolls_sideways(browser: str, served: Site) -> None:
    await furnish(served)
    axe = npm.file("axe-core/axe.min.js").read_text(encoding="utf-8")
    wrong: dict[str, Any] = {}
    async with entered(browser, served, color_scheme="light") as page:
        home = page.url
        client = await page.context.new_cdp_session(page)
        for view in ("", "run/done", "run/asks", "run/which", "history", "run/nothing", served.at):
            await page.goto(view if view == served.at else home + view)
            await page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            await client.send("Runtime.evaluate", {"expression": axe})  # as no page's policy lets
            for (width, height), scheme in SCREENS:
                await page.set_viewport_size({"width": width, "height": height})
                await page.emulate_media(color_scheme=scheme)
                wrong[f"{view} {width} {scheme}"] = await page.evaluate(AXE)
                scrolls = await page.evaluate("document.documentElement.scrollWidth")
                assert scrolls <= width, f"{view} is {scrolls} pixels wide at {width}"
                wrong[f"{view} {width}: too small"] = await page.evaluate(SMALL)
    assert not {what: found for what, found in wrong.items() if found}, json.dumps(wrong, indent=1)


SMALL = """() => [
    ...document.querySelectorAll('main button, main summary, main input, header a, .filters a')
  ]
  .filter((one) => one.checkVisibility() && one.type !== 'hidden')
  .map((one) => one.type === 'checkbox' ? one.closest('label') : one)
  .filter((one) => one.getBoundingClientRect().height < 44)
  .map((one) => one.outerHTML.slice(0, 120))"""
