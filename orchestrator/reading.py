"""A sentence to what is understood by it: what "it" means, then the model, then the rules."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor as Threads

from orchestrator import referents, trace
from orchestrator.catalogue import Catalogue
from orchestrator.journal import Journal
from orchestrator.understanding import Understander, Understanding
from schemas.base import Value
from schemas.command import Command
from schemas.decoded import Decoded
from schemas.execution import Decision, Execution, RunState, StageName

Decode = Callable[[str], Awaitable[Decoded]]
RECENT = 10
"""Commands that are looked through for the last one."""
_DONE = (RunState.SUCCEEDED, RunState.PARTLY, RunState.NEEDS_ATTENTION, RunState.SCHEDULED)


class Reading(Value):
    """What was understood; `recent`: the devices of the command that "it" points back to."""

    understood: Understanding
    recent: tuple[str, ...] = ()


class Reader:
    """Reads sentences; rules run on `thread`, so that the loop stays free."""

    def __init__(
        self,
        decode: Decode,
        understander: Understander,
        thread: Threads,
        journal: Journal,
        catalogue: Catalogue,
    ) -> None:
        self._decode = decode
        self.understander = understander
        self._thread = thread
        self._journal = journal
        self._catalogue = catalogue

    async def read(self, command: Command) -> Reading:
        """What a command's sentence means, or the call that it is; touches no device."""
        understander = self.understander
        if command.call is not None:
            called = understander.called(command.call, command.text, command.user)
            return Reading(understood=called)
        sentence, recent = await self._resolved(command)
        loop = asyncio.get_running_loop()
        readings = understander.readings(sentence)
        with trace.stage(StageName.DECODE):
            decoded = await asyncio.gather(*map(self._decode, readings))
        with trace.stage(StageName.UNDERSTAND):
            understood = await loop.run_in_executor(
                self._thread, understander, sentence, decoded, command.user
            )
        return Reading(understood=understood, recent=recent)

    async def _resolved(self, command: Command) -> tuple[str, tuple[str, ...]]:
        """The sentence with the thing of the speaker's last command for "it", and its devices."""
        if not referents.points_back(command.text):
            return command.text, ()
        last = await self._last(command)
        if last is None or time.time() - (last.ended or 0) > referents.WITHIN:
            return command.text, ()
        sentence = referents.resolved(command.text, last, self._catalogue)
        if sentence is None:
            return command.text, ()
        return sentence, tuple(dict.fromkeys(step.device for step in last.steps))

    async def _last(self, command: Command) -> Execution | None:
        """The speaker's newest command at this door; None where nothing came of it, for then "it"
        may be anything."""
        for one in await self._journal.latest(RECENT, command.user):
            mine = one.command.door == command.door and one.command.schedule is None
            spoken_of = one.decision in (Decision.ORDER, Decision.ANSWER)
            if mine and not spoken_of and one.command.id != command.id:
                return one if one.state in _DONE else None
        return None
