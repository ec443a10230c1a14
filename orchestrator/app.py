"""The composition root: builds every part of a hub on one exit stack and takes it down in order."""

import asyncio
import contextlib
import gc
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from device_adapters.adb.introduce import Introduction
from device_adapters.mqtt import MqttClient, Will
from orchestrator import command_log, discovery
from orchestrator.broker import Login, OwnBroker, client_id, own_broker
from orchestrator.bus import Bus
from orchestrator.catalogue import Catalogue
from orchestrator.devices import KEY, Fleet, devices, ways
from orchestrator.doors.mqtt import HomeAssistant, MqttDoor, info
from orchestrator.executor import Executor
from orchestrator.extras import extra
from orchestrator.health import Health
from orchestrator.hub_lock import alone
from orchestrator.journal import Journal
from orchestrator.keeper import Keeper
from orchestrator.live import Live
from orchestrator.loop_lag import LoopLag, measured
from orchestrator.model_setup import model_start, understander_of
from orchestrator.octopus.process import ModelProcess
from orchestrator.phones.meeting import Meeting
from orchestrator.phones.pairing import Pairing
from orchestrator.phones.tasks import PhoneTasks
from orchestrator.pipeline import Pipeline
from orchestrator.policy import Verdict
from orchestrator.registry import Registry
from orchestrator.scheduler import Scheduler
from orchestrator.service import Service
from orchestrator.settings import Settings
from orchestrator.time_zone import time_zone
from orchestrator.watchdog import Sign
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
    own_broker: OwnBroker | None
    connected: Callable[[], bool]
    """Whether the broker is there."""
    live: Live
    reload: Callable[[Settings, Catalogue], Awaitable[tuple[str, ...]]]
    """Go by another configuration; the keys that wait for a restart. Changes all of it, or nothing
    where it raises InvalidSettings."""
    parts: Mapping[str, Sign]
    """What must live for the hub to be of use."""


@contextlib.asynccontextmanager
async def running(settings: Settings, catalogue: Catalogue) -> AsyncIterator[Hub]:
    """A whole hub, ready, while the block lasts."""
    began = time.monotonic()
    state, live = _state_folder(settings.state), Live(settings, catalogue)
    async with AsyncExitStack() as stack:
        stack.enter_context(alone(state))
        journal = Journal(state / "journal.db", settings.store.address())
        await stack.enter_async_context(journal)
        model = await stack.enter_async_context(
            ModelProcess(model_start(settings, catalogue), deadline=settings.model.deadline)
        )
        thread = stack.enter_context(ThreadPoolExecutor(1, "understanding"))
        own, login, mqtt = await _broker(settings, state, stack)
        fleet = await stack.enter_async_context(devices(settings, catalogue, mqtt, state, login))
        registry, bus = fleet.registry, Bus()
        await stack.enter_async_context(command_log.written(bus))
        pipeline = Pipeline(
            decode=model.decode, thread=thread,
            understander=understander_of(settings, catalogue, registry.called),
            people=settings.people, catalogue=catalogue, journal=journal,
            executor=Executor(catalogue, journal, bus, registry),
            registry=registry, bus=bus, limits=settings.limits.of_users(),
        )  # fmt: skip
        scheduler, lag = Scheduler(journal, pipeline.fire, pipeline.missed), LoopLag()
        pipeline.course.on_schedule = scheduler.changed
        health = Health(
            settings, state, journal=journal, model=model, broker=mqtt, fleet=fleet, bus=bus,
            pipeline=pipeline, scheduler=scheduler, loop=lag,
            configuration=lambda: live.problem,
        )  # fmt: skip
        service = Service(pipeline, journal, registry, health, live.managers)
        _offer(service, fleet, journal, live, catalogue, stack)
        door, shown = _mqtt_doors(settings, catalogue, mqtt, service, bus)
        # Taken down in this order: nothing new comes in, what runs ends, its end is told.
        await stack.enter_async_context(door.telling())
        await stack.enter_async_context(shown.telling())
        stack.callback(bus.close)
        stack.push_async_callback(pipeline.drain, DRAIN_WITHIN)
        registry.keep_connecting()
        await pipeline.recover()  # before anything new comes in, or that would be taken up twice
        stack.enter_context(door.listening())
        stack.enter_context(shown.listening())
        await stack.enter_async_context(scheduler)
        await stack.enter_async_context(Keeper(journal, journal.url, state, settings.store))
        if settings.http.port or settings.console:
            with extra("web"):
                from orchestrator.metrics import Metrics, counting  # an extra: only where needed
                from orchestrator.web import serving
            metrics = Metrics(catalogue, registry, model, health)
            await stack.enter_async_context(counting(metrics, bus))
            page = serving(
                settings, state, service=service, registry=registry, bus=bus, journal=journal,
                users=live.users, metrics=metrics.exposition,
            )  # fmt: skip
            await stack.enter_async_context(page)
        if settings.wyoming.port:
            with extra("wyoming"):
                from orchestrator.voice import hearing  # an extra: only where it is needed
            await stack.enter_async_context(hearing(settings, service, bus, fleet.announced))
        await _reached(mqtt)
        await stack.enter_async_context(measured(lag))
        stack.enter_context(_set_aside())
        log.info("ready after %.1f s", time.monotonic() - began)
        yield Hub(
            service, registry, bus, login, own, lambda: mqtt.connected, live,
            _reloader(live, catalogue, own, fleet, pipeline),
            parts=_signs(mqtt, journal, model, thread),
        )  # fmt: skip


