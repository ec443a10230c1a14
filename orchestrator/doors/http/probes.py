"""Whether the hub lives and whether it is ready, for whatever watches over it; nothing private."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from orchestrator.doors.http.ways import HERE
from orchestrator.service import Service


class Probes:
    """Two paths that need no token; `ways` says which way in a port is, and phones have none."""

    def __init__(self, service: Service, ways: Mapping[int, str]) -> None:
        self._service = service
        self._ways = ways

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        return [Route("/healthz", self._lives), Route("/readyz", self._ready)]

    async def _lives(self, request: Request) -> Response:
        """That this is answered says all."""
        return PlainTextResponse("ok\n") if self._here(request) else _nothing()

    async def _ready(self, request: Request) -> Response:
        """Whether commands are taken, and what to do about it where they are not."""
        if not self._here(request):
            return _nothing()
        health = await self._service.request("health", "", {})
        ready = bool(health["ready"])
        shown = {"ready": ready, "problems": [] if ready else [*health["problems"]]}
        return JSONResponse(shown, 200 if ready else 503)

    def _here(self, request: Request) -> bool:
        return self._ways.get(request.scope["server"][1]) == HERE


def _nothing() -> Response:
    return PlainTextResponse("There is no such page.\n", 404)
