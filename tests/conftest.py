"""What every test gets: nothing blocks the loop, nothing is left behind."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pluggy
import pytest
import pytest_asyncio

from orchestrator.catalogue import Catalogue

ROOT = Path(__file__).parent.parent
BLOCKED = 1.0
"""Seconds one callback may hold the loop; far above a busy machine's hiccups."""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Generator[None, "pluggy.Result[pytest.TestReport]"]:
    """In CI nothing may be skipped: what a test needs is installed there."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    """Fail a test that leaves a thread behind."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    # The loop's own pool threads end with the loop.
    new = [t for t in threading.enumerate() if t not in before and "asyncio_" not in t.name]
    for thread in new:
        thread.join(max(0.0, deadline - time.monotonic()))
    left = sorted(thread.name for thread in new if thread.is_alive())
    assert not left, f"threads left behind: {left}"


@pytest_asyncio.fixture(autouse=True)
async def no_tasks_left_and_loop_free() -> AsyncIterator[None]:
    """Fail a test that leaves a task behind or holds the loop for long."""
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    worst = 0.0
    last = loop.time()
    handles: list[asyncio.TimerHandle] = []

    def tick() -> None:
        nonlocal worst, last
        now = loop.time()
        worst = max(worst, now - last - 0.05)
        last = now
        handles[:] = [loop.call_later(0.05, tick)]

    tick()
    yield
    handles[0].cancel()
    left = {t for t in asyncio.all_tasks() - before if t is not asyncio.current_task()}
    assert not left, f"tasks left behind: {sorted(t.get_name() for t in left)}"
    assert worst < BLOCKED, f"the event loop was held for {worst:.2f} s"


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The shipped catalogue."""
    return Catalogue.load(ROOT / "config/functions")
