"""The web page in headless Chromium: until its first paint, what it loads, and how soon it shows
what happens. Against a whole hub with simulated devices and commands in its journal.

    python -m benchmarks.page [--rounds N] [--json]
"""

import argparse
import asyncio
import json
import statistics
import time
from typing import Any

from playwright.async_api import Browser, Page, Response

from benchmarks.page_hub import PageHub, page_hub
from benchmarks.screenshots import enter, furnish
from orchestrator.people import LOCAL
from tests import chromium

SENTENCE = "Set the media volume on my phone to 5"
PAINTED = """() => new Promise((done) => new PerformanceObserver((list) => {
  const [first] = list.getEntriesByName('first-contentful-paint');
  if (first) done(first.startTime);
}).observe({type: 'paint', buffered: true}))"""


async def loaded(browser: Browser, hub: PageHub) -> dict[str, float]:
    """The page in a browser that has nothing of it yet: milliseconds, bytes, requests, hosts."""
    async with chromium.page(browser) as page:
        await enter(page, hub)
        await page.get_by_role("heading", name="Devices").wait_for()
        home, cookies = page.url, await page.context.cookies()
    async with chromium.page(browser) as page:
        await page.context.add_cookies(cookies)  # type: ignore[arg-type]
        heard: list[Response] = []
        page.on("response", lambda response: heard.append(response))
        await page.goto(home)
        painted = float(await page.evaluate(PAINTED))
        await page.wait_for_function("() => document.getElementById('news')._htmx?.sse?.reader")
        files = [one for one in heard if not one.url.endswith("/news")]
        first = {one.url: one for one in reversed(files)}  # what is asked for anew is not the page
        bodies = [len(await one.body()) for one in first.values()]
        hosts = {one.url.split("/")[2] for one in heard}
        return {
            "first_paint_ms": painted, "bytes": sum(bodies), "requests": len(first),
            "hosts": len(hosts),
        }  # fmt: skip


async def shown(page: Page, hub: PageHub, identity: str) -> float:
    """Milliseconds from the end of a command until the page shows it."""
    wanted = f"#card-{identity} .state.good"
    request = {"id": identity, "text": SENTENCE}
    seen = asyncio.create_task(page.locator(wanted).first.wait_for())
    await hub.service.request("command", LOCAL, request, door="http")
    await seen
    now = time.time()
    record = await hub.service.request("execution/get", LOCAL, {"execution": identity})
    return 1000 * (now - record["ended"])


async def measured(rounds: int) -> dict[str, Any]:
    """The medians over so many rounds, and the worst."""
    with chromium.started() as running:
        async with page_hub() as hub, chromium.connected(running) as browser:
            await furnish(hub)
            loads = [await loaded(browser, hub) for _ in range(rounds)]
            async with chromium.page(browser) as page:
                await enter(page, hub)
                await page.wait_for_function(
                    "() => document.getElementById('news')._htmx?.sse?.reader"
                )
                after = [await shown(page, hub, f"bench-{number}") for number in range(rounds)]
    paints = [one["first_paint_ms"] for one in loads]
    return {
        "first_paint_ms": {"p50": statistics.median(paints), "worst": max(paints)},
        "shown_after_ms": {"p50": statistics.median(after), "worst": max(after)},
        "bytes": max(one["bytes"] for one in loads),
        "requests": max(one["requests"] for one in loads),
        "hosts": max(one["hosts"] for one in loads),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = asyncio.run(measured(asked.rounds))
    if asked.json:
        print(json.dumps(found))
        return
    for name in ("first_paint_ms", "shown_after_ms"):
        print(f"{name}: p50 {found[name]['p50']:.0f}, worst {found[name]['worst']:.0f}")
    print(f"{found['bytes']} bytes in {found['requests']} requests to {found['hosts']} host")


if __name__ == "__main__":
    main()
