"""A phone that may be a real one: what a test may do with it, and whom it asks before."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from device_adapters.adb.link import Link
from device_adapters.adb.server import AdbServer
from device_adapters.adb.transport import Transport
from device_adapters.adb.ways import ways
from device_adapters.android import AndroidAdapter
from device_adapters.android.content import Row, read_rows
from schemas.base import Scalar
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import HubError
from schemas.outcome import Done
from tests.contract.android.recorder import Entry, Recording

WITHIN = 30.0
"""Seconds for one call or one look; real phones take their time."""

TERMINAL = Path("/dev/tty")


@dataclass
class Handset:
    """One phone: `call` drives it through the adapter, `look` asks it past the adapter."""

    adapter: AndroidAdapter
    beside: Transport
    real: bool
    given_number: str | None
    recorded: list[Entry] | None = None
    mark: str = field(default_factory=lambda: f"Octopus {uuid.uuid4().hex[:6]}")
    """In every text that a test leaves on the phone: no two runs leave the same."""

    async def call(self, function: str, **arguments: Scalar | None) -> Done:
        """Run a function; a recording notes how it ended."""
        wanted = Invocation(function=function, arguments=arguments, key=self.mark, timeout=WITHIN)
        try:
            done = await self.adapter.call(wanted)
        except HubError as exc:
            self._note(wanted, {"error": exc.code, "message": str(exc)})
            raise
        self._note(wanted, {"evidence": done.evidence, "detail": done.detail})
        return done

    async def look(self, *words: str) -> str:
        """What the phone says to a command."""
        return (await self.beside.shell(*words, within=WITHIN)).stdout

    async def rows(self, uri: str, columns: str, where: str) -> list[Row]:
        """The rows that match; only the last column may be free text."""
        names = columns.replace(" ", ":")
        said = await self.look("content", "query", *_rows(uri, names, where))
        return read_rows(said, tuple(columns.split()))

    async def until(self, pattern: str, *words: str) -> str:
        """Look until what the phone says matches; what it says in the end."""
        for _ in range(20):
            if re.search(pattern, said := await self.look(*words), re.MULTILINE):
                break
            await asyncio.sleep(0.5 if self.real else 0)
        return said

    async def ask(self, what: str) -> None:
        """Ask the person at the terminal before a real phone does it; "no" skips the test."""
        if self.real and not await asyncio.to_thread(agreed, what):
            pytest.skip(f"not agreed to: {what}")

    @property
    def number(self) -> str:
        """Whom a test may call and text."""
        if self.given_number is None:
            pytest.skip("--number does not say who may be called and texted")
        return self.given_number

    def _note(self, wanted: Invocation, outcome: Entry) -> None:
        if self.recorded is not None:
            call = {"call": wanted.function, "arguments": dict(wanted.arguments), "key": wanted.key}
            self.recorded.append({**call, "outcome": outcome})


def _rows(uri: str, names: str, where: str) -> tuple[str, ...]:
    return "--uri", uri, "--projection", names, "--where", where


def agreed(what: str) -> bool:
    """Whether a person at the terminal says yes; nobody at a terminal says no."""
    try:
        with TERMINAL.open("w") as screen, TERMINAL.open() as keyboard:
            screen.write(f"\n{what} Go on? [y/N] ")
            screen.flush()
            return keyboard.readline().strip().lower() in ("y", "yes")
    except OSError:
        return False


def address(serial: str, server: AdbServer) -> dict[str, str]:
    """Where the phone is that `adb devices` calls so: HOST:PORT, or a serial number on USB."""
    host, colon, port = serial.rpartition(":")
    if not colon:
        return {"usb": serial}
    place = {"host": host.strip("[]"), "port": port}
    # Only an adb server speaks TLS; it connects to a phone without TLS as well.
    return {f"tls_{name}": value for name, value in place.items()} if server.available else place


@asynccontextmanager
async def reached(
    at: dict[str, str],
    key: Path,
    server: AdbServer,
    *,
    real: bool,
    number: str | None,
    record: bool,
) -> AsyncIterator[Handset]:
    """The phone there, with one connection for the adapter and another one to look past it."""
    async with AsyncExitStack() as stack:
        device = Device(id="handset", kind=Kind.PHONE, name="Phone", protocol="adb", address=at)
        # Both ask one adb server, which has one connection to a phone.
        beside = Link(ways(at, key, server))
        stack.push_async_callback(beside.close)
        entries: list[Entry] = []
        through = Recording(Link(ways(at, key, server)), entries) if record else None
        if through:
            stack.push_async_callback(through.close)
        adapter = AndroidAdapter(
            device,
            key,
            server=server,
            folder=key.parent.parent / "files",
            patience=5.0 if real else 0.5,
            transport=through,
        )
        stack.push_async_callback(adapter.close)
        yield Handset(adapter, beside, real, number, entries if record else None)


async def header(handset: Handset, test: str) -> Entry:
    """What phone a recording is of."""
    names = {"model": "ro.product.model", "sdk": "ro.build.version.sdk"}
    told = {name: (await handset.look("getprop", prop)).strip() for name, prop in names.items()}
    return {"test": test, **told}
