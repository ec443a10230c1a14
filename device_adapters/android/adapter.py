"""An Android phone as a device of the hub."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from device_adapters.android.recipe import Arguments
from device_adapters.android.recipes import PERMISSIONS, PRESENT, PROBES, RECIPES
from device_adapters.android.session import Session
from device_adapters.android.transport import CONNECT_TIMEOUT, AdbTransport
from device_adapters.base import Adapter
from schemas.call import Invocation, Restore
from schemas.device import Device
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done

T = TypeVar("T")

PATIENCE = 5.0
_DENIED = re.compile(r"android\.permission\.(\w+): granted=false")


class AndroidAdapter(Adapter):
    """Drives the phone at the address's `host` and `port`; calls run one after another.

    `key_path` holds the hub's key, made if missing; fetched files go to `folder`, by default
    `files` beside the key; `patience` is how long an effect is looked for.
    """

    def __init__(
        self,
        device: Device,
        key_path: Path,
        *,
        folder: Path | None = None,
        patience: float = PATIENCE,
    ) -> None:
        host, port = device.address["host"], int(device.address["port"])
        self._transport = AdbTransport(host, port, key_path)
        self._serial = device.address.get("serial")
        self._folder = folder or key_path.parent / "files"
        self._patience = patience
        self._turn = asyncio.Lock()

    async def connect(self) -> frozenset[str]:
        """Connect; what the phone's shell is denied, the phone does not serve."""
        session = self._session("connect", CONNECT_TIMEOUT)
        if self._serial is not None:
            found = (await session.ask("getprop", "ro.serialno")).strip()
            if found != self._serial:
                await self.close()
                raise DeviceUnavailable(f"phone {found} answers instead of {self._serial}")
        self.model = (await session.ask("getprop", "ro.product.model")).strip() or None
        denied = set(_DENIED.findall(await session.ask("dumpsys", "package", "com.android.shell")))
        return frozenset(name for name in RECIPES if denied.isdisjoint(PERMISSIONS.get(name, ())))

    async def call(self, invocation: Invocation) -> Done:
        """Run one call and look whether it happened."""
        return await self._in_turn(RECIPES.get(invocation.function), invocation)

    async def probe(self, invocation: Invocation) -> Done | None:
        """Look whether an earlier call of a probeable function happened."""
        look = PROBES.get(invocation.function)
        return None if look is None else await self._in_turn(look, invocation)

    async def present(self, invocation: Invocation) -> Restore | None:
        """Read back what a call would set."""
        look = PRESENT.get(invocation.function)
        now = None if look is None else await self._in_turn(look, invocation)
        if now is None:
            return None
        return Restore(function=invocation.function, arguments=invocation.arguments | now)

    async def close(self) -> None:
        """Let go of the phone."""
        await self._transport.close()

    async def _in_turn(
        self, run: Callable[[Session, Arguments], Awaitable[T]] | None, invocation: Invocation
    ) -> T:
        """Run it when the calls before are done; waiting in vain is `DeviceUnavailable`."""
        if run is None:
            raise DeviceRefused(f"a phone does not serve {invocation.function}")
        session = self._session(invocation.key, invocation.timeout)
        try:
            async with asyncio.timeout_at(session.deadline):
                await self._turn.acquire()
        except TimeoutError as exc:
            raise DeviceUnavailable("the phone is busy with another call") from exc
        try:
            return await run(session, invocation.arguments)
        finally:
            self._turn.release()

    def _session(self, key: str, seconds: float) -> Session:
        deadline = asyncio.get_running_loop().time() + seconds
        return Session(self._transport, deadline, self._patience, self._folder, key)
