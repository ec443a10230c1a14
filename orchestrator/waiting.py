"""Commands that wait for a person: the questions and confirmations that are open."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator import trace
from orchestrator.questions import Reply
from schemas.command import Command
from schemas.event import Event
from schemas.execution import StageName

Read = Callable[[str], Reply | None]
"""What a sentence answers; None where it is no answer."""


@dataclass(frozen=True)
class Waiting:
    """One command that waits: what was told, how an answer reads, and where it goes; `anything`
    where whatever is said may be the answer (a message's text)."""

    command: Command
    told: Event
    read: Read
    answered: "asyncio.Future[Reply]"
    anything: bool = False


class WaitingRoom:
    """Every command that waits, by its id."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}
        self._arrivals: dict[str, list[asyncio.Future[Event]]] = {}
        self.closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def close(self) -> tuple[str, ...]:
        """Ask nobody any more; gives the commands that still wait."""
        self.closed = True
        return tuple(run for run in self._waiting if self.of(run))

    async def answer(
        self,
        command: Command,
        told: Event,
        read: Read,
        within: float,
        tell: Callable[[Event], None],
        *,
        anything: bool = False,
    ) -> Reply | None:
        """Tell the question and wait so many seconds for its answer; None where none came."""
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[command.id] = Waiting(command, told, read, answered, anything)
        tell(told)
        for arrival in self._arrivals.pop(command.id, []):
            if not arrival.done():
                arrival.set_result(told)
        try:
            async with asyncio.timeout(within):
                with trace.stage(StageName.ASK):
                    return await answered
        except TimeoutError:
            return None
        finally:
            del self._waiting[command.id]

    def of(self, run: str) -> Waiting | None:
        """The open question of a command."""
        waiting = self._waiting.get(run)
        return None if waiting is None or waiting.answered.done() else waiting

    def of_user(self, user: str) -> tuple[Waiting, ...]:
        """A user's open questions, the newest first."""
        everybodys = [waiting for run in self._waiting if (waiting := self.of(run))]
        return tuple(w for w in reversed(everybodys) if w.command.user == user)

    def of_speaker(self, user: str, door: str) -> tuple[Waiting, ...]:
        """The open questions of whoever speaks at a door, the newest first."""
        return tuple(w for w in self.of_user(user) if w.command.door == door)

    def next_question(self, run: str) -> "asyncio.Future[Event]":
        """The next question that a command asks, once it does."""
        arrival: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._arrivals.setdefault(run, []).append(arrival)
        return arrival

    def forget(self, arrival: "asyncio.Future[Event]") -> None:
        """Nobody waits for this question any more."""
        arrival.cancel()
        for run, waiting in list(self._arrivals.items()):
            self._arrivals[run] = [one for one in waiting if not one.cancelled()]
            if not self._arrivals[run]:
                del self._arrivals[run]
