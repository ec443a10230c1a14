"""Computers without an agent: programs of an allow-list, run over SSH."""

import asyncio
import logging
import re
import socket
from pathlib import Path

from pydantic import Field

from device_adapters.base import Adapter
from device_adapters.calls import Runner, patience
from device_adapters.driver import Driver, Options, Service, Site
from device_adapters.pc.engine import CommandAdapter
from device_adapters.pc.hostkeys import HostKeys, made_key, own_key, public
from device_adapters.pc.programs import Programs
from device_adapters.pc.session import Host, host_of
from device_adapters.pc.sshlink import Place, SshLink, Trust
from device_adapters.pc.wake import wake_up
from device_adapters.pc.windows import WINDOWS
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
)
from schemas.outcome import Done
from schemas.state import DeviceState, Standing

log = logging.getLogger(__name__)

SSH, WORKSTATION = "_ssh._tcp.local.", "_workstation._tcp.local."
_PORT = 22
_NO_MAC = {"wake_up": "its MAC address is not known"}
_SYSTEMS = ("linux", "macos", "windows")
_MAC = re.compile(r"(?P<name>.+?) \[(?P<mac>[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5})\]")
_AGAIN = 0.5
"""Seconds between two attempts to reach a computer that is being woken."""
_ALIVE_WITHIN = 2.0


class SshOptions(Options):
    """`[adapters.ssh]`: `user` on computers whose address names none; `keepalive` seconds between
    two questions whether a computer is still there."""

    user: str = ""
    keepalive: float = Field(5.0, gt=0, le=300)


class SshDriver(Driver):
    """Computers by SSH."""

    options = SshOptions
    address = {
        "host": "its name or IP address",
        "port": "without it: 22",
        "user": "login; without it: that of [adapters.ssh]",
        "key": "file with the private key; without it: the hub's own",
        "host_key": "SHA256:… of its host key; without it: the one it first shows",
        "mac": "so that it can be woken",
        "wake": "host:port to which its wake-up is sent; without it: the whole network",
        "system": "linux, macos or windows; without it: linux",
    }
    needs = (frozenset({"host"}), frozenset({"mac"}))
    services = (SSH, WORKSTATION)
    sure = True

    def adapter(self, device: Device) -> Adapter:
        return SshAdapter(device, self.site)

    def recognise(self, service: Service) -> Device | None:
        named = _MAC.fullmatch(service.name)
        name = named["name"] if named else service.name
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50]
        if not slug or name.casefold() == socket.gethostname().partition(".")[0].casefold():
            return None  # this machine itself is a device of its own
        address = {"host": service.host}
        if service.type == SSH:
            address["port"] = str(service.port)
        if named:
            address["mac"] = named["mac"].lower()
        return Device(
            id=f"ssh-{slug}", kind=Kind.PC, name=name[:50], protocol="ssh", address=address
        )


