"""Show the life of commands: of a sentence that is sent from here, until it has ended or waits for
a person who is not at this terminal; of one that is under way; or of all."""

import asyncio
import contextlib
import json
import sys
import time
import uuid
from collections.abc import Coroutine
from typing import Any, TypeVar

from rich.console import Console
from rich.live import Live

from orchestrator import ledger, timeline, view
from orchestrator.client import HubClient, Refused
from orchestrator.prompt import asked, confirmed
from schemas.event import Event
from schemas.execution import RunState

T = TypeVar("T")

QUIET = 3.0
"""Seconds without an event until the hub is asked: a broker that restarted forgot them."""
DRAWN_EVERY = 0.5
"""Seconds until a drawing is made anew without an event: its bars grow."""
SAID = 200
"""Characters shown of what is told along with an event, where many commands are shown."""
_ENDED = {str(state) for state in ledger.ENDED_RUN}


async def follow(
    client: HubClient,
    sentence: str,
    console: Console,
    *,
    yes: bool = False,
    as_json: bool = False,
    hold: float | None = None,
) -> RunState:
    """How the command ended; asks the person where the policy wants a confirmation. `hold`: until
    when it may wait for a device that is away, in seconds since the epoch."""
    names = await device_names(client)
    identity, began = uuid.uuid4().hex, time.time()
    await client.send(sentence, identity, hold=hold)
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
                view.answer(console, told.text)
            return RunState(told.state)


async def watch(client: HubClient, identity: str, console: Console) -> RunState:
    """How the command ended; until then it is drawn again and again on a terminal that can, and
    told in lines elsewhere."""
    names = await device_names(client)
    if not console.is_terminal or console.is_dumb_terminal:
        return await _told(client, identity, console, names)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            record = await client.request("execution/get", execution=identity)
            live.update(timeline.drawing(console, record, names, time.time()), refresh=True)
            if record["state"] in _ENDED:
                return RunState(record["state"])
            await _heard(client, identity, DRAWN_EVERY)


async def watch_all(client: HubClient, console: Console) -> None:
    """A line for each event of the user's commands, until it is cancelled."""
    names: dict[str, str] = {}
    while True:
        told = await client.events.get()
        if told.device and told.device not in names:
            names = await device_names(client)
        said = told.text
        if told.step is None and told.state == RunState.ACCEPTED:
            said = (await client.request("execution/get", execution=told.id))["command"]["text"]
        view.passing(console, told, names, said[:SAID])


async def device_names(client: HubClient) -> dict[str, str]:
    """The devices' names by id."""
    return {device["id"]: device["name"] for device in await client.request("device/list")}


async def _told(
    client: HubClient, identity: str, console: Console, names: dict[str, str]
) -> RunState:
    record = await client.request("execution/get", execution=identity)
    told, before = _standing(identity, record), None
    while True:
        ended = told.state in _ENDED and told.step is None
        # Where nothing is heard for long, what the command waits with is found again.
        if told.step is not None or (told.state, told.text) != before:
            view.event(console, told, record["created"], names, text=not ended)
        if told.step is None:
            before = told.state, told.text
        if ended:
            view.answer(console, told.text)
            return RunState(told.state)
        told = await _next(client, identity)


async def _next(client: HubClient, identity: str) -> Event:
    """The command's next event; where events were missed, its end or the question it waits with."""
    while True:
        told = await _heard(client, identity, QUIET)
        if told is not None:
            return told
        record = await client.request("execution/get", execution=identity)
        if record["state"] in _ENDED or "awaiting" in record:
            return _standing(identity, record)


async def _heard(client: HubClient, identity: str, within: float) -> Event | None:
    """The command's next event; None where so many seconds bring none."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            while True:
                told = await client.events.get()
                if told.id == identity:
                    return told
    return None


def _standing(identity: str, record: dict[str, Any]) -> Event:
    """Where a command stands, as the event that told it would have."""
    awaiting = record.get("awaiting", {"text": record["answer"]})
    told = {"id": identity, "user": record["command"]["user"], "state": record["state"],
            "at": record["ended"] or time.time(), **awaiting}  # fmt: skip
    return Event.model_validate_json(json.dumps(told))


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
