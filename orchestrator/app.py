"""The composition root: builds every part of a hub on one exit stack and takes it down in order."""

import contextlib
import fcntl
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzlocal

from device_adapters.adb.introduce import Introduction
from device_adapters.mqtt import MqttClient, Will
from orchestrator import taught
from orchestrator.broker import Login, own_broker
from orchestrator.bus import Bus
from orchestrator.catalogue import Catalogue
from orchestrator.devices import KEY, devices
from orchestrator.doors.mqtt import MqttDoor
from orchestrator.executor import Executor
from orchestrator.extras import extra
from orchestrator.journal import Journal
from orchestrator.keeper import Keeper
from orchestrator.octopus.manifest import WEIGHTS
from orchestrator.octopus.process import ModelProcess, Start
from orchestrator.phones.meeting import Meeting
from orchestrator.phones.pairing import Pairing
from orchestrator.phones.tasks import PhoneTasks
from orchestrator.pipeline import Pipeline
from orchestrator.policy import Verdict
from orchestrator.registry import Registry
from orchestrator.scheduler import Scheduler
from orchestrator.service import Service
from orchestrator.settings import Settings
from orchestrator.understanding import Understander
from schemas.device import Device
from schemas.errors import DeviceUnavailable, InvalidSettings

log = logging.getLogger(__name__)

CONNECT_WITHIN = 3.0
"""Seconds until a hub whose broker does not answer calls itself ready all the same."""
DRAIN_WITHIN = 20.0
"""Seconds that commands under way get when the hub is told to stop."""


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
        fleet = await stack.enter_async_context(devices(settings, catalogue, mqtt, state, login))
        registry = fleet.registry
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
                "unheeded_services": fleet.announced.turned_away if fleet.announced else 0,
                "refused_announcements": fleet.ha.refused,
                "dropped_events": bus.dropped,
            }

        service = Service(pipeline, journal, registry, health, settings.managers)
        tasks = PhoneTasks(registry, journal, settings.managers, _denied(settings, catalogue))
        service.offer("device/do", tasks.do)
        meeting = Meeting(
            registry, fleet.server, Introduction(fleet.server, state / KEY), fleet.announced
        )
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
            with extra("web"):
                from orchestrator.web import serving  # an extra: only where it is needed
            page = serving(
                settings, state, service=service, registry=registry, bus=bus, journal=journal
            )
            await stack.enter_async_context(page)
        await _reached(mqtt)
        stack.enter_context(_set_aside())
        log.info("ready after %.1f s", time.monotonic() - began)
        yield Hub(service, registry, bus, login)


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
