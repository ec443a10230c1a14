"""Send one sentence to a hub and show its life until it has ended, or waits for a person who is not
at this terminal."""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Coroutine
from typing import TypeVar

from rich.console import Console

from orchestrator import ledger, view
from orchestrator.client import HubClient, Refused
from orchestrator.prompt import asked, confirmed
from schemas.event import Event
from schemas.execution import RunState

T = TypeVar("T")

QUIET = 3.0
"""Seconds without an event until the hub is asked: a broker that restarted forgot them."""
_ENDED = {str(state) for state in ledger.ENDED_RUN}


async def follow(
    client: HubClient, sentence: str, console: Console, *, yes: bool = False, as_json: bool = False
) -> RunState:
    """How the command ended; asks the person where the policy wants a confirmation."""
    names = {device["id"]: device["name"] for device in await client.request("device/list")}
    identity, began = uuid.uuid4().hex, time.time()
    await client.send(sentence, identity)
    while True:
        told = await _next(client, identity)
        ended = told.step is None and told.state in _ENDED
        if not as_json:
            view.event(console, told, began, names, text=not ended)
        if told.step is not None:
            continue
        if told.state == RunState.AWAITING_CONFIRMATION:
            await _confirm(client, told, console, yes)
        elif told.state == RunState.AWAITING_ANSWER:
            if not await _answer(client, told, console):
                return RunState.AWAITING_ANSWER
        elif ended:
            if as_json:
                record = await client.request("execution/get", execution=identity)
                console.print_json(json.dumps(record))
            else:
                console.print(
                    told.text, style="bold", markup=False, highlight=False, soft_wrap=True
                )
            return RunState(told.state)


async def _next(client: HubClient, identity: str) -> Event:
    """The command's next event; where events were missed, its end or the question it waits with."""
    while True:
        try:
            async with asyncio.timeout(QUIET):
                told = await client.events.get()
        except TimeoutError:
            record = await client.request("execution/get", execution=identity)
            if record["state"] in _ENDED:
                return Event(id=identity, user=record["command"]["user"], state=record["state"],
                             at=record["ended"], text=record["answer"])  # fmt: skip
            if "awaiting" in record:
                return Event(id=identity, user=record["command"]["user"], state=record["state"],
                             at=time.time(), **record["awaiting"])  # fmt: skip
            continue
        if told.id == identity:
            return told


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
            await asyncio.wait([task], timeout=QUIET)
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
