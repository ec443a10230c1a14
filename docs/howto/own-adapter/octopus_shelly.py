"""Shelly plugs and relays of the second generation and later, by their HTTP interface."""

import asyncio
import re

import httpx

from device_adapters.base import Adapter
from device_adapters.driver import Driver, Service
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain
from schemas.outcome import Done, Evidence

ORDERS = {"turn_on": "true", "turn_off": "false"}


class Shelly(Adapter):
    """One relay; its address holds a host, and a port where that is not 80."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.http = httpx.AsyncClient(headers={"Connection": "close"}, trust_env=False)

    async def connect(self) -> frozenset[str]:
        await self.ask("Switch.GetStatus", 3.0)
        return frozenset(ORDERS)

    async def call(self, invocation: Invocation) -> Done:
        order = ORDERS.get(invocation.function)
        if order is None:
            raise DeviceRefused(f"{self.device.name} cannot {invocation.function}")
        await self.ask("Switch.Set", invocation.timeout / 2, on=order)
        try:
            now = await self.ask("Switch.GetStatus", invocation.timeout / 2)
        except (DeviceUnavailable, DeviceUncertain):
            now = None  # it took the order, and does not say what became of it
        seen = now is (order == "true")
        evidence = Evidence.VERIFIED if seen else Evidence.UNVERIFIED
        return Done(evidence=evidence, detail=f"{self.device.name}: {invocation.function}")

    async def ask(self, method: str, within: float, **said: str) -> object:
        """Ask the relay something; whether it is on, where it says so."""
        at, name = self.device.address, self.device.name
        url = f"http://{at['host']}:{at.get('port', '80')}/rpc/{method}"
        try:
            async with asyncio.timeout(within):
                answer = await self.http.get(url, params={"id": "0"} | said)
            return answer.raise_for_status().json().get("output")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL) as error:
            raise DeviceUnavailable(f"{name} cannot be reached; nothing was sent") from error
        except (httpx.HTTPError, TimeoutError, ValueError, AttributeError) as error:
            raise DeviceUncertain(f"{name} does not say that it took {method}") from error

    async def close(self) -> None:
        await self.http.aclose()


class ShellyDriver(Driver):
    """Relays that announce themselves, and those of devices.toml."""

    address = {"host": "its name or IP address", "port": "without it: 80"}
    needs = (frozenset({"host"}),)
    services = ("_shelly._tcp.local.",)

    def adapter(self, device: Device) -> Adapter:
        return Shelly(device)

    def recognise(self, service: Service) -> Device | None:
        name = service.name.split(".")[0].lower()
        if not re.fullmatch(r"shelly[a-z0-9]{1,30}-[0-9a-f]{12}", name):
            return None
        at = {"host": service.host, "port": str(service.port)}
        return Device(id=name, kind=Kind.HOME, name=name, protocol="shelly", address=at,
                      functions=tuple(ORDERS))  # fmt: skip
