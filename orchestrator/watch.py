"""What becomes of commands that are under way: of one until it has ended, or of all."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.live import Live

from orchestrator import ledger, timeline, view
from orchestrator.client import HubClient
from schemas.event import Event
from schemas.execution import RunState

Record = Callable[[dict[str, Any]], None]

QUIET = 3.0
"""Seconds without an event until the hub is asked: a broker that restarted forgot them."""
DRAWN_EVERY = 0.5
"""Seconds until a drawing is made anew without an event: its bars grow."""
SAID = 200
"""Characters shown of what is told along with an event, where many commands are shown."""
ENDED = frozenset(map(str, ledger.ENDED_RUN))


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
            if record["state"] in ENDED:
                return RunState(record["state"])
            await _heard(client, identity, DRAWN_EVERY)


async def watched(client: HubClient, identity: str, record: Record) -> RunState:
    """How the command ended, and its record then."""
    while True:
        told: dict[str, Any] = await client.request("execution/get", execution=identity)
        if told["state"] in ENDED:
            record(told)
            return RunState(told["state"])
        await _heard(client, identity, QUIET)


async def events(client: HubClient, told: Record) -> None:
    """Every event of the user's commands as it is, until it is cancelled."""
    while True:
        told((await client.events.get()).model_dump(mode="json"))


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


async def next_event(client: HubClient, identity: str) -> Event:
    """The command's next event; where events were missed, its end or the question it waits with."""
    while True:
        told = await _heard(client, identity, QUIET)
        if told is not None:
            return told
        record = await client.request("execution/get", execution=identity)
        if record["state"] in ENDED or "awaiting" in record:
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


async def _told(
    client: HubClient, identity: str, console: Console, names: dict[str, str]
) -> RunState:
    record = await client.request("execution/get", execution=identity)
    told, before = _standing(identity, record), None
    while True:
        ended = told.state in ENDED and told.step is None
        # Where nothing is heard for long, what the command waits with is found again.
        if told.step is not None or (told.state, told.text) != before:
            view.event(console, told, record["created"], names, text=not ended)
        if told.step is None:
            before = told.state, told.text
        if ended:
            view.answer(console, told.text)
            return RunState(told.state)
        told = await next_event(client, identity)
