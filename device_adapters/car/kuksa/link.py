"""One connection to a databroker: asking, ordering and looking, with its errors mapped here."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from grpc import StatusCode, aio
from kuksa.val.v2 import types_pb2 as types
from kuksa.val.v2 import val_pb2 as val
from kuksa.val.v2 import val_pb2_grpc as service

from device_adapters.car.kuksa.signals import Signal, agrees, packed, signal, value_of
from schemas.base import Scalar
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)

OPTIONS = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),  # else it waits a minute after the second
    ("grpc.max_receive_message_length", 256 * 1024),
    ("grpc.enable_http_proxy", 0),  # a car is near
    ("grpc.enable_retries", 0),  # an order is sent once
    ("grpc.use_local_subchannel_pool", 1),  # a new connection does not inherit an old one's pause
)
_NOT_THERE = StatusCode.NOT_FOUND
_REFUSALS = {
    _NOT_THERE: "has no such signal",
    StatusCode.PERMISSION_DENIED: "does not let this hub: its token allows too little",
    StatusCode.INVALID_ARGUMENT: "does not take that",
    StatusCode.OUT_OF_RANGE: "does not take that",
    StatusCode.FAILED_PRECONDITION: "does not take that",
    StatusCode.UNIMPLEMENTED: "has no kuksa.val.v2, which databroker 0.5 and later have",
}
_NO_PROVIDER = re.compile(r"Provider for vss_id \d+ (does not exist|not available)")
_NEVER_SENT = "failed to connect to all addresses"
_DISTRUSTED = ("CERTIFICATE_VERIFY_FAILED", "Custom verification check failed")
_SAID = 120  # characters of what a databroker says about an error


class Link:
    """A databroker, for one car; made inside the event loop."""

    def __init__(self, car: str, channel: aio.Channel, token: str | None) -> None:
        self._car = car
        self._channel = channel
        self._broker = service.VALStub(channel)
        self._token = token or ""
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self._watching: asyncio.Task[None] | None = None

    async def greet(self, within: float) -> str:
        """Who answers. DeviceUnavailable where nobody does, DeviceNeedsPerson without a token."""
        with self._told():
            info = await self._broker.GetServerInfo(
                val.GetServerInfoRequest(), timeout=within, metadata=self._metadata
            )
        return f"{info.name} {info.version}"[:_SAID]

    async def known(self, paths: Mapping[str, str], within: float) -> dict[str, Signal]:
        """The signals that the car has, by the keys of `paths`; their own paths are its values."""
        found = await _all(self._described(own, within) for own in paths.values())
        return {path: one for path, one in zip(paths, found, strict=True) if one is not None}

    async def values(self, wanted: Mapping[str, Signal], within: float) -> dict[str, Scalar | None]:
        """What signals say now; None where that is nothing, or nothing this hub may read."""
        found = await _all(self._value(one, within) for one in wanted.values())
        return dict(zip(wanted, found, strict=True))

    async def order(self, to: Signal, value: Scalar, within: float) -> None:
        """Have a signal's provider set it. DeviceRefused where nothing was passed on to it,
        DeviceUncertain where that is not known."""
        _, sent = packed(self._car, to, value)
        request = val.ActuateRequest(signal_id=types.SignalID(path=to.path), value=sent)
        with self._told(ordered=to.path):
            await self._broker.Actuate(request, timeout=within, metadata=self._metadata)

    async def shows(
        self, wanted: Mapping[str, Scalar], before: Mapping[str, Scalar | None], within: float
    ) -> bool:
        """Whether signals, by their own paths, come to say what was ordered; `before`: what they
        said until then. DeviceUncertain where the connection breaks meanwhile, or has broken."""
        request = val.SubscribeRequest(signal_paths=list(wanted))
        stream: Any = None
        seen: dict[str, Scalar | None] = {}
        try:
            with self._told(ordered="the order"):
                stream = self._broker.Subscribe(request, timeout=within, metadata=self._metadata)
                while (update := await stream.read()) is not aio.EOF:
                    told = {path: value_of(update.entries[path]) for path in update.entries}
                    seen |= {path: told[path] for path in wanted.keys() & told.keys()}
                    if all(
                        agrees(v, seen.get(path), before.get(path)) for path, v in wanted.items()
                    ):
                        return True
        except (DeviceRefused, DeviceNeedsPerson):
            return False  # it took the order and lets nobody look
        except DeviceUnavailable as error:
            raise self._broken("the order", "the connection is gone") from error
        except DeviceUncertain as error:
            if _code(error.__cause__) is not StatusCode.DEADLINE_EXCEEDED:
                raise
        finally:
            if stream is not None:
                stream.cancel()
        return False

    def watch(self, seen: Signal, lost: Callable[[], None]) -> None:
        """Call `lost` once when the connection breaks; `seen` is a signal that changes rarely."""

        async def watching() -> None:
            request = val.SubscribeRequest(signal_paths=[seen.path])
            stream = self._broker.Subscribe(request, metadata=self._metadata)
            try:
                while await stream.read() is not aio.EOF:
                    pass
            except aio.AioRpcError as error:
                if error.code() in _REFUSALS:
                    return  # it may be ordered and not be read: the next call finds out
            lost()

        self._watching = asyncio.create_task(watching(), name=f"{self._car}: databroker")

    async def close(self) -> None:
        """Let go of it; calls under way end as if the connection had broken."""
        if self._watching:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._channel.close()

    async def _described(self, path: str, within: float) -> Signal | None:
        request = val.ListMetadataRequest(root=path)
        try:
            with self._told():
                answer = await self._broker.ListMetadata(
                    request, timeout=within, metadata=self._metadata
                )
        except DeviceRefused as error:
            if _code(error.__cause__) is _NOT_THERE:
                return None
            raise
        fitting = (one for one in answer.metadata if one.path in ("", path))
        described = next(fitting, None)
        return None if described is None else signal(path, described)

    async def _value(self, of: Signal, within: float) -> Scalar | None:
        request = val.GetValueRequest(signal_id=types.SignalID(path=of.path))
        try:
            with self._told():
                answer = await self._broker.GetValue(
                    request, timeout=within, metadata=self._metadata
                )
        except DeviceRefused:
            return None
        return value_of(answer.data_point)

    @contextlib.contextmanager
    def _told(self, ordered: str = "") -> Iterator[None]:
        """Raise the hub's errors for the databroker's; `ordered` says what may have happened."""
        try:
            yield
        except aio.UsageError as error:
            raise DeviceUnavailable(f"{self._car} is not connected; nothing was sent") from error
        except aio.AioRpcError as error:
            raise self._meaning(error, ordered) from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise self._broken(ordered, "the connection was closed") from error

    def _meaning(self, error: aio.AioRpcError, ordered: str) -> HubError:
        code, details = error.code(), str(error.details() or "")
        if self._token:
            details = details.replace(self._token, "••••")
        said = "".join(c if c.isprintable() else " " for c in details)[:_SAID]
        if code in _REFUSALS:
            return DeviceRefused(f"{self._car} {_REFUSALS[code]} ({said})")
        if code is StatusCode.UNAUTHENTICATED:
            return DeviceNeedsPerson(
                f"give {self._car} a token that its databroker knows, as token_file ({said})"
            )
        if _NO_PROVIDER.search(details):
            return DeviceRefused(f"{self._car} has nothing that moves {ordered} now ({said})")
        if any(words in details for words in _DISTRUSTED):
            return DeviceUnavailable(f"{self._car} is not whom ca_file vouches for; nothing sent")
        if _NEVER_SENT in details:
            return self._broken("", said)
        return self._broken(ordered, said or code.name)

    def _broken(self, ordered: str, why: str) -> HubError:
        if ordered:
            return DeviceUncertain(f"{self._car} was sent {ordered} and did not answer ({why})")
        return DeviceUnavailable(f"{self._car} cannot be reached; nothing was sent ({why})")


async def _all(questions: Any) -> list[Any]:
    """Every answer; the first error once all have ended."""
    answers = await asyncio.gather(*questions, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers


def _code(error: BaseException | None) -> StatusCode | None:
    return error.code() if isinstance(error, aio.AioRpcError) else None
