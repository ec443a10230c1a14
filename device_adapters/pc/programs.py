"""One computer's programs: which serves a function now, run in the session that it needs."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from device_adapters.pc.commands import Way, Where, command, filled
from device_adapters.pc.runner import MOST, NOTHING, Answer, Argv, Environment, Runner
from device_adapters.pc.session import Host, Session, session_of
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain

_AGAIN = 0.1
"""Seconds between two looks for an effect."""

Values = Mapping[str, str]


class Chosen(NamedTuple):
    """The way to serve a function, and the session to do it in."""

    way: Way
    session: Session


class Programs:
    """The programs of the computer `name`, run by `runner`; errors name it."""

    def __init__(self, name: str, runner: Runner, host: Host) -> None:
        self.name = name
        self.host = host
        self._runner = runner

    async def choose(self, function: str) -> Chosen:
        """The best way there is now; `DeviceRefused` says what is missing."""
        host = self.host
        there = [way for way in host.system.ways.get(function, ()) if way.there(host.programs)]
        if not there:
            raise DeviceRefused(f"{self.name} has no program for {function}")
        if there[0].where is Where.SYSTEM:
            return Chosen(there[0], Session({}))
        session = await session_of(self.look)
        if there[0].where is Where.SCREEN and not session.screen:
            raise DeviceRefused(f"{self.name}: nobody is logged in at its screen")
        for way in there:
            if way.display in ("", session.screen):
                return Chosen(way, session)
        screen = session.screen
        raise DeviceRefused(f"{self.name} has no program for {function} on its {screen} screen")

    async def order(self, chosen: Chosen, values: Values, most: int = MOST) -> Answer:
        """Run a way's program; `DeviceRefused` with its own words where it fails."""
        argv = command(chosen.way, {**values, "session": chosen.session.id})
        answer = await self.run(argv, chosen.session.environment, most)
        return self._well(answer, chosen.way.argv[0])

    async def value(self, chosen: Chosen) -> str | None:
        """What a way would change, as it is now; None where that is not told."""
        argv = filled(chosen.way.look, {"session": chosen.session.id})
        answer = await self.look(argv, chosen.session.environment)
        return chosen.way.read(self._well(answer, argv[0]).text)

    async def becomes(self, chosen: Chosen, agrees: Callable[[str], bool], within: float) -> bool:
        """Whether what a way has changed gets there in time; a look that fails sees nothing."""
        with contextlib.suppress(TimeoutError, DeviceRefused, DeviceUnavailable, DeviceUncertain):
            async with asyncio.timeout(max(0.0, within)):
                while True:
                    now = await self.value(chosen)
                    if now is not None and agrees(now):
                        return True
                    await asyncio.sleep(_AGAIN)
        return False

    async def look(self, argv: Argv, environment: Environment = NOTHING) -> Answer:
        """Run a program that changes nothing."""
        try:
            return await self.run(argv, environment)
        except DeviceUncertain as exc:
            raise DeviceUnavailable(f"{exc}; nothing was ordered") from exc

    async def run(self, argv: Argv, environment: Environment = NOTHING, most: int = MOST) -> Answer:
        """Run one program, whatever comes of it."""
        told = {**self.host.system.environment, **environment}
        try:
            return await self._runner.run(argv, told, most)
        except (DeviceUnavailable, DeviceUncertain, DeviceRefused) as exc:
            raise type(exc)(f"{self.name}: {exc}") from exc

    def _well(self, answer: Answer, program: str) -> Answer:
        if answer.code != 0:
            reason = answer.reason or f"{program} ended with {answer.code}"
            raise DeviceRefused(f"{self.name}: {reason}")
        return answer
