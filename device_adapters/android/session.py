"""One call's dealings with the phone: looking before, doing, looking after."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from device_adapters.adb import quoting
from device_adapters.adb.answer import KILLED, Answer
from device_adapters.adb.transport import Transport
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain, HubError

T = TypeVar("T")

POLL = 0.25


@dataclass
class Session:
    """What a recipe works with. `ask` changes nothing that matters; `tell` is the effect itself.

    A break before the effect is `DeviceUnavailable`, one during or after it `DeviceUncertain`,
    whatever the transport had sent: only the effect counts.
    """

    transport: Transport
    deadline: float  # on the loop's clock
    patience: float  # seconds to look for an effect
    folder: Path  # where fetched files go
    key: str
    acted: bool = False
    sdk: str = ""  # the phone's API level, once somebody asked

    async def ask(self, *words: str, trusted: bool = True) -> str:
        """Run a command that only looks or prepares; its output. Not `trusted`: it holds somebody's
        own words, in which no error is looked for."""
        with self.looking():
            answer = await self.transport.shell(*words, within=self._left())
            return answer.accepted(trusted=trusted)

    async def answer(self, *words: str) -> Answer:
        """Run a command that only looks; whatever it says."""
        with self.looking():
            return await self.transport.shell(*words, within=self._left())

    async def tell(self, *words: str) -> str:
        """Run the command that has the effect; its output."""
        try:
            answer = await self.transport.shell(*words, within=self._left())
        except DeviceUncertain:
            self.acted = True
            raise
        except DeviceUnavailable as exc:
            raise self._seen(exc) from exc
        if answer.code in KILLED:
            self.acted = True
            raise DeviceUncertain(f"the command was killed on the phone ({answer.code})")
        said = answer.accepted()
        self.acted = True
        return said

    async def output(self, *words: str) -> bytes:
        """Run a command that only looks; its bytes."""
        with self.looking():
            return await self.transport.exec_out(*words, within=self._left())

    async def fetch(self, path: str) -> str:
        """Copy a file of the phone into the hub's folder; its path there."""
        with self.looking():
            data = await self.transport.pull(quoting.whole(path), within=self._left())
        return await self.keep(path.rpartition("/")[2], data)

    async def keep(self, name: str, data: bytes) -> str:
        """Write a file into the hub's folder, under a harmless form of its name; its path."""
        harmless = re.sub(r"[^\w.-]", "_", f"{self.key}-{name}", flags=re.ASCII).lstrip(".")
        path = self.folder / harmless[-120:]

        def write() -> None:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

        with self.looking():
            try:
                await asyncio.to_thread(write)
            except OSError as exc:
                raise DeviceRefused(f"the hub cannot keep the file: {exc}") from exc
        return str(path)

    async def until(self, look: Callable[[], Awaitable[T | None]]) -> T | None:
        """Look again and again until there is something, or patience or time run out."""
        loop = asyncio.get_running_loop()
        end = min(loop.time() + self.patience, self.deadline - 2 * POLL)
        while (found := await look()) is None and loop.time() + POLL < end:  # noqa: ASYNC110
            await asyncio.sleep(POLL)  # a phone tells nothing by itself
        return found

    def _left(self) -> float:
        return max(0.0, self.deadline - asyncio.get_running_loop().time())

    @contextmanager
    def looking(self) -> Iterator[None]:
        """What fails here is told as this call sees it: a look is no reason to deny an effect."""
        try:
            yield
        except DeviceRefused as exc:
            if not self.acted:
                raise
            raise DeviceUncertain(f"done, but not seen: {exc}") from exc
        except (DeviceUnavailable, DeviceUncertain) as exc:
            raise self._seen(exc) from exc

    def _seen(self, exc: DeviceUnavailable | DeviceUncertain) -> HubError:
        return (DeviceUncertain if self.acted else DeviceUnavailable)(str(exc))
