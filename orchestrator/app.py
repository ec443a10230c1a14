"""The composition root: builds every part of a hub on one exit stack and takes it down in order."""

import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzlocal

from device_adapters.adb.introduce import Introduction
from device_adapters.adb.server import AdbServer
from device_adapters.android import AndroidAdapter, cookbook
from device_adapters.base import Adapter
from device_adapters.driver import Driver, Site
from device_adapters.ha import HaClient
from device_adapters.hub import HubAdapter, serves
from device_adapters.mqtt import MqttClient, Will
from orchestrator import discovery, drivers, taught
from orchestrator.broker import Login, own_broker
from orchestrator.bus import Bus
from orchestrator.catalogue import Catalogue
from orchestrator.doors.mqtt import MqttDoor
from orchestrator.executor import Executor
from orchestrator.journal import Journal
from orchestrator.keeper import Keeper
from orchestrator.octopus.manifest import WEIGHTS
from orchestrator.octopus.process import ModelProcess, Start
from orchestrator.phones.meeting import Meeting
from orchestrator.phones.pairing import Pairing
from orchestrator.phones.tasks import PhoneTasks
from orchestrator.pipeline import Pipeline
from orchestrator.policy import Verdict
from orchestrator.registry import SURE, Factory, Registry
from orchestrator.scheduler import Scheduler
from orchestrator.service import Service
from orchestrator.settings import Settings
from orchestrator.understanding import Understander
from schemas.device import Device, Kind
from schemas.errors import DeviceUnavailable, InvalidSettings

log = logging.getLogger(__name__)

CONNECT_WITHIN = 3.0
"""Seconds until a hub whose broker does not answer calls itself ready all the same."""
DRAIN_WITHIN = 20.0
"""Seconds that commands under way get when the hub is told to stop."""
KEY = "adbkey"
"""The hub's one key for phones, in the state folder."""


@dataclass(frozen=True)
class Hub:
    """A running hub, for whoever built it."""

    service: Service
    registry: Registry
    bus: Bus
    broker: Login


@contextlib.asynccontextmanager
async def running(settings: Settings, catalogue: Catalogue) -> AsyncIterator[Hub]:
    """A whole hub, ready, while the block lasts."""
    began = time.monotonic()
    state = _state_folder(settings.state)
    async with AsyncExitStack() as stack:
        stack.enter_context(_alone(state))
        journal = Journal(state / "journal.db", settings.store.address())
        await stack.enter_async_context(journal)
        model = await stack.enter_async_context(
            ModelProcess(model_start(settings, catalogue), deadline=settings.model.deadline)
        )
        thread = stack.enter_context(ThreadPoolExecutor(1, "understanding"))
        login = await _broker(settings, state, stack)
        base = settings.broker.topic
        mqtt = MqttClient(
            login.host, login.port, client_id=f"{settings.hub.name}-hub",
            username=login.username, password=login.password, tls=login.tls,
            will=Will(topic=f"{base}/status", payload="offline", retain=True),
        )  # fmt: skip
        await stack.enter_async_context(mqtt)
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
        bus = Bus()
        executor = Executor(catalogue, journal, bus, registry)
        pipeline = Pipeline(
            decode=model.decode, thread=thread,
            understander=understanding_of(settings, catalogue, registry.called),
            people=settings.people, catalogue=catalogue, journal=journal, executor=executor,
            registry=registry, bus=bus, limits=settings.limits.of_users(),
        )  # fmt: skip

        def health() -> dict[str, object]:
            return {
                "broker": mqtt.connected,
                "devices": len(registry.approved),
                "proposed": len(registry.proposed),
                "refused_proposals": registry.refused_proposals,
                "unheeded_services": announced.turned_away if announced else 0,
                "refused_announcements": ha.refused,
                "dropped_events": bus.dropped,
            }

        service = Service(pipeline, journal, registry, health, settings.managers)
        tasks = PhoneTasks(registry, journal, settings.managers, _denied(settings, catalogue))
        service.offer("device/do", tasks.do)
        meeting = Meeting(registry, server, Introduction(server, state / KEY), announced)
        pairing = Pairing(registry, service, meeting, settings.managers)
        stack.push_async_callback(pairing.close)
        service.offer("device/pair", pairing.start)
        service.offer("device/pair/news", pairing.follow)
        info = {"name": settings.hub.name, "functions": [f.name for f in catalogue]}
        door = MqttDoor(mqtt, service, bus, base, info)
        # Taken down in this order: nothing new comes in, what runs ends, its end is told.
        await stack.enter_async_context(door.telling())
        stack.callback(bus.close)
        stack.push_async_callback(pipeline.drain, DRAIN_WITHIN)
        registry.keep_connecting()
        await pipeline.recover()  # before anything new comes in, or that would be taken up twice
        stack.enter_context(door.listening())
        scheduler = Scheduler(journal, pipeline.fire, pipeline.missed)
        pipeline.course.on_schedule = scheduler.changed
        await stack.enter_async_context(scheduler)
        await stack.enter_async_context(Keeper(journal, journal.url, state, settings.store))
        if settings.http.port or settings.console:
            with _extra("web"):
                from orchestrator.web import serving  # an extra: only where it is needed
            page = serving(
                settings, state, service=service, registry=registry, bus=bus, journal=journal
            )
            await stack.enter_async_context(page)
        await _reached(mqtt)
        stack.enter_context(_set_aside())
        log.info("ready after %.1f s", time.monotonic() - began)
        yield Hub(service, registry, bus, login)


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
            said = {"topic": settings.broker.topic}
            if settings.broker.url:  # the hub's own broker is for this machine
                said["broker"] = f"{broker.host}:{broker.port}"
            announced.announce(discovery.OWN, settings.hub.name, broker.port, said)
    if settings.discovery.usb:
        await stack.enter_async_context(discovery.phones_by_usb(phones))
    return announced


