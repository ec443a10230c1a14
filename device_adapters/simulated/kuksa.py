"""A car behind a KUKSA databroker (0.6, `kuksa.val.v2`), by its protocol and its words.

Actuators need a provider; `Actuate` passes a value on and answers before anything has moved; what
moved is published as the signal's value.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NoReturn, Self

import grpc
from grpc import StatusCode, aio
from kuksa.val.v2 import types_pb2 as types
from kuksa.val.v2 import val_pb2 as val
from kuksa.val.v2 import val_pb2_grpc as service

from device_adapters.simulated import vss
from schemas.base import Scalar

_HOST = "127.0.0.1"
_OPTIONS = (("grpc.so_reuseport", 0), ("grpc.http2.min_ping_interval_without_data_ms", 1_000))


@dataclass
class Manners:
    """What goes wrong, for tests; by default nothing does."""

    ignores: bool = False  # its providers take orders and do nothing
    hangs: bool = False  # an order is passed on and never answered
    drops: bool = False  # the connection breaks once an order was passed on
    unprovided: set[str] = field(default_factory=set)  # nobody provides these
    denied: set[str] = field(default_factory=set)  # nor does the token allow these
    answers: Callable[[], tuple[StatusCode, str] | None] = lambda: None  # instead of an order


class SimulatedKuksa:
    """The databroker and the car behind it; `values` holds what each signal says now, `ordered`
    what was passed on to a provider, `provided` the actuators that another program has claimed."""

    def __init__(
        self,
        tree: Mapping[str, vss.Entry] | None = None,
        *,
        token: str | None = None,
        certificate: tuple[bytes, bytes] | None = None,
    ) -> None:
        """`token`: the one a client must show; `certificate`: key and chain (PEM), for TLS."""
        self.tree = dict(vss.standard() if tree is None else tree)
        self.values: dict[str, Scalar | None] = {p: e.value for p, e in self.tree.items()}
        self.ordered: list[tuple[str, Scalar]] = []
        self.manners = Manners()
        self.port = 0
        self._token, self._certificate = token, certificate
        self._identifiers = {path: number for number, path in enumerate(self.tree, 1)}
        self._listening: set[asyncio.Queue[str]] = set()
        self.provided: dict[str, asyncio.Queue[Any]] = {}
        self._happened = asyncio.Event()
        self._server: aio.Server | None = None
        self._stopping: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.gather(*self._stopping)
        await self.stop()

    async def start(self) -> None:
        """Listen, on the same port as before."""
        server = aio.server(options=_OPTIONS)
        servicer = service.VALServicer()
        servicer.GetServerInfo = self._info
        servicer.ListMetadata = self._metadata
        servicer.GetValue = self._value
        servicer.Subscribe = self._subscribe
        servicer.Actuate = self._actuate
        servicer.PublishValue = self._publish
        servicer.OpenProviderStream = self._provide
        service.add_VALServicer_to_server(servicer, server)
        at = f"{_HOST}:{self.port}"
        if self._certificate:
            credentials = grpc.ssl_server_credentials([self._certificate])
            self.port = server.add_secure_port(at, credentials)
        else:
            self.port = server.add_insecure_port(at)
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Break every connection and listen no more; safe to call twice."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(None)

    @property
    def listeners(self) -> int:
        """How many subscriptions there are."""
        return len(self._listening)

    async def until(self, holds: Callable[[], bool], within: float = 10) -> None:
        """Wait until something holds, looking whenever something happens here; `TimeoutError`
        after `within` seconds."""
        async with asyncio.timeout(within):
            while not holds():
                await self._happened.wait()

    def _tell(self) -> None:
        self._happened.set()
        self._happened = asyncio.Event()

    def publish(self, path: str, value: Scalar | None) -> None:
        """The car reports a value."""
        self.values[path] = value
        for queue in self._listening:
            queue.put_nowait(path)
        self._tell()

    async def _info(self, request: Any, context: aio.ServicerContext) -> Any:
        await self._admit(context)
        return val.GetServerInfoResponse(name="databroker", version="0.6.0")

    async def _metadata(self, request: Any, context: aio.ServicerContext) -> Any:
        await self._admit(context)
        root = request.root
        found = [path for path in self.tree if path == root or path.startswith(f"{root}.")]
        if not found:
            await _abort(context, StatusCode.NOT_FOUND, "Specified root branch does not exist")
        return val.ListMetadataResponse(metadata=[self._described(path) for path in found])

    async def _value(self, request: Any, context: aio.ServicerContext) -> Any:
        await self._admit(context)
        path = request.signal_id.path
        if path not in self.tree:
            await _abort(context, StatusCode.NOT_FOUND, "Path not found")
        if path in self.manners.denied:
            await _abort(context, StatusCode.PERMISSION_DENIED, "Permission denied")
        return val.GetValueResponse(data_point=self._point(path))

    async def _subscribe(self, request: Any, context: aio.ServicerContext) -> None:
        """Every value at once, then each that is published; one without a value is left out."""
        await self._admit(context)
        paths = list(request.signal_paths)
        if not set(paths) <= self.tree.keys():
            await _abort(context, StatusCode.NOT_FOUND, "Path not found")
        readable = [path for path in paths if path not in self.manners.denied]
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._listening.add(queue)
        self._tell()
        try:
            await context.write(self._update(readable))
            while True:
                if (path := await queue.get()) in readable:
                    await context.write(self._update([path]))
        finally:
            self._listening.discard(queue)

    async def _actuate(self, request: Any, context: aio.ServicerContext) -> Any:
        await self._admit(context)
        path = request.signal_id.path
        code, words = self._objection(path, request.value)
        if code is not None:
            await _abort(context, code, words)
        value = getattr(request.value, request.value.WhichOneof("typed_value"))
        self.ordered.append((path, value))
        self._tell()
        if path in self.provided:
            self.provided[path].put_nowait(request)
        elif not self.manners.ignores:
            self._move(path, value)
        if self.manners.drops:
            stopping = asyncio.create_task(self.stop())
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)
        if self.manners.drops or self.manners.hangs:
            await asyncio.Event().wait()
        return val.ActuateResponse()

    async def _provide(self, requests: AsyncIterator[Any], context: aio.ServicerContext) -> None:
        """Another program is the provider of the actuators that it claims, while it listens."""
        await self._admit(context)
        orders: asyncio.Queue[Any] = asyncio.Queue()
        claimed = (await anext(requests)).provide_actuation_request.actuator_identifiers
        mine = [one.path for one in claimed]
        if not set(mine) <= self.tree.keys():
            await _abort(context, StatusCode.NOT_FOUND, "Path not found")
        if self.provided.keys() & set(mine):
            words = "Providers for the following vss_ids already registered"
            await _abort(context, StatusCode.ALREADY_EXISTS, words)
        self.provided |= dict.fromkeys(mine, orders)
        self._tell()
        try:
            admitted = val.ProvideActuationResponse()
            await context.write(val.OpenProviderStreamResponse(provide_actuation_response=admitted))
            while True:
                order = await orders.get()
                number = types.SignalID(id=self._identifiers[order.signal_id.path])
                passed = val.ActuateRequest(signal_id=number, value=order.value)
                batch = val.BatchActuateStreamRequest(actuate_requests=[passed])
                passing = val.OpenProviderStreamResponse(batch_actuate_stream_request=batch)
                await context.write(passing)
        finally:
            for path in mine:
                del self.provided[path]

    async def _publish(self, request: Any, context: aio.ServicerContext) -> Any:
        await self._admit(context)
        point, paths = request.data_point, {n: p for p, n in self._identifiers.items()}
        path = request.signal_id.path or paths.get(request.signal_id.id, "")
        if path not in self.tree:
            await _abort(context, StatusCode.NOT_FOUND, "Path not found")
        kind = point.value.WhichOneof("typed_value")
        self.publish(path, getattr(point.value, kind) if kind else None)
        return val.PublishValueResponse()

    def _objection(self, path: str, value: Any) -> tuple[StatusCode | None, str]:
        """Why an order is not passed on, with the databroker's code and words."""
        if (instead := self.manners.answers()) is not None:
            return instead
        if path not in self.tree:
            return StatusCode.NOT_FOUND, f"Invalid path in signal_id provided {path}"
        entry = self.tree[path]
        if path in self.manners.denied:
            return StatusCode.PERMISSION_DENIED, f"Permission denied for vss_path {path}"
        if not entry.actuator:
            words = f"Tried to set a value for a non-actuator: {path}"
            return StatusCode.INVALID_ARGUMENT, words
        kind = value.WhichOneof("typed_value")
        if kind != vss.FIELDS[entry.kind]:
            words = f"Wrong type for vss_path {path}. Expected type: {entry.kind}"
            return StatusCode.INVALID_ARGUMENT, words
        if words := vss.out_of_bounds(path, entry, getattr(value, kind)):
            return StatusCode.INVALID_ARGUMENT, words
        if path in self.manners.unprovided and path not in self.provided:
            words = f"Provider for vss_id {self._identifiers[path]} does not exist"
            return StatusCode.UNAVAILABLE, words
        return None, ""

    def _move(self, path: str, value: Scalar) -> None:
        """What the car does, and reports."""
        for moved, to in vss.effects(path, value).items():
            self.publish(moved, to)

    async def _admit(self, context: aio.ServicerContext) -> None:
        shown = dict(context.invocation_metadata() or ()).get("authorization")
        if self._token is None:
            return
        if shown is None:
            await _abort(context, StatusCode.UNAUTHENTICATED, "No auth token provided")
        if shown != f"Bearer {self._token}":
            await _abort(context, StatusCode.UNAUTHENTICATED, "Invalid auth token: InvalidToken")

    def _described(self, path: str) -> Any:
        entry, held = self.tree[path], vss.FIELDS[self.tree[path].kind]
        entry_type = types.ENTRY_TYPE_ACTUATOR if entry.actuator else types.ENTRY_TYPE_SENSOR
        limits = {"min": entry.minimum, "max": entry.maximum}
        allowed = types.Value(string_array=types.StringArray(values=entry.allowed))
        return types.Metadata(
            path=path,
            id=self._identifiers[path],
            data_type=types.DataType.Value(f"DATA_TYPE_{entry.kind.upper()}"),
            entry_type=entry_type,
            unit=entry.unit,
            allowed_values=allowed if entry.allowed else None,
            **{k: types.Value(**{held: v}) for k, v in limits.items() if v is not None},
        )

    def _update(self, paths: list[str]) -> Any:
        known = {path: self._point(path) for path in paths if self.values[path] is not None}
        return val.SubscribeResponse(entries=known)

    def _point(self, path: str) -> Any:
        value = self.values[path]
        held = {} if value is None else {vss.FIELDS[self.tree[path].kind]: value}
        return types.Datapoint(value=types.Value(**held) if held else None)


async def _abort(context: aio.ServicerContext, code: StatusCode, words: str) -> NoReturn:
    await context.abort(code, words)
    raise AssertionError("abort returns never")
