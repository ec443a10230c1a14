"""The model in a process of its own: it may die or hang without taking the hub with it.

Sentences wait in a bounded queue; whatever waits when the model is free goes to it together. A
process that dies is started anew and asked once more, each sentence by itself, so that the one that
kills it costs no other. One that hangs is killed, and its sentences are refused.
"""

import asyncio
import json
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from orchestrator.settings import Model
from schemas.base import Value
from schemas.decoded import Decoded
from schemas.errors import HubError
from schemas.function import Function

log = logging.getLogger(__name__)

MAX_WAITING = 256
"""Sentences that may wait; the next is refused as busy."""
MAX_TOGETHER = 8
"""Sentences that are decoded at once."""
LOAD_WITHIN = 300.0
"""Seconds that a model may take to load."""
STOP_WITHIN = 2.0
READY = b'"ready"'
"""What a process says that has loaded its model."""
_LINE = 1 << 24


class Start(BaseModel):
    """Which model is wanted, for which functions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Model
    functions: tuple[Function, ...]
    embedded: Path  # folder of the embedded weights in use


class ModelBusy(HubError):
    """Too many sentences wait for the model; send this one again in a moment."""

    code = "busy"


class ModelDown(HubError):
    """The model died or does not answer; it is being started anew."""

    code = "model"


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


@dataclass(frozen=True)
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
        program: Sequence[str] = (sys.executable, "-m", "orchestrator.octopus.worker"),
    ) -> None:
        """`deadline`: seconds for one batch of sentences."""
        self._start = start.model_dump_json()
        self._deadline = deadline
        self._program = program
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(MAX_WAITING)
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        await self._load()
        self._task = asyncio.create_task(self._serve(), name="model")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        while not self._waiting.empty():
            _settle(self._waiting.get_nowait(), ModelDown("the hub stops"))
        await self._stop()

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._process.pid if self._process is not None else None

    async def decode(self, sentence: str) -> Decoded:
        """One sentence; ModelBusy, ModelDown, ModelRefused."""
        future: asyncio.Future[Decoded] = asyncio.get_running_loop().create_future()
        try:
            self._waiting.put_nowait(_Waiting(sentence, future))
        except asyncio.QueueFull as error:
            raise ModelBusy from error
        return await future

    async def _serve(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < MAX_TOGETHER and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            batch = [one for one in batch if not one.future.done()]
            try:
                await self._answer(batch)
                await self._again()
            except asyncio.CancelledError:
                for one in batch:
                    _settle(one, ModelDown("the hub stops"))
                raise

    async def _answer(self, batch: list[_Waiting]) -> None:
        try:
            await self._ask(batch)
        except _Died:
            for one in batch:
                await self._once_more(one)

    async def _again(self) -> None:
        """After a model that died or hung the next one, before anybody asks."""
        if self._process is None:
            try:
                await self._load()
            except HubError as error:
                log.error("%s", error)

    async def _once_more(self, one: _Waiting) -> None:
        try:
            await self._ask([one])
        except _Died as error:
            _settle(one, ModelDown(f"the model died of it twice: {error}"))

    async def _ask(self, batch: list[_Waiting]) -> None:
        """Have the batch decoded; _Died where the process did not live to answer."""
        if not batch:
            return
        try:
            if self._process is None:
                await self._load()
            async with asyncio.timeout(self._deadline):
                line = await self._exchange(json.dumps([one.sentence for one in batch]))
            told = _answers.validate_json(line)
        except ValidationError as error:
            await self._kill()
            raise _Died("it wrote what cannot be read") from error
        except TimeoutError:
            await self._kill()
            reason = f"the model did not answer within {self._deadline:g} s; it is started anew"
            for one in batch:
                _settle(one, ModelDown(reason))
        except HubError as error:
            for one in batch:
                _settle(one, error)
        else:
            for one, answer in zip(batch, told, strict=True):
                _settle(one, answer)

    async def _load(self) -> None:
        """Start the process and wait until it is ready; ModelRefused, ModelDown."""
        self._process = await asyncio.create_subprocess_exec(
            *self._program, stdin=PIPE, stdout=PIPE, limit=_LINE, start_new_session=True
        )
        try:
            async with asyncio.timeout(LOAD_WITHIN):
                line = await self._exchange(self._start)
        except (TimeoutError, _Died) as error:
            await self._kill()
            why = str(error) or f"it is not ready after {LOAD_WITHIN:g} s"
            raise ModelDown(f"the model cannot be started: {why}") from error
        if line.strip() != READY:
            await self._kill()
            raise ModelRefused(Problem.model_validate_json(line))

    async def _exchange(self, line: str) -> bytes:
        """A line to the process, and its next one back."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(line.encode() + b"\n")
            await process.stdin.drain()
            answer = await process.stdout.readline()
        except (ConnectionError, ValueError) as error:
            answer = b""
            log.debug("the model's process cannot be talked to: %s", error)
        if not answer.endswith(b"\n"):
            await self._kill()
            raise _Died(f"exit status {process.returncode}")
        return answer

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            log.warning("the model's process ended with status %s", process.returncode)

    async def _stop(self) -> None:
        """Let it end by itself, as it does when there is no more input."""
        process = self._process
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await process.wait()
        except TimeoutError:
            await self._kill()


def _settle(one: _Waiting, told: Decoded | Problem | HubError) -> None:
    if one.future.done():
        return
    if isinstance(told, Decoded):
        one.future.set_result(told)
    elif isinstance(told, Problem):
        one.future.set_exception(ModelRefused(told))
    else:
        one.future.set_exception(told)
