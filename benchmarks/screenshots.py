"""Pictures of the web page, for the docs: desktop light and dark, and a phone."""

import argparse
import asyncio
from pathlib import Path

from playwright.async_api import Page

from benchmarks.page_hub import PageHub, page_hub
from orchestrator.people import LOCAL
from tests import chromium

FOLDER = Path(__file__).parent.parent / "docs/images"
PICTURES = (
    ("desktop-light", (1280, 1000), "light", ""), ("desktop-dark", (1280, 1000), "dark", ""),
    ("phone", chromium.PHONE, "light", ""), ("phone-dark", chromium.PHONE, "dark", "run/last"),
)  # fmt: skip
"""Name, size, scheme, and which page."""
MOST = 150_000
"""Bytes that a picture has at most."""
NAMES = {"adb-PIXEL8": "Pixel 8", "machine": "Kitchen PC", "ha-WVWZZZTEST0000001": "Family car"}
"""What devices are called, by their ids."""
ROOMS = {"Kitchen PC": "kitchen"}
SAID = (
    "Take a selfie with the front camera",
    "Start charging the car",
    "Say good morning to the moon",
    "Take a selfie every day at 7 am",
    "What is the weather in Seoul?",
    "Set the media volume on my phone to 3 and start charging the car",
)
ASKED, LAST = "Call John", "Text John the weather in Seoul"


async def furnish(hub: PageHub) -> None:
    """Approve the devices, give them names and rooms, and do what a home does."""
    ask = hub.service.request
    for device in await ask("device/list", LOCAL, {}):
        name = NAMES.get(device["id"])
        if name is None:
            continue  # the computer stays as it was found
        await ask("device/approve", LOCAL, {"device": device["id"]})
        fields = {"device": device["id"], "aliases": ["my phone"] if name == "Pixel 8" else []}
        await ask("device/describe", LOCAL, fields | {"room": ROOMS.get(name, "")})
        if name != device["name"]:
            await ask("device/rename", LOCAL, {"device": device["id"], "name": name})
    for number, said in enumerate(SAID):
        await say(hub, f"shown-{number}", said)


async def say(hub: PageHub, identity: str, said: str) -> None:
    """Send a sentence and wait until it has ended or waits for a person."""
    await hub.service.request("command", LOCAL, {"id": identity, "text": said}, door="http")
    await until(hub, identity)


async def until(hub: PageHub, identity: str) -> None:
    """Wait until a command has ended or waits for a person."""
    async with asyncio.timeout(30):
        while True:
            record = await hub.service.request("execution/get", LOCAL, {"execution": identity})
            if record["ended"] or "awaiting" in record:
                return
            await asyncio.sleep(0.05)


async def enter(page: Page, hub: PageHub) -> None:
    """Come in with the token."""
    await page.goto(hub.at)
    await page.get_by_label("Your token").fill(hub.token)
    await page.get_by_role("button", name="Come in").click()


async def picture(page: Page, file: Path) -> None:
    """Save what is shown, with as few colours as it takes to stay small."""
    file.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=file, animations="disabled")
    words = ("pngquant", "--force", "--skip-if-larger", "--output", str(file), "64", str(file))
    done = await asyncio.create_subprocess_exec(*words)
    assert await done.wait() in (0, 98, 99), "pngquant (apt install pngquant)"
    size = file.stat().st_size
    assert size <= MOST, f"{file}: {size} bytes"
    print(f"{file}: {size} bytes")


async def main(folder: Path) -> None:
    """Take all of them."""
    with chromium.started() as running:
        async with page_hub() as hub, chromium.connected(running) as browser:
            await furnish(hub)
            await say(hub, "last", LAST)
            told = await hub.service.request("execution/get", LOCAL, {"execution": "last"})
            said = {"execution": "last", "token": told["awaiting"]["token"], "answer": True}
            await hub.service.request("confirm", LOCAL, said)
            await until(hub, "last")
            await say(hub, "asked", ASKED)
            for name, size, scheme, where in PICTURES:
                scale = 2 if size == chromium.PHONE else 1
                async with chromium.page(
                    browser, size, color_scheme=scheme, device_scale_factor=scale
                ) as page:
                    await enter(page, hub)
                    await page.get_by_role("heading", name="Devices").wait_for()
                    if where:
                        await page.goto(f"{page.url}{where}")
                    await picture(page, folder / f"page-{name}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=FOLDER, help="the folder to write to")
    asyncio.run(main(parser.parse_args().into))