class SshAdapter(CommandAdapter):
    """A computer reached by SSH; keys and what must outlast a restart are in `site.state`."""

    def __init__(self, device: Device, site: Site) -> None:
        super().__init__(device, site.files)
        self._site = site
        self._link = SshLink(self._lost)
        self._keys = HostKeys(site.state / "ssh" / "known_hosts")
        self._opening = asyncio.Lock()  # a computer being woken is tried by two
        self._fresh = ""  # the fingerprint of a host key that nobody has compared yet

    async def connect(self) -> frozenset[str]:
        """Connect, and look which programs there are. A computer that can be woken and does not
        answer serves what it did before, and that."""
        woken = frozenset({"wake_up"} if "mac" in self.device.address else ())
        try:
            await self._open()
        except DeviceUnavailable:
            if not woken:
                raise
            self._note(Standing(state=DeviceState.OFFLINE))
            return woken | frozenset(self.device.functions)
        assert self.programs is not None  # known once connected
        return self.programs.host.served | woken

    def moved(self, device: Device) -> bool:
        return device.address == self.device.address and super().moved(device)

    @property
    def serving(self) -> dict[str, Runner]:
        return {**super().serving, "wake_up": self._wake}

    async def gone(self, within: float) -> bool:
        try:
            async with asyncio.timeout(within):
                await self._link.gone.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        await self._link.close()

    async def _open(self) -> None:
        async with self._opening:
            await self._opened()

    async def _opened(self) -> None:
        place, trust = self._place(), self._trust()
        shown = await self._link.open(place, trust)
        if trust.expected is None:
            self._keys.learn(self.device.id, shown)
            self._fresh = shown.get_fingerprint()
            log.info("%s: its host key is %s, and has to be from now on", place.name, self._fresh)
        try:
            host = await self._host()
        except (DeviceRefused, DeviceUncertain) as exc:
            await self._link.close()
            raise DeviceUnavailable(f"{place.name}: {exc}") from exc
        self.programs = Programs(place.name, self._link, host)
        self.lacking = {**host.lacking, **({} if "mac" in self.device.address else _NO_MAC)}
        todo = f"compare its host key: {self._fresh}"
        self._note(Standing(state=DeviceState.CONNECTED, todo=todo) if self._fresh else None)

    async def _host(self) -> Host:
        """What computer it is: as its address says, or as it says itself."""
        system = self.device.address.get("system")
        self._link.windows = system == "windows"
        if not self._link.windows:
            if (host := await host_of(self._link.run)) is not None:
                return host
            self._link.windows = True
        if "Microsoft Windows" not in (await self._link.run(("cmd", "/c", "ver"))).text:
            raise DeviceRefused("it is neither Linux, nor macOS, nor Windows")
        return Host(WINDOWS, frozenset(WINDOWS.programs))

    def _place(self) -> Place:
        name, address, options = self.device.name, self.device.address, self._site.options
        port, user = address.get("port", str(_PORT)), address.get("user") or options.user
        if "host" not in address:
            raise DeviceUnavailable(f"where {name} is on the network is not known")
        if not user:
            raise DeviceNeedsPerson(f"say as whom to reach {name}: user in [adapters.ssh]")
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise DeviceNeedsPerson(f"the port of {name} is no number of one: {port}")
        if address.get("system", "linux") not in _SYSTEMS:
            raise DeviceNeedsPerson(f"the system of {name} is one of {', '.join(_SYSTEMS)}")
        given = address.get("key")
        key = own_key(Path(given)) if given else made_key(self._site.state / "ssh" / "id_ed25519")
        return Place(name, address["host"], int(port), user, key, options.keepalive)

    def _trust(self) -> Trust:
        if written := self.device.address.get("host_key"):
            digest = written.removeprefix("SHA256:").rstrip("=")
            return Trust(f"SHA256:{digest}", kept="host_key in devices.toml")
        known = self._keys.known(self.device.id)
        if known is None:
            return Trust(None)
        kept = f"the line of {self.device.id} in {self._keys.file}"
        return Trust(known.get_fingerprint(), public(known).split()[0], kept)

    def _lost(self) -> None:
        self._note(Standing(state=DeviceState.OFFLINE))

    def _note(self, notice: Standing | None) -> None:
        if notice != self.notice:
            self.notice = notice
            self.noticed()

    async def _wake(self, call: Invocation) -> Done:
        end = asyncio.get_running_loop().time() + patience(call)
        known = self.programs is not None or bool({*self.device.functions} - {"wake_up"})

        async def comes() -> bool:
            try:
                async with asyncio.timeout_at(end):
                    while not await self._is_awake():  # noqa: ASYNC110 (a foreign machine)
                        await asyncio.sleep(_AGAIN)
            except (TimeoutError, DeviceNeedsPerson):
                return False
            if not known:  # connected anew, it is asked what it serves
                await self._lose()
            return True

        return await wake_up(self.device, comes)

    async def _is_awake(self) -> bool:
        """Whether it answers now; a connection may be there still, of a computer that is not."""
        try:
            if self._link.gone.is_set():
                await self._open()
            async with asyncio.timeout(_ALIVE_WITHIN):
                await self._link.run(("true",))
        except (DeviceUnavailable, DeviceUncertain, TimeoutError):
            await self._lose()
            return False
        return True

    async def _lose(self) -> None:
        await self._link.close()
        self._lost()
