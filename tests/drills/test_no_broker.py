"""A hub whose broker is not there when it starts: it is ready, does what is due, and finds it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import time
from pathlib import Path

from orchestrator.journal import Journal
from schemas.plan import Plan, Step
from tests.broker import Broker
from tests.e2e.daemon import READY_WITHIN, Site, eventually
from tests.schedulekit import schedule, scheduled

GROWS_AT_MOST = 20 * 1024
"""KiB."""
DUE_IN = 6.0
STARTED_WITHIN = 40.0
"""Seconds; a busy machine takes as many as it likes to read the program."""


async def test_it_is_ready_runs_what_is_due_and_finds_the_broker_later(
    site: Site, tmp_path: Path
) -> None:
    broker = Broker(tmp_path)
    hub = site.config / "hub.toml"
    port, url = f"port = {site.port}", f'url = "mqtt://{broker.host}:{broker.port}"'
    hub.write_text(hub.read_text().replace(port, url))
    weather = Step(
        index=0, function="get_weather_forecast", arguments={"location": "Seoul"}, device="hub"
    )
    site.state.mkdir(mode=0o700)
    async with Journal(site.state / "journal.db") as journal:
        due = schedule(time.time() + DUE_IN, plan=Plan(steps=(weather,)), user="local")
        await scheduled(journal, due)
    await site.spawn()
    await eventually(lambda: "ready after" in site.log, STARTED_WITHIN, site)
    said = re.search(r"ready after ([\d.]+) s", site.log)
    assert said
    assert float(said[1]) <= READY_WITHIN
    before = _memory(site)
    await eventually(lambda: _fired(site) == "succeeded", DUE_IN + 10, site)
    assert _memory(site) - before < GROWS_AT_MOST
    await broker.start()
    try:
        found = asyncio.create_task(site.octopus("executions", "list", "--json"))
        await asyncio.wait_for(found, 40)
        assert found.result().status == 0, found.result().err
    finally:
        assert await site.stop() == 0
        await broker.stop()
    assert "Traceback" not in site.log


def _fired(site: Site) -> str:
    """The state of the command that the schedule sent; empty: it has sent none."""
    at = f"file:{site.state / 'journal.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(at, uri=True)) as journal:
        row = journal.execute("SELECT state FROM runs WHERE id != 'of-s1'").fetchone()
    return str(row[0]) if row else ""


def _memory(site: Site) -> int:
    """KiB."""
    status = Path(f"/proc/{site.pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0])
