"""The commands under way: each is seen to its end, whatever becomes of the work for it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from orchestrator import texts, trace
from orchestrator.journal import JournalUnavailable
from orchestrator.logs import task_name
from schemas.command import Command
from schemas.errors import HubError
from schemas.execution import Execution, RunState
from schemas.outcome import Outcome
from schemas.plan import Step

log = logging.getLogger(__name__)

CANCEL_WITHIN = 10.0
"""Seconds somebody who cancels waits for the command's end; it comes in any case."""


@dataclass(frozen=True)
class Ending:
    """How a command is to end: as `state`, or as its steps ended; `last` is how the step ended that
    the journal does not have yet, `record` the command's where the journal has its end already."""

    state: RunState | None = None
    reason: str = ""
    last: tuple[Step, Outcome] | None = None
    record: Execution | None = None


class Lives:
    """One task a command. It does the work in a task of its own, which a person may cancel, and
    then ends the command, which nobody may; only a hub that stops leaves it to the next start."""

    def __init__(self, end: Callable[[Command, Ending], Awaitable[None]]) -> None:
        self._end = end
        self._commands: dict[str, Command] = {}
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._work: dict[str, asyncio.Task[Ending]] = {}
        self._cancelled: set[str] = set()
        self._aside: set[str] = set()

    def __len__(self) -> int:
        return len(self._lives)

    def __contains__(self, run: str) -> bool:
        return run in self._lives

    def of_user(self, user: str) -> int:
        """How many commands a user has under way."""
        return sum(command.user == user for command in self._commands.values())

    def belongs_to(self, run: str, user: str) -> bool:
        """Whether a command is under way, and the user's."""
        return run in self._commands and self._commands[run].user == user

    def start(self, command: Command, work: Coroutine[Any, Any, Ending]) -> None:
        """See a command to its end."""
        with trace.going_on():
            task = asyncio.create_task(work, name=task_name(command.id, ": work"))
            life = asyncio.create_task(self._see_through(command, task), name=task_name(command.id))
        self._work[command.id], self._lives[command.id] = task, life
        self._commands[command.id] = command
        life.add_done_callback(lambda _: self._forget(command.id))

    def of_speaker(self, user: str, door: str) -> tuple[Command, ...]:
        """What whoever speaks at a door has under way, the newest first."""
        mine = [c for c in self._commands.values() if (c.user, c.door) == (user, door)]
        return tuple(reversed([c for c in mine if c.id not in self._aside]))

    def set_aside(self, run: str) -> None:
        """A command that only speaks of another: calling off means that one."""
        self._aside.add(run)

    def ended(self, run: str) -> "asyncio.Future[None] | None":
        """Done once the command has ended; None where it is not under way."""
        life = self._lives.get(run)
        return None if life is None else asyncio.ensure_future(_done(life))

    async def cancel(self, run: str) -> bool:
        """Stop a command's work and wait for its end; False where it is not under way."""
        life = self._lives.get(run)
        if life is None:
            return False
        if run not in self._cancelled:
            self._cancelled.add(run)
            self._work[run].cancel()
        await asyncio.wait([life], timeout=CANCEL_WITHIN)
        return True

    def leave(self, run: str) -> None:
        """Leave a command to the next start of the hub."""
        self._lives[run].cancel()

    async def drain(self, within: float) -> None:
        """Wait so many seconds for what is under way, then leave the rest to the next start."""
        if self._lives:
            await asyncio.wait(list(self._lives.values()), timeout=within)
        left = [*self._work.values(), *self._lives.values()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _forget(self, run: str) -> None:
        del self._lives[run], self._work[run], self._commands[run]
        self._cancelled.discard(run)
        self._aside.discard(run)

    async def _see_through(self, command: Command, work: asyncio.Task[Ending]) -> None:
        await self._end(command, await _outcome(command, work))


async def _done(life: asyncio.Task[None]) -> None:
    await asyncio.wait([life])


async def _outcome(command: Command, work: asyncio.Task[Ending]) -> Ending:
    """How the command is to end, even where the work was cancelled or a bug escaped from it."""
    try:
        return await work
    except asyncio.CancelledError:
        mine = asyncio.current_task()
        if mine is not None and mine.cancelling():
            raise  # the hub stops
        return Ending(RunState.CANCELLED, texts.CANCELLED)
    except JournalUnavailable as error:
        return Ending(RunState.REFUSED, texts.NOT_WRITTEN.format(why=error))
    except HubError as error:
        return Ending(RunState.REFUSED, str(error))
    except Exception:
        log.exception("command %s broke", command.id)
        return Ending(RunState.REFUSED, texts.BROKE)
