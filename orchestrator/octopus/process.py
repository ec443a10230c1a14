"""The model in a process of its own: it may die or hang without taking the hub with it.

Sentences wait in a bounded queue; whatever waits when the model is free goes to it together. A
process that dies is started anew and asked once more, each sentence by itself, so that the one that
kills it costs no other. One that hangs is killed, and its sentences are refused. After one that
cannot be started there is a rest, in which sentences are refused at once.
"""

import asyncio
import json
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, TypeAdapter

from orchestrator.settings import Log, Model
from schemas.base import Value
from schemas.decoded import Decoded
from schemas.errors import HubError
from schemas.function import Function

log = logging.getLogger(__name__)

MAX_WAITING = 1_024
"""Sentences that may wait, more than there are commands under way: what was accepted is decoded."""
MAX_TOGETHER = 8
"""Sentences that are decoded at once."""
LOAD_WITHIN = 300.0
"""Seconds that a model may take to load."""
STOP_WITHIN = 2.0
ALIVE_AFTER = 5.0
"""Seconds that a model may take, beyond its deadline, to be killed and started anew."""
REST, REST_AT_MOST = 1.0, 60.0
"""Seconds of rest after a model that cannot be started; each time twice as long."""
READY = b'"ready"'
"""What a process says that has loaded its model."""
_LINE = 1 << 24
_STOPS = "the hub stops"


class Start(BaseModel):
    """Which model is wanted, for which functions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Model
    functions: tuple[Function, ...]
    embedded: Path  # folder of the embedded weights in use
    log: Log = Log()


class ModelBusy(HubError):
    """Too many sentences wait for the model; send this one again in a moment."""

    code = "busy"


class ModelDown(HubError):
    """The model died or does not answer; it is being started anew."""

    code = "model"
    passing = True


class Problem(Value):
    """A sentence that cannot be decoded, or a model that cannot be loaded."""

    code: str
    reason: str


class ModelRefused(HubError):
    """The model could not be loaded, or could not decode the sentence; its own words say why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.code = problem.code


class _Died(Exception):
    """The process ended, or what it wrote cannot be read."""


