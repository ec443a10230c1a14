"""A headless Chromium of the system's, started once, and pages in it by playwright."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

STARTED_WITHIN = 20.0
DESKTOP, PHONE = (1280, 800), (360, 740)
"""Width and height of a screen, in CSS pixels."""


def program() -> str | None:
    """Where Chromium is; None where it is not installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def started() -> Iterator[str]:
    """A Chromium while the block lasts; where it is spoken to."""
    where = program()
    assert where, "chromium is not installed (apt install chromium)"
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        # The hub that it looks at, and the test, come before it.
        command = [
            "nice", "-n", "10", where, "--headless=new", "--remote-debugging-port=0",
            f"--user-data-dir={folder}",
            "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--no-proxy-server",
            *(["--no-sandbox"] if os.geteuid() == 0 else []), "about:blank",
        ]  # fmt: skip
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, **quiet) as process:  # type: ignore[call-overload]
            try:
                yield f"http://127.0.0.1:{_port(Path(folder), process)}"
            finally:
                process.kill()


def _port(folder: Path, process: subprocess.Popen[bytes]) -> int:
    told, deadline = folder / "DevToolsActivePort", time.monotonic() + STARTED_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        if told.exists() and (lines := told.read_text().splitlines()):
            return int(lines[0])
        time.sleep(0.02)
    raise AssertionError("chromium did not start")


@asynccontextmanager
async def connected(chromium: str) -> AsyncIterator[Browser]:
    """The running Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(chromium)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def page(
    browser: Browser, size: tuple[int, int] = DESKTOP, **options: Any
) -> AsyncIterator[Page]:
    """A page with cookies of its own; `options` as playwright's `new_context`."""
    width, height = size
    viewport: Any = {"width": width, "height": height}
    context = await browser.new_context(viewport=viewport, **options)
    try:
        yield await context.new_page()
    finally:
        await context.close()
