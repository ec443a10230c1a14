"""The API: a FastAPI application of every operation, behind the gate."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from orchestrator.bus import Bus
from orchestrator.conversation import Conversation, Heard
from orchestrator.doors.http.access import Token, Tokens
from orchestrator.doors.http.api import described, errors
from orchestrator.doors.http.api.events import Events
from orchestrator.doors.http.api.homeassistant import Sentence, Talk
from orchestrator.doors.http.api.parts import Nothing, Parts, Waiting, parts
from orchestrator.doors.http.api.routes import AT, ROUTES, Route
from orchestrator.doors.http.api.stopping import Waits
from orchestrator.operations import SENDING
from orchestrator.service import Fields, Service
from schemas.errors import HubError
from schemas.execution import RunState

DOOR = "http"
OPENAPI = f"{AT}/openapi.json"
METRICS = "/metrics"
Exposition = Callable[[], tuple[bytes, str]]
"""The metrics as a monitor reads them, and their content type."""
Endpoint = Callable[..., Awaitable[Response]]
SILENT: TelemetryConfig = {
    "tracing": False, "metrics": False, "logs": False, "operation_spans": False,
    "auto_configure": False,
}  # fmt: skip
"""Nothing that people say goes to a monitor, whatever the environment says."""


class Api:
    """Serves one hub's operations; what is `OPEN` needs no token."""

    OPEN = frozenset({OPENAPI})

    def __init__(
        self,
        service: Service,
        bus: Bus,
        tokens: Tokens,
        metrics: Exposition | None = None,
    ) -> None:
        self._service = service
        self._tokens = tokens
        self._metrics = metrics
        self._conversation = Conversation(service, bus)
        self._talk = Talk(service, self._conversation)
        self._waits = Waits()
        self.events = Events()
        self._parts: dict[Endpoint, Parts] = {}
        self._app = self._made()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI; stands behind the gate."""
        await self._app(scope, receive, send)

    @staticmethod
    def serves(path: str) -> bool:
        """Whether a path is the API's."""
        return path.startswith("/api/") or path in ("/api", METRICS)

    def close(self) -> None:
        """End what is waited for, and every stream."""
        self.events.close()
        self._waits.close()

    def _made(self) -> FastAPI:
        app = FastAPI(
            title="Octopus Hub", openapi_url=None, docs_url=None, redoc_url=None,
            redirect_slashes=False, telemetry=SILENT,
            exception_handlers={
                HubError: errors.failed, RequestValidationError: self._unfit,
                HTTPException: errors.none_such, Exception: errors.broke,
            },
        )  # fmt: skip
        for route in ROUTES:
            self._add(app, route)
        app.get(f"{AT}/events", **described.EVENTS)(self._happening)
        app.post("/api/conversation/process", **described.PROCESS)(self._process)
        if self._metrics:
            app.get(METRICS, **described.METRICS)(self._measured)
        app.get(OPENAPI, include_in_schema=False)(self._described)
        described.describe(app)
        return app

    def _add(self, app: FastAPI, route: Route) -> None:
        spread = parts(route)
        sends = route.operation in SENDING and route.long

        async def answer(request: HttpRequest, **given: Any) -> Response:
            said = _said(route, given)
            user = _caller(request).user
            if sends:
                wait = given["query"].wait
                return await self._sent(route, user, said, wait)
            work = self._service.request(route.operation, user, said, door=DOOR)
            return _json(await (self._waits.for_(work, user) if route.long else work))

        answer.__signature__ = spread.signature()  # type: ignore[attr-defined]
        answer.__name__ = f"{route.method.lower()}_{route.operation.replace('/', '_')}"
        self._parts[answer] = spread
        app.add_api_route(
            f"{AT}{route.path}", answer, methods=[route.method], operation_id=answer.__name__,
            **described.operation(route, sends=sends),
        )  # fmt: skip

    async def _sent(self, route: Route, user: str, said: Fields, wait: float) -> Response:
        """A command that is taken in, or what is heard of it within `wait` seconds."""
        if not wait:
            told = await self._service.request(route.operation, user, said, door=DOOR)
            if told["state"] == RunState.ACCEPTED:
                return _json(told, 202)
            return _json(Heard(id=told["id"], state=RunState(told["state"]), text=told["answer"]))
        heard = await self._waits.for_(
            self._conversation.send(route.operation, said, user, DOOR, wait), user
        )
        return _json(heard, 202 if heard.state is RunState.RUNNING else 200)

    async def _process(self, request: HttpRequest, sentence: Sentence) -> Response:
        user = _caller(request).user
        reply = await self._waits.for_(self._talk.process(sentence, user), user)
        return _json(reply)

    async def _happening(self, request: HttpRequest) -> Response:
        caller = _caller(request)
        self.events.room(caller.user)
        lines = self.events.stream(caller.user, lambda: self._tokens.stands(caller.digest))
        return StreamingResponse(lines, media_type="text/event-stream")

    async def _described(self, request: HttpRequest) -> Response:
        # It takes a tenth of a second to make: no time of the hub's own.
        return _json(await asyncio.to_thread(request.app.openapi))

    async def _measured(self) -> Response:
        assert self._metrics
        body, kind = self._metrics()
        return Response(body, headers={"content-type": kind})

    async def _unfit(self, request: HttpRequest, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        spread = self._parts.get(request.scope["endpoint"], Parts({}, Nothing, Sentence))
        return errors.unfit(error, spread.query, spread.body or Nothing)


def _caller(request: HttpRequest) -> Token:
    """Whose token the gate found."""
    caller: Token = request.state.caller
    return caller


def _said(route: Route, given: Fields) -> Fields:
    """The fields of an operation, from wherever they stand."""
    said = {**route.said}
    for name, value in given.items():
        if not isinstance(value, BaseModel):
            said |= {name: value} if value is not None else {}
        elif not isinstance(value, Waiting):
            said |= value.model_dump(exclude_unset=True)
    return said


def _json(data: Any, status: int = 200) -> Response:
    return Response(to_json(data, inf_nan_mode="null"), status, media_type=errors.JSON)
