"""What the hub does for its journal once a day: backs it up, then forgets what is old enough."""

import asyncio
import contextlib
import logging
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from orchestrator.journal import Journal
from orchestrator.journal.backup import backup
from orchestrator.settings import Store
from schemas.errors import HubError

log = logging.getLogger(__name__)

SOON, HOUR, DAY = 60.0, 3600.0, 86400.0
"""Seconds after the start, after what failed, and after what went well."""


class Keeper:
    """Keeps the journal while its block lasts; backups lie in `backups` in the state folder."""

    def __init__(
        self,
        journal: Journal,
        url: sa.URL,
        state: Path,
        store: Store,
        *,
        now: Callable[[], float] = time.time,
        soon: float = SOON,
    ) -> None:
        self._journal = journal
        self._url = url
        self._state = state
        self._store = store
        self._now = now
        self._soon = soon
        self._stopped = threading.Event()

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep(), name="keeper")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopped.set()
        self._keeping.cancel()
        await asyncio.wait([self._keeping])

    async def look(self) -> float:
        """Do what is to be done; says in how many seconds to look again."""
        try:
            if self._store.backups:
                await asyncio.wrap_future(_begun(self._back_up))
            await self._forget()
        except (HubError, OSError) as error:
            log.error("the journal is not looked after, trying again in an hour: %s", error)
            return HOUR
        except Exception:
            log.exception("the keeper broke, trying again in an hour")
            return HOUR
        return DAY

    async def _keep(self) -> None:
        pause = self._soon
        while True:
            await asyncio.sleep(pause)
            pause = await self.look()

    async def _forget(self) -> None:
        if not self._store.keep_days:
            return
        before = self._now() - self._store.keep_days * DAY
        last = await self._journal.newest()
        if last is not None and last < before:  # nothing would be left, if the clock is wrong
            log.warning("nothing is forgotten: all of it is old enough; is the clock right?")
            return
        if gone := await self._journal.prune(before):
            day = datetime.fromtimestamp(before)
            log.info("forgot what ended before %s: %d events", f"{day:%Y-%m-%d}", gone)

    def _back_up(self) -> None:
        folder = self._state / "backups"
        folder.mkdir(mode=0o700, exist_ok=True)
        for cut_off in folder.glob("octopus-*.partial"):
            shutil.rmtree(cut_off)
        today = datetime.fromtimestamp(self._now())
        target = folder / f"octopus-{today:%Y-%m-%d}.tar.gz"
        backup(self._url, self._state, target, self._stopped.is_set)
        _drop(folder, target, self._store.backups)
        log.info("backed up: %s", target)


def newest(state: Path) -> float | None:
    """When the newest backup in a state folder was made, seconds since the epoch."""
    made = []
    for archive in (state / "backups").glob("octopus-*.tar.gz"):
        with contextlib.suppress(FileNotFoundError):  # an old one may just be removed
            made.append(archive.stat().st_mtime)
    return max(made, default=None)


def _drop(folder: Path, made: Path, most: int) -> None:
    """Remove all but the newest archives. The one just made is the newest, whatever the clock says:
    others from the future were made by one that was wrong, and go first."""

    def age(archive: Path) -> tuple[bool, float]:
        at = archive.stat().st_mtime
        return at <= made.stat().st_mtime, at

    others = [archive for archive in folder.glob("octopus-*.tar.gz") if archive != made]
    for old in sorted(others, key=age, reverse=True)[most - 1 :]:
        old.unlink()


def _begun(work: Callable[[], None]) -> "Future[None]":
    """Work in a thread of its own that no end of the process waits for: a database may be silent
    for ever."""
    future: Future[None] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 (it is raised where the work is waited for)
            future.set_exception(error)
        else:
            future.set_result(None)

    threading.Thread(target=run, name="backup", daemon=True).start()
    return future