_answers: TypeAdapter[list[Decoded | Problem]] = TypeAdapter(list[Decoded | Problem])


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A sentence, and where its answer goes."""

    sentence: str
    future: "asyncio.Future[Decoded]"


class ModelProcess:
    """One model; open it with `async with`. Loading it is part of opening."""

    def __init__(
        self,
        start: Start,
        *,
        deadline: float,
        program: Sequence[str] = (sys.executable, "-P", "-m", "orchestrator.octopus.worker"),
    ) -> None:
        """`deadline`: seconds for one batch of sentences."""
        self._start = start.model_dump_json()
        self._deadline = deadline
        self._program = program
        self._waiting: list[_Waiting] = []
        self._some = asyncio.Event()
        self._nudged = False
        self._silent_since: float | None = None
        self._loading = False
        self._process: Process | None = None
        self.restarts = 0
        """How often it was started anew."""
        self._rest, self._rests_until = 0.0, 0.0
        self._why: HubError = ModelDown()

    async def __aenter__(self) -> Self:
        await self._load()
        self._task = asyncio.create_task(self._serve(), name="model")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._stop()

    @property
    def waiting(self) -> int:
        """Sentences that wait for their turn."""
        return len(self._waiting)

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def alive(self) -> bool:
        """Whether the model answers within its deadline, or is being loaded. One that has nothing
        to do is asked for nothing, so that a dead or hanging one is found and started anew."""
        self._nudged = True
        self._some.set()
        if self._task.done():
            return False
        since, now = self._silent_since, asyncio.get_running_loop().time()
        return self._loading or since is None or now - since <= self._deadline + ALIVE_AFTER

    async def decode(self, sentence: str) -> Decoded:
        """One sentence; ModelBusy, ModelDown, ModelRefused."""
        if self._task.done():
            raise ModelDown(_STOPS)
        if len(self._waiting) >= MAX_WAITING:
            raise ModelBusy
        one = _Waiting(sentence, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        self._some.set()
        try:
            return await one.future
        finally:  # who gives up makes room
            if one in self._waiting:
                self._waiting.remove(one)

    async def _serve(self) -> None:
        batch: list[_Waiting] = []
        try:
            while True:
                batch = await self._next()
                await self._answer(batch)
                await self._again()
        finally:
            for one in (*batch, *self._waiting):
                _settle(one, ModelDown(_STOPS))

    async def _next(self) -> list[_Waiting]:
        while not self._waiting and not self._nudged:
            self._some.clear()
            await self._some.wait()
        self._nudged = False
        batch, self._waiting = self._waiting[:MAX_TOGETHER], self._waiting[MAX_TOGETHER:]
        return batch

    async def _answer(self, batch: list[_Waiting]) -> None:
        try:
            await self._ask(batch)
        except _Died as error:
            log.warning("the model died (%s); it is asked once more", error)
            for one in batch:
                await self._once_more(one)

    async def _again(self) -> None:
        """After a model that died or hung the next one, before anybody asks."""
        with suppress(HubError):  # it is logged, and told to the next who asks
            await self._ready()

    async def _once_more(self, one: _Waiting) -> None:
        try:
            await self._ask([one])
        except _Died as error:
            log.error("the model died of the same sentence twice (%s)", error)
            _settle(one, ModelDown(f"the model died of it twice: {error}"))

    async def _ask(self, batch: list[_Waiting]) -> None:
        """Have the batch decoded; _Died where the process did not live to answer. Of an empty one
        the answer is empty, and a sign of life."""
        if batch and not (batch := [one for one in batch if not one.future.done()]):
            return
        self._silent_since = self._silent_since or asyncio.get_running_loop().time()
        told: Sequence[Decoded | Problem | HubError]
        try:
            await self._ready()
            async with asyncio.timeout(self._deadline):
                line = await self._exchange(json.dumps([one.sentence for one in batch]))
            told = _read(line, len(batch))
            self._silent_since = None
        except HubError as error:
            told = [error] * len(batch)
        except TimeoutError:
            await self._kill()
            reason = f"the model did not answer within {self._deadline:g} s; it is started anew"
            log.error(reason)
            told = [ModelDown(reason)] * len(batch)
        except ValueError as error:
            await self._kill()
            raise _Died("it wrote what cannot be read") from error
        for one, answer in zip(batch, told, strict=True):
            _settle(one, answer)

    async def _ready(self) -> None:
        """Load the model if none runs; ModelRefused, ModelDown, and at once while it rests."""
        if self.pid is not None:
            return
        if self._process is not None:
            log.warning("the model died (exit status %s)", self._process.returncode)
            await self._kill()
        clock = asyncio.get_running_loop().time
        if clock() < self._rests_until:
            raise self._why.with_traceback(None)
        try:
            await self._load()
        except HubError as error:
            log.error("%s", error)
            self._rest = min(max(REST, 2 * self._rest), REST_AT_MOST)
            self._rests_until, self._why = clock() + self._rest, error
            raise
        self._rest = 0.0
        self.restarts += 1

    async def _load(self) -> None:
        """Start the process and wait until it is ready; ModelRefused, ModelDown."""
        loaded, self._loading = False, True
        try:
            async with asyncio.timeout(LOAD_WITHIN):
                self._process = await asyncio.create_subprocess_exec(
                    *self._program, stdin=PIPE, stdout=PIPE, limit=_LINE, start_new_session=True,
                    # Its imports are the hub's: nothing comes from the folder the hub stands in.
                    env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
                )  # fmt: skip
                line = await self._exchange(self._start)
            loaded = line.strip() == READY
            if not loaded:
                raise ModelRefused(Problem.model_validate_json(line))
            self._silent_since = None
        except TimeoutError as error:
            raise _not_started(f"it is not ready after {LOAD_WITHIN:g} s") from error
        except ValueError as error:
            raise _not_started("it writes what cannot be read") from error
        except (OSError, RuntimeError, _Died) as error:  # no program, no memory, no thread
            raise _not_started(str(error)) from error
        finally:
            self._loading = False
            if not loaded:
                await self._kill()

    async def _exchange(self, line: str) -> bytes:
        """A line to the process, and its next one back; _Died, ValueError if that has no end."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        answer = b""
        with suppress(ConnectionError):
            process.stdin.write(line.encode() + b"\n")
            await process.stdin.drain()
            answer = await process.stdout.readline()
        if not answer.endswith(b"\n"):
            await self._stop()
            raise _Died(f"exit status {process.returncode}")
        return answer

    async def _kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await _ended(self._process)
            self._process = None

    async def _stop(self) -> None:
        """Let it end by itself, as it does when there is no more input."""
        if self._process is not None:
            await _ended(self._process)
            await self._kill()


async def _ended(process: Process) -> None:
    """Close its input and wait a while for its end. Its output is read, too: until that is at its
    end, a process does not count as ended."""
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_WITHIN):
            await process.communicate(b"")


def _read(line: bytes, count: int) -> list[Decoded | Problem]:
    """The answers to `count` sentences; ValueError where it is anything else."""
    told = _answers.validate_json(line)
    if len(told) != count:
        raise ValueError(f"{len(told)} answers to {count} sentences")
    return told


def _not_started(why: str) -> ModelDown:
    return ModelDown(f"the model cannot be started: {why}")


def _settle(one: _Waiting, told: Decoded | Problem | HubError) -> None:
    if one.future.done():
        return
    if isinstance(told, Decoded):
        one.future.set_result(told)
    elif isinstance(told, Problem):
        one.future.set_exception(ModelRefused(told))
    else:
        one.future.set_exception(told)