async def _broker(
    settings: Settings, state: Path, stack: AsyncExitStack
) -> tuple[OwnBroker | None, Login, MqttClient]:
    """The hub's own broker, where hub.toml names no other; the login and the client of either."""
    broker, own = settings.broker, None
    login = broker.login()
    if login is None:
        own = await stack.enter_async_context(
            own_broker(
                state, broker.port, broker.topic, users=settings.people.users,
                listen=broker.listening(),
            )
        )  # fmt: skip
        login = own.login
    client = MqttClient(
        login.host, login.port, client_id=client_id(state, settings.hub.name),
        username=login.username, password=login.password, tls=login.tls,
        will=Will(topic=f"{broker.topic}/status", payload="offline", retain=True),
    )  # fmt: skip
    return own, login, await stack.enter_async_context(client)


def _offer(
    service: Service,
    fleet: Fleet,
    journal: Journal,
    live: Live,
    catalogue: Catalogue,
    stack: AsyncExitStack,
) -> None:
    """Have the parts beside sentences do their operations: phones' tasks, pairing, discovery."""
    registry, settings = fleet.registry, live.settings
    tasks = PhoneTasks(registry, journal, live.managers, _denied(live, catalogue))
    introduction = Introduction(fleet.server, settings.state / KEY)
    meeting = Meeting(registry, fleet.server, introduction, fleet.announced)
    pairing = Pairing(registry, service, meeting, live.managers)
    stack.push_async_callback(pairing.close)
    search = discovery.Search(
        service, lambda: (device.id for device in registry.proposed), ways(settings, fleet)
    )
    stack.push_async_callback(search.close)
    service.offer("device/do", tasks.do)
    service.offer("device/pair", pairing.start)
    service.offer("device/pair/news", pairing.follow)
    service.offer("discover", search.look)


def _mqtt_doors(
    settings: Settings, catalogue: Catalogue, mqtt: MqttClient, service: Service, bus: Bus
) -> tuple[MqttDoor, HomeAssistant]:
    """The two on the broker: the hub's own topics, and the hub as a device of Home Assistant's."""
    name, base = settings.hub.name, settings.broker.topic
    functions = [function.name for function in catalogue]
    told = info(name, base, model=settings.model.url, functions=functions)
    shown = HomeAssistant(
        mqtt, service, bus, base=base, prefix=settings.broker.discovery, name=name,
        user=settings.home_assistant.user,
    )  # fmt: skip
    return MqttDoor(mqtt, service, bus, base, told), shown


def _reloader(
    live: Live, catalogue: Catalogue, own: OwnBroker | None, fleet: Fleet, pipeline: Pipeline
) -> Callable[[Settings, Catalogue], Awaitable[tuple[str, ...]]]:
    """What has these parts go by another configuration, see `Hub.reload`."""

    async def reload(new: Settings, functions: Catalogue) -> tuple[str, ...]:
        left, now = live.restart_for(new, functions), live.merged(new)
        understander = understander_of(now, catalogue, fleet.registry.called)
        if own is not None:
            await own.reconfigure(now.people.users)
        # From here on nothing may fail, nor wait: no command sees half of it.
        pipeline.reconfigure(understander, now.people, now.limits.of_users())
        fleet.reconfigure(now)
        live.settings = now
        return left

    return reload


def _signs(
    mqtt: MqttClient, journal: Journal, model: ModelProcess, thread: ThreadPoolExecutor
) -> Mapping[str, Sign]:
    """The parts that the watchdog asks, and what each is asked by."""
    return {
        "the MQTT client": _now(lambda: mqtt.alive),
        "the journal's writer": journal.alive,
        "the model": model.alive,
        "the thread that reads sentences": partial(_works, thread),
    }


def _now(lives: Callable[[], bool]) -> Sign:
    async def sign() -> bool:
        return lives()

    return sign


async def _works(thread: ThreadPoolExecutor) -> bool:
    """Whether a thread does what it is given."""
    await asyncio.get_running_loop().run_in_executor(thread, lambda: None)
    return True


def _denied(live: Live, catalogue: Catalogue) -> Callable[[str, str, Device], str]:
    """Why the policy denies a user something now; empty: it does not, or has no word on it."""
    zone = time_zone(live.settings)

    def denied(user: str, what: str, device: Device) -> str:
        if what not in catalogue:
            return ""
        ruling = live.settings.policy.verdict(
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


def _state_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InvalidSettings(f"{folder}: cannot keep state here: {error.strerror}") from error
    return folder
