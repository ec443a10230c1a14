"""Send one sentence to a hub and show its life until it has ended."""

import asyncio
import json
import sys
import time
import uuid

from rich.console import Console

from orchestrator import ledger, view
from orchestrator.client import HubClient
from orchestrator.prompt import confirmed
from schemas.event import Event
from schemas.execution import RunState

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
        said = "not confirmed: nobody is at a terminal; --yes confirms beforehand"
        Console(stderr=True).print(said, highlight=False)
    elif not yes:
        asking = asyncio.create_task(confirmed("Do it?", console))
        try:
            while not asking.done():
                await asyncio.wait([asking], timeout=QUIET)
                record = await client.request("execution/get", execution=told.id)
                if "awaiting" not in record:
                    console.print()
                    return
        finally:
            asking.cancel()
        yes = asking.result()
    await client.request("confirm", execution=told.id, token=told.token, answer=yes)
