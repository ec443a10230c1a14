"""The HTTP door: one server, the page and the API behind one guard.

Each way in has a port of its own: this machine's, which others may reach where the settings say so,
and one for every phone that is a console, on this machine only. What a phone was given is of no use
on another way, and a phone's way takes no token: whatever app on it finds the port has nothing to
guess.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestrator.bus import Bus
from orchestrator.doors.http.access import Tokens
from orchestrator.doors.http.api.app import Api, Exposition
from orchestrator.doors.http.api.gate import Gate
from orchestrator.doors.http.guarded import Guarded
from orchestrator.doors.http.limits import Tries
from orchestrator.doors.http.listen import HERE_ONLY, answering, listening
from orchestrator.doors.http.page.news import News
from orchestrator.doors.http.page.site import Site
from orchestrator.doors.http.page.visits import Visits
from orchestrator.doors.http.probes import Probes
from orchestrator.doors.http.ways import HERE
from orchestrator.service import Service
from schemas.errors import HubError

MCP = "/mcp"


@dataclass(frozen=True)
class Reach:
    """Where this machine's own way in listens, by which other names it may be reached, and its TLS,
    which is needed wherever others can listen in."""

    listen: str = HERE_ONLY
    hosts: frozenset[str] = frozenset()
    tls: ssl.SSLContext | None = None


class HttpDoor:
    """Serves one hub by HTTP."""

    def __init__(
        self,
        service: Service,
        bus: Bus,
        tokens: Tokens,
        visits: Visits,
        reach: Reach | None = None,
        metrics: Exposition | None = None,
    ) -> None:
        self._service = service
        self._bus = bus
        self._reach = reach or Reach()
        self._tokens = tokens
        self._mcp: ASGIApp | None = None
        self._news = News()
        self._ways: dict[int, str] = {}
        self._tries = Tries()
        self._site = Site(service, tokens, visits, self._news, self._ways, self._tries)
        self._probes = Probes(service, self._ways)
        self._api = Api(service, bus, tokens, metrics)

    @asynccontextmanager
    async def serving(
        self, wanted: Mapping[str, int], mcp: AbstractAsyncContextManager[ASGIApp] | None = None
    ) -> AsyncIterator[Mapping[str, int]]:
        """Answer requests while the block lasts, on a port for each way in: the wanted one, any
        free one for 0. `mcp`: what answers at MCP, behind the gate that the API has."""
        self._service.on_devices(self._news.tell)
        async with contextlib.AsyncExitStack() as stack:
            where = {way: self._reach.listen if way == HERE else HERE_ONLY for way in wanted}
            sockets = {
                way: stack.enter_context(listening(port, where[way]))
                for way, port in wanted.items()
            }
            ports: dict[str, int] = {way: one.getsockname()[1] for way, one in sockets.items()}
            self._ways.update({port: way for way, port in ports.items()})
            await stack.enter_async_context(self._telling())
            app = Guarded(self._app(), self._hosts, self._is_for_programs)
            servers: dict[ssl.SSLContext | None, list[socket.socket]] = {}
            for way, one in sockets.items():
                tls = self._reach.tls if way == HERE else None
                servers.setdefault(tls, []).append(one)
            for tls, group in servers.items():
                await stack.enter_async_context(answering(app, group, tls))
            if mcp:  # entered last, for its open streams end before the server waits for them
                self._mcp = await stack.enter_async_context(mcp)
            try:
                yield ports
            finally:
                self._news.close()  # or the open streams would be waited for
                self._api.close()

    @asynccontextmanager
    async def _telling(self) -> AsyncIterator[None]:
        """Hand what happens to whoever listens."""
        tasks = [
            asyncio.create_task(self._news.listen(self._bus), name="http door: news"),
            asyncio.create_task(self._api.events.listen(self._bus), name="http door: events"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _hosts(self, port: int) -> frozenset[str]:
        """By which names a port may be reached, besides this machine's own."""
        return self._reach.hosts if self._ways.get(port) == HERE else frozenset()

    def _app(self) -> ASGIApp:
        page = Starlette(
            routes=[*self._probes.routes(), *self._site.routes()],
            exception_handlers={
                HubError: self._site.failed, HTTPException: self._site.no_page,
                Exception: self._site.broke,
            },
        )  # fmt: skip

        gate = Gate(self._programs, self._tokens, self._ways, self._tries, Api.OPEN)

        async def either(scope: Scope, receive: Receive, send: Send) -> None:
            app = gate if self._is_for_programs(scope["path"]) else page
            await app(scope, receive, send)

        return either

    async def _programs(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What answers behind the gate."""
        app = self._mcp if self._mcp and scope["path"] == MCP else self._api
        await app(scope, receive, send)

    @staticmethod
    def _is_for_programs(path: str) -> bool:
        return path == MCP or Api.serves(path)
