"""The HTTP door on free ports in front of a scripted hub, and programs that hold a token."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from orchestrator.catalogue import Catalogue
from orchestrator.doors.http.access import Tokens
from orchestrator.doors.http.api.app import Exposition
from orchestrator.doors.http.door import HttpDoor, Reach
from orchestrator.doors.http.page.visits import Visits
from orchestrator.doors.http.ways import HERE
from schemas.device import Device, Kind
from tests.hubkit import Rig, rig

API = "/api/v1"
PHONE = "pixel"
"""The way in of a phone."""
TABLET = Device(
    id="p2", kind=Kind.PHONE, name="Tablet", protocol="test",
    functions=("set_volume", "take_a_photo"), room="kitchen",
)  # fmt: skip


@dataclass
class Served:
    """A hub with its HTTP door; `at` is where this machine comes in, `phone` where a phone does."""

    hub: Rig
    tokens: Tokens
    visits: Visits
    at: str
    phone: str

    @property
    def port(self) -> int:
        """The port of `at`."""
        port = urlsplit(self.at).port
        assert port
        return port

    @asynccontextmanager
    async def program(
        self, user: str = "ann", token: str | None = None, **options: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A program that holds a token of a user."""
        headers = {"authorization": f"Bearer {token or self.tokens.issue(user)}"}
        async with anybody(self.at, headers=headers, **options) as client:
            yield client

    @asynccontextmanager
    async def connection(
        self,
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A bare connection, for what no client sends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


def anybody(at: str, **options: Any) -> httpx.AsyncClient:
    """A program without a token; `verify` where it is to come by TLS."""
    known: dict[str, Any] = {"base_url": at, "timeout": 15, "trust_env": False, "verify": False}
    return httpx.AsyncClient(**(known | options))  # nobody's certificates take time to read


@asynccontextmanager
async def served(
    folder: Path,
    catalogue: Catalogue,
    model: dict[str, str],
    *,
    reach: Reach | None = None,
    metrics: Exposition | None = None,
    **options: Any,
) -> AsyncIterator[Served]:
    """A hub that is served by HTTP, for this machine and for a phone."""
    async with rig(folder, catalogue, model, **options) as hub:
        tokens = Tokens(folder, frozenset({"ann", "bob"}))
        visits = Visits(tokens.stands)
        door = HttpDoor(hub.service, hub.bus, tokens, visits, reach, metrics)
        async with door.serving({HERE: 0, PHONE: 0}) as ports:
            scheme = "https" if reach and reach.tls else "http"
            at = f"{scheme}://127.0.0.1:{ports[HERE]}"
            yield Served(hub, tokens, visits, at, f"http://127.0.0.1:{ports[PHONE]}")


@asynccontextmanager
async def stream(client: httpx.AsyncClient) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """What happens to a user's commands, once the stream is open."""
    async with client.stream("GET", f"{API}/events") as response:
        assert response.status_code == 200
        lines = response.aiter_lines()
        assert await anext(lines) == "retry: 3000"
        yield _events(lines)


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, Any]]:
    async for line in lines:
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def trusting(file: Path) -> ssl.SSLContext:
    """What a program needs that trusts one authority."""
    return ssl.create_default_context(cafile=file)
