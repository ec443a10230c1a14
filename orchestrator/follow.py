"""Show the life of what is sent from here, until it has ended or waits for a person who is not at
this terminal."""

import asyncio
import sys
import time
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.console import Console

from orchestrator import view, watch
from orchestrator.client import HubClient, Refused
from orchestrator.prompt import asked, confirmed
from orchestrator.watch import ENDED, Record, device_names, next_event
from schemas.call import NamedCall
from schemas.event import Event
from schemas.execution import RunState

T = TypeVar("T")
ASKING = frozenset({RunState.AWAITING_ANSWER, RunState.AWAITING_CONFIRMATION})


async def follow(
    client: HubClient,
    said: str | NamedCall,
    console: Console,
    *,
    yes: bool = False,
    record: Record | None = None,
    **fields: Any,
) -> RunState:
    """How the command ended; asks the person where the policy wants a confirmation. `record` gets
    the command's record, in the place of its life on the console; `fields`: what else a command may
    hold."""
    names = await device_names(client)
    identity, began = uuid.uuid4().hex, time.time()
    if isinstance(said, str):
        await client.send(said, identity, **fields)
    else:
        await client.begin("call", identity, **said.model_dump(), **fields)
    life = _Life(client, identity, console, yes, silent=record is not None)
    state = await life.to_its_end(names, began)
    if record is not None:
        record(await client.request("execution/get", execution=identity))
    return state


@dataclass(frozen=True)
class _Life:
    """A command that was sent from here, and the console where its person is."""

    client: HubClient
    identity: str
    console: Console
    yes: bool
    silent: bool

    async def to_its_end(self, names: dict[str, str], began: float) -> RunState:
        """Show it and have its questions answered, until it has ended or nobody answers."""
        while True:
            told = await next_event(self.client, self.identity)
            ended = told.step is None and told.state in ENDED
            if not self.silent or told.state in ASKING:
                view.event(self.console, told, began, names, text=not ended)
            if told.step is not None:
                continue
            if told.state == RunState.AWAITING_CONFIRMATION:
                await _confirm(self.client, told, self.console, self.yes)
            elif told.state == RunState.AWAITING_ANSWER:
                if not await _answer(self.client, told, self.console):
                    return RunState.AWAITING_ANSWER
            elif ended:
                if not self.silent:
                    view.answer(self.console, told.text)
                return RunState(told.state)


async def _confirm(client: HubClient, told: Event, console: Console, yes: bool) -> None:
    """Answer for the person; nothing is answered where the command ended while they thought."""
    if not yes and not sys.stdin.isatty():
        _aside("not confirmed: nobody is at a terminal; --yes confirms beforehand")
    elif not yes:
        said = await _from_person(client, told, console, confirmed("Do it?", console))
        if said is None:
            return
        yes = said
    await client.request("confirm", execution=told.id, token=told.token, answer=yes)


async def _answer(client: HubClient, told: Event, console: Console) -> bool:
    """Let the person answer until it is an answer; False where nobody is at the terminal."""
    if not sys.stdin.isatty():
        _aside(f"{told.text}\noctopus answer {told.id} ANSWER, or say it, within two minutes")
        return False
    console.print(told.text, style="bold", markup=False, highlight=False, soft_wrap=True)
    while (said := await _from_person(client, told, console, asked(">", console))) is not None:
        try:
            await client.request("answer", execution=told.id, text=said or "cancel")
            break
        except Refused as error:
            console.print(str(error), markup=False, highlight=False, soft_wrap=True)
    return True


async def _from_person(
    client: HubClient, told: Event, console: Console, asking: Coroutine[None, None, T]
) -> T | None:
    """What the person at the terminal says; None where the command ended meanwhile."""
    task = asyncio.create_task(asking)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=watch.QUIET)
            record = await client.request("execution/get", execution=told.id)
            if "awaiting" not in record:
                console.print()
                return None
        return task.result()
    finally:
        task.cancel()


def _aside(text: str) -> None:
    """For the person, beside what a program reads."""
    Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)
