"""Assistants at the MCP door: the library's own client, with and without a person behind it."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestParams, ElicitResult

from orchestrator.doors.http.access import Tokens
from orchestrator.doors.http.door import HttpDoor
from orchestrator.doors.http.page.visits import Visits
from orchestrator.doors.http.ways import HERE
from orchestrator.doors.mcp.http import app
from tests.apikit import PHONE
from tests.hubkit import Rig

ERAS = ("legacy", "2026-07-28")
"""The older kind of the protocol, and the newer."""


class Person:
    """Somebody at an assistant: says what they were told to, and remembers what they were asked."""

    def __init__(self, *says: ElicitResult) -> None:
        self._says = list(says)
        self.asked: list[str] = []
        self.forms: list[dict[str, Any]] = []

    async def __call__(self, _: Any, params: ElicitRequestParams) -> ElicitResult:
        self.asked.append(params.message)
        self.forms.append(params.requested_schema)  # type: ignore[union-attr]
        return self._says.pop(0)


def yes(answer: str | bool = True) -> ElicitResult:
    """What they answer."""
    return ElicitResult(action="accept", content={"answer": answer})


@asynccontextmanager
async def door(hub: Rig, tokens: Tokens, *, confirms: bool = True) -> AsyncIterator[str]:
    """A hub's HTTP door with MCP on a free port; the address of MCP."""
    served = HttpDoor(hub.service, hub.bus, tokens, Visits(tokens.stands))
    mcp = app(hub.service, hub.bus, confirms=confirms)
    async with served.serving({HERE: 0, PHONE: 0}, mcp) as ports:
        yield f"http://127.0.0.1:{ports[HERE]}/mcp"


@asynccontextmanager
async def assistant(
    url: str, token: str, *, era: str = ERAS[1], person: Person | None = None
) -> AsyncIterator[Client]:
    """An assistant that came in with a token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, verify=False, timeout=20) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=era, elicitation_callback=person) as client:
            yield client


def hostile(dice: random.Random) -> bytes:
    """What somebody may send."""
    junk: list[Any] = [
        None, 7, -1, 1e308, "", "x" * 3_000, "\udc80", "<nexa_8>('1')", [], [[]] * 50, {}, True,
        {"text": "selfie"}, "2026-07-28", "run_sentence", "tools/call", "initialize", "tools/list",
    ]  # fmt: skip
    some = lambda: dice.choice(junk)  # noqa: E731
    params = {"name": some(), "arguments": some(), "requestState": some(), "_meta": some(),
              "inputResponses": some(), "protocolVersion": some(), "capabilities": some(),
              "clientInfo": some(), "cursor": some()}  # fmt: skip
    kept = {key: value for key, value in params.items() if dice.random() < 0.5}
    methods = ("tools/call", "tools/list", "initialize", "ping", "server/discover", some())
    message = {
        "jsonrpc": dice.choice(["2.0", some()]), "id": some(), "method": dice.choice(methods),
        "params": dice.choice([kept, kept, some()]),
    }  # fmt: skip
    whole = json.dumps({k: v for k, v in message.items() if dice.random() < 0.9}).encode()
    kind = dice.random()
    if kind < 0.1:
        return b"[" * dice.randrange(5_000)
    if kind < 0.2:
        return dice.randbytes(dice.randrange(200))
    return whole[: dice.randrange(len(whole))] if kind < 0.3 else whole
