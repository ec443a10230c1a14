"""An Android phone as a device of the hub."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from device_adapters.adb import reversing
from device_adapters.adb.link import Link
from device_adapters.adb.linkstate import State
from device_adapters.adb.server import AdbServer
from device_adapters.adb.transport import CONNECT_TIMEOUT, Transport
from device_adapters.adb.ways import Way, ways
from device_adapters.android import cookbook as cookbooks
from device_adapters.android import cooking, lacking
from device_adapters.android.cookbook import Cookbook
from device_adapters.android.session import Session
from device_adapters.base import Adapter
from schemas.call import Invocation, Restore
from schemas.device import Device
from schemas.errors import DeviceNeedsPerson, DeviceRefused, DeviceUnavailable
from schemas.outcome import Done
from schemas.state import DeviceState, Standing

T = TypeVar("T")

PATIENCE = 5.0
_DENIED = re.compile(r"android\.permission\.(\w+): granted=false")


class AndroidAdapter(Adapter):
    """Drives a phone by the best way in its address that works; calls run one after another.

    `key_path` holds the hub's key, made if missing; `server`, where there is one, adds wireless
    debugging and USB; fetched files go to `folder`, by default `files` beside the key; `patience`
    is how long an effect is looked for. A `transport` is used instead of the address's ways.
    """

    def __init__(
        self,
        device: Device,
        key_path: Path,
        *,
        server: AdbServer | None = None,
        folder: Path | None = None,
        patience: float = PATIENCE,
        cookbook: Cookbook | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._key_path = key_path
        self._server = server
        found = ways(device.address, key_path, server)
        self._link = Link(
            (Way("", transport),) if transport else found,
            device.address.get("serial"),
            self._linked,
        )
        self._back: Link | None = None
        self._lead_back(device)
        self._folder = folder or key_path.parent / "files"
        self._patience = patience
        self._cookbook = cookbook or cookbooks.packaged()
        self._turn = asyncio.Lock()
        self._lacking: Standing | None = None

    async def connect(self) -> frozenset[str]:
        """Connect; what the phone's shell is denied, the phone does not serve."""
        session = self._session("connect", CONNECT_TIMEOUT)
        self.identity = (await session.ask("getprop", "ro.serialno")).strip() or None
        self.model = (await session.ask("getprop", "ro.product.model")).strip() or None
        denied = set(_DENIED.findall(await session.ask("dumpsys", "package", "com.android.shell")))
        self._lacking = await lacking.look(session, self._cookbook.missing(denied))
        self._linked()
        return self._cookbook.served(denied)

    def moved(self, device: Device) -> bool:
        """Reach the phone by the new address as soon as the connection it has breaks."""
        self._link.lead(ways(device.address, self._key_path, self._server))
        self._lead_back(device)
        return True

    async def call(self, invocation: Invocation) -> Done:
        """Run one call and look whether it happened."""
        return await self._in_turn(cooking.call, invocation)

    async def probe(self, invocation: Invocation) -> Done | None:
        """Look whether an earlier call of a probeable function happened."""
        if not self._cookbook.variants(invocation.function):
            return None
        return await self._in_turn(cooking.probe, invocation)

    async def present(self, invocation: Invocation) -> Restore | None:
        """Read back what a call would set."""
        if not self._cookbook.variants(invocation.function):
            return None
        now = await self._in_turn(cooking.present, invocation)
        if now is None:
            return None
        return Restore(function=invocation.function, arguments=invocation.arguments | now)

    async def forward_back(self, remote: int, local: int) -> bool:
        """Let the phone reach the hub's loopback port `local` at its own `remote`; whether it could
        not before. `DeviceRefused` where the way to the phone cannot."""
        try:
            return await reversing.lead_back(self._link, remote, local)
        except DeviceRefused:
            if self._back is None:
                raise
        return await reversing.lead_back(self._back, remote, local)

    async def close(self) -> None:
        """Let go of the phone."""
        await self._link.close()
        if self._back is not None:
            await self._back.close()

    def _lead_back(self, device: Device) -> None:
        """Where the phone's port for the hub's page leads, if its connection cannot do that."""
        own = reversing.own_way(device.address, self._server)
        if self._back is not None:
            self._back.lead(own)
        elif own:
            self._back = Link(own, device.address.get("serial"))

    def _linked(self) -> None:
        """The connection changed: say whether the phone is there."""
        before, problem = self.notice, self._link.problem
        if isinstance(problem, DeviceNeedsPerson):
            self.notice = Standing(state=problem.state, todo=str(problem))
        elif self._link.state is State.LOST:
            self.notice = Standing(state=DeviceState.OFFLINE)
        elif self._link.state is State.READY:
            self.notice = self._lacking
        if self.notice != before:
            self.noticed()

    async def _in_turn(
        self,
        run: Callable[[cooking.Variants, Session, cooking.Arguments], Awaitable[T]],
        invocation: Invocation,
    ) -> T:
        """Run it when the calls before are done; waiting in vain is `DeviceUnavailable`."""
        variants = self._cookbook.variants(invocation.function)
        if not variants:
            raise DeviceRefused(f"a phone does not serve {invocation.function}")
        session = self._session(invocation.key, invocation.timeout)
        try:
            async with asyncio.timeout_at(session.deadline):
                await self._turn.acquire()
        except TimeoutError as exc:
            raise DeviceUnavailable("the phone is busy with another call") from exc
        try:
            return await run(variants, session, invocation.arguments)
        finally:
            self._turn.release()

    def _session(self, key: str, seconds: float) -> Session:
        deadline = asyncio.get_running_loop().time() + seconds
        return Session(self._link, deadline, self._patience, self._folder, key)