def _denied(settings: Settings, catalogue: Catalogue) -> Callable[[str, str, Device], str]:
    """Why the policy denies a user something now; empty: it does not, or has no word on it."""
    zone = _zone(settings)

    def denied(user: str, what: str, device: Device) -> str:
        if what not in catalogue:
            return ""
        ruling = settings.policy.verdict(
            user, catalogue[what], device=device, arguments={}, at=datetime.now(zone)
        )
        return ruling.reason if ruling.verdict is Verdict.DENY else ""

    return denied


@contextlib.contextmanager
def _extra(name: str) -> Iterator[None]:
    """What is imported inside comes with an extra of the package; InvalidSettings names it."""
    try:
        yield
    except ImportError as error:
        raise InvalidSettings(f"{error}: pip install 'octopus-hub[{name}]'") from error


@contextlib.contextmanager
def _set_aside() -> Iterator[None]:
    """Spare the garbage collector what the hub is made of while the block lasts: to go through that
    time and again would hold everything up for a tenth of a second."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _reached(mqtt: MqttClient) -> None:
    try:
        await mqtt.wait_connected(CONNECT_WITHIN)
    except DeviceUnavailable as error:
        log.warning("%s; the hub goes on trying", error)


async def serve(settings: Settings, catalogue: Catalogue) -> None:
    """Run a hub until SIGTERM or SIGINT; tells systemd when it is ready and when it stops."""
    os.umask(0o077)  # what people said, and their photos, are for the hub's own user
    stop = asyncio.Event()
    opening = asyncio.current_task()
    assert opening is not None

    def end() -> None:
        if not ready and not stop.is_set():
            opening.cancel()  # a model of gigabytes is not waited for
        stop.set()

    ready, loop = False, asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    try:
        async with running(settings, catalogue):
            ready = True
            _tell_systemd("READY=1")
            await stop.wait()
            _tell_systemd("STOPPING=1")
            log.info("stopping")
    except asyncio.CancelledError:
        if ready or not stop.is_set():
            raise
        opening.uncancel()
        log.info("stopped before it was ready")


def model_start(settings: Settings, catalogue: Catalogue) -> Start:
    """Which model the settings mean, with what was taught."""
    folder = taught.current(settings.state) or WEIGHTS
    return Start(model=settings.model, functions=tuple(catalogue), embedded=folder)


def understanding_of(
    settings: Settings, catalogue: Catalogue, names: Callable[[], Iterable[str]] = tuple
) -> Understander:
    """What reads the model's words; `names`: what the hub's devices are called."""
    zone = _zone(settings)
    return Understander(
        catalogue, settings.policy, threshold=settings.model.threshold,
        caution=settings.model.caution, region=settings.hub.region,
        now=lambda: datetime.now(zone), names=names,
    )  # fmt: skip


def _zone(settings: Settings) -> ZoneInfo:
    """The configured zone, else this machine's: by name, for it knows when summer begins."""
    try:
        if not settings.hub.time_zone:
            return tzlocal.get_localzone()
        return ZoneInfo(settings.hub.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        zone = settings.hub.time_zone
        raise InvalidSettings(f"hub.toml: hub.time_zone: no time zone {zone!r}") from error


def _state_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InvalidSettings(f"{folder}: cannot keep state here: {error.strerror}") from error
    return folder


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the state folder; two hubs would run each other's commands."""
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError as error:
        raise InvalidSettings(
            f"{folder}: another hub runs with this folder: stop it, or set another hub.state"
        ) from error


async def _broker(settings: Settings, state: Path, stack: AsyncExitStack) -> Login:
    configured = settings.broker.address()
    if configured is None:
        own = own_broker(state, settings.broker.port, settings.broker.topic)
        return await stack.enter_async_context(own)
    user, password = settings.broker.username or None, settings.broker.password()
    return Login(*configured, user, password, settings.broker.tls())


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
        with _extra("mail"):
            from device_adapters.hub.mail import Mail  # an extra: only where it is needed
        mail = Mail(account)

    def hub(device: Device) -> Adapter:
        return HubAdapter(device, settings.home, region=settings.hub.region, mail=mail)

    own: dict[str, Factory] = {"adb": android, "hub": hub}
    return {protocol: driver.adapter for protocol, driver in spoken.items()} | own


def _tell_systemd(message: str) -> None:
    """The ten lines of sd_notify that a service needs."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect(address)
        channel.send(message.encode())
