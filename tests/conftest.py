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
from orchestrator.journal import engine
from tests.postgres import Cluster, program
from tests.stalls import Stalls

ROOT = Path(__file__).parent.parent
BLOCKED = 2.0 if "PYTEST_XDIST_WORKER" in os.environ else 1.0
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


@pytest.fixture(scope="session")
def stalls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stalls]:
    """When the machine stood still."""
    watching = Stalls(tmp_path_factory.mktemp("stalls") / "stalls")
    yield watching
    watching.close()


@pytest_asyncio.fixture(autouse=True)
async def no_tasks_left_and_loop_free(store: str, stalls: Stalls) -> AsyncIterator[None]:
    """Fail a test that leaves a task behind or holds the loop for long, once its store is there."""
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    last = loop.time()
    late: list[tuple[float, float]] = []
    handles: list[asyncio.TimerHandle] = []

    def tick() -> None:
        nonlocal last
        now = loop.time()
        if now - last > BLOCKED:
            late.append((last, now))
        last = now
        handles[:] = [loop.call_later(0.05, tick)]

    tick()
    yield
    handles[0].cancel()
    left = {t for t in asyncio.all_tasks() - before if t is not asyncio.current_task()}
    assert not left, f"tasks left behind: {sorted(t.get_name() for t in left)}"
    if late:
        await asyncio.sleep(0.2)  # who watches for stalls has written the last one down
    held = max((now - then - stalls.within(then, now) for then, now in late), default=0.0)
    assert held < BLOCKED, f"the event loop was held for {held:.2f} s"


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The shipped catalogue."""
    return Catalogue.load(ROOT / "config/functions")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server; the test is skipped where its programs are not installed."""
    if program("initdb") is None:
        pytest.skip("PostgreSQL's programs are not installed")
    cluster = Cluster()
    cluster.start()
    yield cluster
    cluster.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is marked `both_stores` runs on SQLite and on PostgreSQL: only the URL differs."""
    if metafunc.definition.get_closest_marker("both_stores"):
        only = metafunc.definition.get_closest_marker("sqlite")
        stores = ["sqlite"] if only else ["sqlite", "postgresql"]
        metafunc.parametrize("store", stores, indirect=True)


@pytest.fixture(autouse=True)
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the journals of a test are: with PostgreSQL, those without a URL have one there."""
    kind: str = getattr(request, "param", "sqlite")
    if kind == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgres")
        at = engine.at
        monkeypatch.setattr(engine, "at", lambda url, file: at(url or cluster.url(file), file))
    return kind
