"""The devices of a hub: the drivers that speak to them, the registry that knows them, and what
looks for more."""

import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from device_adapters.adb.server import AdbServer
from device_adapters.android import AndroidAdapter, cookbook
from device_adapters.base import Adapter
from device_adapters.driver import Driver, Site
from device_adapters.ha import HaClient
from device_adapters.hub import HubAdapter, serves
from device_adapters.mqtt import MqttClient
from orchestrator import discovery, drivers
from orchestrator.broker import Login
from orchestrator.catalogue import Catalogue
from orchestrator.extras import extra
from orchestrator.registry import SURE, Factory, Registry
from orchestrator.settings import Settings
from schemas.device import Device, Kind

log = logging.getLogger(__name__)

KEY = "adbkey"
"""The hub's one key for phones, in the state folder."""


@dataclass(frozen=True)
class Fleet:
    """Every device there is, and what finds more; `announced` where the network is looked at."""

    registry: Registry
    server: AdbServer
    ha: HaClient
    announced: discovery.Announced | None

    def reconfigure(self, settings: Settings) -> None:
        """Have the devices of this configuration from now on."""
        known = {device.address.get("ha") for device in self.registry.approved}
        self.registry.reconfigure((_hub_device(settings), *settings.devices))
        announcing = {device.address.get("ha", "") for device in self.registry.approved}
        for identifier in announcing - known - {""}:
            self.ha.use(identifier)


@contextlib.asynccontextmanager
async def devices(
    settings: Settings, catalogue: Catalogue, mqtt: MqttClient, state: Path, login: Login
) -> AsyncIterator[Fleet]:
    """Know the devices and look for more while the block lasts; nothing is connected yet."""
    base = settings.broker.topic
    async with AsyncExitStack() as stack:
        ha = HaClient(mqtt, prefix=settings.broker.discovery, own=base)
        await stack.enter_async_context(ha)
        server = AdbServer(state / KEY)
        stack.push_async_callback(server.close)
        kinds = {f.name: frozenset(map(Kind, f.kinds)) for f in catalogue}
        site = Site(mqtt, ha, state, topic=base, region=settings.hub.region, functions=kinds)
        spoken = _drivers(settings, site)
        factories = _factories(settings, state, server, spoken)
        sure = {protocol for protocol, driver in spoken.items() if driver.sure}
        registry = Registry(state / "devices.json", factories, sure | SURE)
        stack.push_async_callback(registry.close)
        registry.load((_hub_device(settings), *settings.devices))
        for device in registry.approved:  # before anybody announces anything
            if "ha" in device.address:
                ha.use(device.address["ha"])
        announced = await _discovery(settings, registry, spoken.values(), login, stack)
        yield Fleet(registry, server, ha, announced)


def ways(settings: Settings, fleet: Fleet) -> dict[str, discovery.Way]:
    """In which ways devices can be asked to say that they are there."""
    found: dict[str, discovery.Way] = {"mqtt": fleet.ha.ask}
    if fleet.announced is not None:
        found["network"] = fleet.announced.ask
    if settings.discovery.usb:
        found["usb"] = _looked_at
    return found


async def _looked_at() -> None:
    """Cables are looked at all the time."""


async def _discovery(
    settings: Settings,
    registry: Registry,
    spoken: Iterable[Driver],
    broker: Login,
    stack: AsyncExitStack,
) -> discovery.Announced | None:
    """Look for devices as far as the settings want it, and say that this hub is here."""
    propose, withdraw = registry.propose, registry.withdraw
    phones, announced = discovery.Phones(propose, withdraw), None
    for driver in spoken:
        await stack.enter_async_context(drivers.finding(driver, propose, withdraw))
    if settings.discovery.zeroconf:
        services = {service for driver in spoken for service in driver.services}
        types = (*discovery.TYPES, *sorted(services))
        announced = discovery.Announced(types, loopback_only=settings.discovery.loopback_only)
        await stack.enter_async_context(announced)
        stack.enter_context(discovery.phones_on(announced, phones))
        stack.enter_context(discovery.services_on(announced, spoken, propose, withdraw))
        if settings.discovery.announce:
            said, port = {"topic": settings.broker.topic}, broker.port
            if settings.broker.url:
                said["broker"] = f"{broker.host}:{port}"
            elif listen := settings.broker.listening():  # else its broker is for this machine
                said["tls"], port = "yes" if listen.cert_file else "no", listen.port
            announced.announce(discovery.OWN, settings.hub.name, port, said)
    if settings.discovery.usb:
        await stack.enter_async_context(discovery.phones_by_usb(phones))
    return announced


def _hub_device(settings: Settings) -> Device:
    return Device(
        id="hub", kind=Kind.HUB, name=settings.hub.name, protocol="hub", approved=True,
        functions=serves(mail=bool(settings.email.host)),
    )  # fmt: skip


def _drivers(settings: Settings, site: Site) -> dict[str, Driver]:
    """One driver for every protocol whose libraries are there."""
    spoken = {}
    for protocol, driver in drivers.loadable(drivers.offered()):
        try:
            options = settings.adapters.get(protocol) or driver.options()
            spoken[protocol] = driver(replace(site, options=options))
        except Exception:  # somebody else's code: the hub runs without it
            log.exception("the adapter for %s cannot be used", protocol)
    return spoken


def _factories(
    settings: Settings, state: Path, server: AdbServer, spoken: Mapping[str, Driver]
) -> dict[str, Factory]:
    recipes = cookbook.load(settings.recipes)

    def android(device: Device) -> Adapter:
        return AndroidAdapter(
            device, state / KEY, server=server, folder=state / "files", cookbook=recipes
        )

    account, mail = settings.email.account(), None
    if account:
        with extra("mail"):
            from device_adapters.hub.mail import Mail  # an extra: only where it is needed
        mail = Mail(account)

    def hub(device: Device) -> Adapter:
        return HubAdapter(device, settings.home, region=settings.hub.region, mail=mail)

    own: dict[str, Factory] = {"adb": android, "hub": hub}
    return {protocol: driver.adapter for protocol, driver in spoken.items()} | own
