"""The HTTP door: one server on sockets of this machine, the page and the API behind one guard.

Each way in has a port of its own: this machine's, and one for every phone that is a console. What a
phone was given is of no use on another way, and a phone's way takes no token: whatever app on it
finds the port has nothing to guess.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from orchestrator.bus import Bus
from orchestrator.doors.http.access import Tokens
from orchestrator.doors.http.guarded import Guarded
from orchestrator.doors.http.listen import answering, listening
from orchestrator.doors.http.page.news import News
from orchestrator.doors.http.page.site import Site
from orchestrator.doors.http.page.visits import Visits
from orchestrator.service import Service
from schemas.errors import HubError


class HttpDoor:
    """Serves one hub by HTTP."""

    def __init__(self, service: Service, bus: Bus, tokens: Tokens, visits: Visits) -> None:
        self._service = service
        self._bus = bus
        self._news = News()
        self._ways: dict[int, str] = {}
        self._site = Site(service, tokens, visits, self._news, self._ways)

    @asynccontextmanager
    async def serving(self, wanted: Mapping[str, int]) -> AsyncIterator[Mapping[str, int]]:
        """Answer requests while the block lasts, on a port of 127.0.0.1 for each way in: the wanted
        one, any free one for 0."""
        self._service.on_devices(self._news.tell)
        with contextlib.ExitStack() as stack:
            sockets = {way: stack.enter_context(listening(port)) for way, port in wanted.items()}
            ports: dict[str, int] = {way: one.getsockname()[1] for way, one in sockets.items()}
            self._ways.update({port: way for way, port in ports.items()})
            news = asyncio.create_task(self._news.listen(self._bus), name="http door: news")
            try:
                async with answering(self._app(), [*sockets.values()]):
                    try:
                        yield ports
                    finally:
                        self._news.close()  # or the open streams would be waited for
            finally:
                news.cancel()
                await asyncio.wait([news])

    def _app(self) -> Starlette:
        return Starlette(
            routes=self._site.routes(),
            middleware=[Middleware(Guarded)],
            exception_handlers={
                HubError: self._site.failed, HTTPException: self._site.no_page,
                Exception: self._site.broke,
            },
        )  # fmt: skip
