"""A whole hub with its page and simulated devices, for what looks at the page."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from device_adapters.hub import Sources
from device_adapters.simulated.car import SimulatedCar
from device_adapters.simulated.pc import SimulatedPc
from device_adapters.simulated.phone.adbd.server import SimulatedPhone
from device_adapters.simulated.weather import SimulatedWeb
from orchestrator import app, settings
from orchestrator.broker import DEVICES, passwords
from orchestrator.catalogue import Catalogue
from orchestrator.doors.http.access import Tokens
from orchestrator.people import LOCAL
from orchestrator.service import Service
from schemas.device import Device, Kind

WITHIN = 20.0
"""Seconds in which simulated devices are found."""


class PageHub:
    """A running hub: where its page is, and its service."""

    def __init__(self, at: str, token: str, service: Service) -> None:
        self.at, self.token, self.service = at, token, service

    async def found(self, *names: str) -> list[str]:
        """The ids of the devices of these names, once they are all found."""
        async with asyncio.timeout(WITHIN):
            while True:
                there = await self.service.request("device/list", LOCAL, {})
                ids = {one["name"]: one["id"] for one in there}
                if set(names) <= set(ids):
                    return [ids[name] for name in names]
                await asyncio.sleep(0.05)


@asynccontextmanager
async def page_hub() -> AsyncIterator[PageHub]:
    """A hub with a phone, a computer and a car that were found and that nobody approved."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="octopus-page-")))
        web = await stack.enter_async_context(SimulatedWeb())
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        loaded = settings.Settings(
            hub=settings.Hub(state=str(folder)),
            broker=settings.BrokerSettings(port=0),
            discovery=settings.Discovery(zeroconf=False, usb=False, loopback_only=True),
            http=settings.Http(port=port),
            home=Sources(
                location="Seoul", forecast_url=web.url, geocoding_url=web.url,
                news_url=web.news_url, headlines_url=web.news_url,
            ),
        )  # fmt: skip
        catalogue = Catalogue.load(settings.PACKAGED / "functions")
        hub = await stack.enter_async_context(app.running(loaded, catalogue))
        phone = await stack.enter_async_context(SimulatedPhone(name="Pixel 8", serial="PIXEL8"))
        phone.state.provider.add_contact("John", "+15550100")
        # Announced on loopback, what other programs of this machine announce would be found too.
        where = {"host": "127.0.0.1", "port": str(phone.port)}
        hub.registry.propose(
            Device(id="adb-PIXEL8", kind=Kind.PHONE, name="PIXEL8", protocol="adb", address=where)
        )
        login = (DEVICES, passwords(loaded.state)[DEVICES])
        broker = hub.broker.host, hub.broker.port
        pc = await stack.enter_async_context(SimulatedPc(*broker, login=login))
        car = await stack.enter_async_context(SimulatedCar(*broker, login=login))
        token = Tokens(loaded.state, frozenset({LOCAL})).issue(LOCAL)
        served = PageHub(f"http://127.0.0.1:{port}", token, hub.service)
        await served.found(pc.name, car.name)
        yield served
