"""How the hub does with a whole fleet: found, usable, commanded, and back after a broker's restart.

    python -m benchmarks.fleet [--devices 1000] [--forged 5000] [--json]

This process is a whole hub with a scripted model. Lamps, doors, meters, sockets, blinds,
thermostats, computers, cars (Home Assistant discovery over a real Mosquitto with its default
limits) and phones (adb, mDNS) are simulated in a process of their own, so that memory and loop are
the hub's. Ten devices come first, then all the others at once. Run it where nothing else runs.
"""

import argparse
import asyncio
import contextlib
import gc
import itertools
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self
from unittest import mock

from rich.console import Console
from rich.table import Table

from benchmarks.fleet_devices import Devices, devices
from benchmarks.inside import at
from device_adapters.simulated.fleet import CYCLE, sort_of
from orchestrator import app
from orchestrator.app import Hub
from orchestrator.catalogue import Catalogue
from orchestrator.policy import Policy, Rule, Verdict
from orchestrator.settings import PACKAGED, Settings
from schemas.call import Invocation
from schemas.command import Command
from schemas.decoded import Decoded
from schemas.device import Device
from schemas.errors import HubError
from schemas.event import Event
from schemas.outcome import Evidence
from tests.broker import Broker

FEW = len(CYCLE)
"""Devices that come first: one cycle of the sorts."""
ROUNDS = 30
"""Commands to each of the first few."""
EASY = 64
"""Devices that are asked at once whether they are back."""
AGAIN = 1.0
"""Seconds until one is asked again that is not."""
EACH = 0.01
"""Seconds between two looks at the loop."""
OURS = ("ha-gateway", "ha-PC", "ha-VIN", "adb-FLEET")
"""What ids of the fleet begin with; what else is found is not approved."""
LOOK, TELL, SETTLE, WITHIN = 0.1, 5.0, 2.0, 300.0
"""Seconds between two looks, between two lines of progress, between phases; and for one phase."""
MINUTE = 60.0
"""Seconds within which announcements are forged."""
FUNCTIONS: dict[str, tuple[str, str]] = {
    "Lamp": ("turn on {name}", "<nexa_43>('{name}')"),
    "Door": ("lock {name}", "<nexa_19>('lock')"),
    "Meter": ("what does {name} say", "<nexa_47>('{name}')"),
    "Socket": ("turn off {name}", "<nexa_44>('{name}')"),
    "Blind": ("close {name}", "<nexa_46>('{name}','close')"),
    "Thermostat": ("set {name} to 70", "<nexa_16>('70')"),
    "PC": ("lock the screen of {name}", "<nexa_36>()"),
    "Car": ("lock {name}", "<nexa_26>('lock')"),
    "Phone": ("set the screen brightness to 5 on {name}", "<nexa_11>('5')"),
}
"""What is said to each sort, and what the model makes of it."""


class Figure(NamedTuple):
    """What one value is, and the most it may be; without a bar it is only told."""

    what: str
    unit: str
    bar: float | None = None


FIGURES = {
    "first_discovery_s": Figure("announced to the first one found", "s", 2),
    "usable_s": Figure("announced to all approved and connected", "s"),
    "loop_lag_p99_ms": Figure("the loop's lag meanwhile, p99", "ms", 100),
    "loop_lag_max_ms": Figure("the loop's longest lag meanwhile", "ms"),
    "empty_mib": Figure("the hub without devices, resident", "MiB"),
    "memory_mib": Figure("what the devices add, each commanded once", "MiB", 150),
    "p50_10_ms": Figure(f"a command among {FEW} devices, p50", "ms"),
    "p95_10_ms": Figure(f"a command among {FEW} devices, p95", "ms"),
    "p50_ms": Figure("a command among all, p50", "ms"),
    "p95_ms": Figure("a command among all, p95", "ms"),
    "p95_ratio_to_10": Figure("p95 among all ÷ p95 among the few", "x", 1.5),
    "lock_confirmed_ms": Figure("a door's lock, order to its state topic, p95", "ms", 50),
    "all_at_once_s": Figure("one command to every device, all at once", "s"),
    "failed": Figure("commands that failed", "", 0),
    "reconnect_s": Figure("broker started again to all of them usable", "s", 30),
    "reconnect_lag_p99_ms": Figure("the loop's lag meanwhile, p99", "ms", 100),
    "reconnect_lag_max_ms": Figure("the loop's longest lag meanwhile", "ms"),
    "restart_s": Figure("hub started again to all connected", "s"),
    "forged_proposed": Figure("forged devices that a person would see", "", 500),
    "forged_refused": Figure("forged announcements that were only counted", ""),
    "forged_mib": Figure("memory after them, more than before", "MiB", 30),
    "forged_lag_p99_ms": Figure("the loop's lag meanwhile, p99", "ms", 100),
    "forged_p95_ms": Figure("a command among all, after them, p95", "ms"),
}


class Scripted:
    """Stands where the model is: it knows what was said by heart."""

    sentences: dict[str, str] = {}

    def __init__(self, *_: object, **__: object) -> None:
        """Needs nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to end."""

    async def decode(self, sentence: str) -> Decoded:
        """What was learned by heart."""
        return Decoded(text=self.sentences[sentence], confidence=1.0)


@dataclass
class Commander:
    """Approves, commands, and waits for ends as people do."""

    hub: Hub
    failed: int = 0
    _ended: dict[str, "asyncio.Future[Event]"] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def hear(self, events: AsyncIterator[Event]) -> None:
        """Note every end, until cancelled."""
        async for event in events:
            if event.record is not None and (ended := self._ended.pop(event.id, None)):
                ended.set_result(event)

    async def command(self, name: str) -> float:
        """Milliseconds of one command to a device, from its coming in to its end."""
        said, written = (text.format(name=name) for text in FUNCTIONS[name.split()[0]])
        Scripted.sentences[said] = f"{written}<nexa_end>"
        command = Command(id=f"c{next(self._numbers)}", text=said, user="ann", door="bench")
        ended = asyncio.get_running_loop().create_future()
        self._ended[command.id] = ended
        began = time.perf_counter()
        await self.hub.service.submit(command)
        event = await ended
        took = (time.perf_counter() - began) * 1000
        if event.state != "succeeded":
            self.failed += 1
            progress(f"{said}: {event.state}: {event.text}")
        return took

    @property
    def devices(self) -> list[Device]:
        """Those of the fleet that are approved: this machine's own are none of it."""
        return [d for d in self.hub.registry.approved if d.id.startswith(OURS)]

    async def approved(self, count: int) -> tuple[float, float]:
        """Approve all that is found until so many devices are connected; when the first was found,
        and when that was."""
        registry, found, began = self.hub.registry, 0.0, time.perf_counter()
        approving: dict[str, asyncio.Task[Device]] = {}
        told = began
        while True:
            now = time.perf_counter()
            proposed = [d for d in registry.proposed if d.id.startswith(OURS)]
            found = found or (now if proposed else 0.0)
            for device in proposed:
                if device.id not in approving:
                    approving[device.id] = asyncio.create_task(registry.approve(device.id))
            usable = sum(registry.connected(device.id) for device in self.devices)
            if usable >= count and all(task.done() for task in approving.values()):
                return found, now
            if now > told + TELL:
                progress(f"{usable} of {count} usable, {len(approving)} approved")
                told = now
            if now > began + WITHIN:
                raise SystemExit(f"only {usable} of {count} devices became usable")
            await asyncio.sleep(LOOK)

    async def confirmed(self, device: Device) -> float:
        """Seconds of a call that a device's state confirms."""
        began = time.perf_counter()
        done = await self.hub.registry.reach(device.id, call(device))
        assert done.evidence is Evidence.VERIFIED, done
        return time.perf_counter() - began

    async def back(self) -> None:
        """Wait until every device does what is asked, and says so."""
        turns = asyncio.Semaphore(EASY)
        await asyncio.gather(*(self._answers(device, turns) for device in self.devices))

    async def _answers(self, device: Device, turns: asyncio.Semaphore) -> None:
        while True:
            async with turns:
                with contextlib.suppress(HubError):
                    done = await self.hub.registry.reach(device.id, call(device))
                    if done.evidence is Evidence.VERIFIED:
                        return
            await asyncio.sleep(AGAIN)


def call(device: Device) -> Invocation:
    """What a device is asked below the pipeline: as its sentence says."""
    function, arguments = {
        "Lamp": ("turn_on", {"name": device.name}),
        "Door": ("open_or_lock_door", {"status": "lock"}),
        "Meter": ("get_state", {"name": device.name}),
        "Socket": ("turn_off", {"name": device.name}),
        "Blind": ("set_cover", {"name": device.name, "position": "close"}),
        "Thermostat": ("set_nest_temperature", {"target_temperature": 70}),
        "PC": ("lock_screen", {}),
        "Car": ("lock_doors", {"action": "lock"}),
        "Phone": ("change_screen_brightness", {"level": 5}),
    }[device.name.split()[0]]
    return Invocation(function=function, arguments=arguments, key="bench", timeout=10)


@contextmanager
def watched() -> Iterator[list[float]]:
    """How many milliseconds late the loop comes to what is due at a steady pace, while the block
    lasts; what comes due while the loop is held up is late as well."""
    late: list[float] = []

    async def watch() -> None:
        due = time.perf_counter()
        while True:
            due += EACH
            await asyncio.sleep(due - time.perf_counter())
            now = time.perf_counter()
            late.append((now - due) * 1000)
            while due + EACH < now:
                due += EACH
                late.append((now - due) * 1000)

    watching = asyncio.create_task(watch())
    try:
        yield late
    finally:
        watching.cancel()


def resident() -> float:
    """MiB that this process holds in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def progress(text: str) -> None:
    """For whoever waits."""
    Console(stderr=True).print(text, style="dim", highlight=False)


Values = dict[str, float]


async def measured(folder: Path, count: int, forged: int) -> Values:
    """Every figure, by its key."""
    broker, values = Broker(folder), {}
    await broker.start()
    try:
        async with devices(broker.port) as fleet:
            async with running(folder, broker) as commander:
                values |= await come(commander, fleet, count)
                values |= await commanded(commander, count)
                values |= await broker_restarted(commander, broker)
                if forged:
                    values |= await flooded(commander, fleet, count, forged)
            values |= await hub_restarted(folder, broker, count)
    finally:
        await broker.stop()
    values["memory_mib"] -= values["empty_mib"]
    values["p95_ratio_to_10"] = values["p95_ms"] / values["p95_10_ms"]
    return values


@asynccontextmanager
async def running(folder: Path, broker: Broker) -> AsyncIterator[Commander]:
    """A whole hub but for its model, with a policy that allows everything."""
    settings = Settings.model_validate(
        {
            "hub": {"state": str(folder / "state")},
            "broker": {"url": f"mqtt://{broker.host}:{broker.port}"},
            "discovery": {"loopback_only": True, "usb": False},
            "limits": {"commands_per_minute": 10**9, "burst": 10**9, "under_way": 10**6},
            "policy": Policy(rules=(Rule(verdict=Verdict.ALLOW),)),
        }
    )
    with mock.patch.object(app, "ModelProcess", Scripted):
        async with app.running(settings, Catalogue.load(PACKAGED / "functions")) as hub:
            commander = Commander(hub)
            with hub.bus.subscribe() as events:
                hearing = asyncio.create_task(commander.hear(events))
                try:
                    yield commander
                finally:
                    hearing.cancel()


async def come(commander: Commander, fleet: Devices, count: int) -> Values:
    """A few devices come and are commanded, then all the others at once."""
    await asyncio.sleep(SETTLE)
    values = {"empty_mib": resident()}
    await asyncio.gather(fleet.start(0, FEW), commander.approved(FEW))
    few = [await commander.command(name) for name in names(FEW) * ROUNDS][FEW:]
    with watched() as late:
        began, (found, usable) = await asyncio.gather(
            fleet.start(FEW, count), commander.approved(count)
        )
    return values | {
        "p50_10_ms": at(few, 50),
        "p95_10_ms": at(few, 95),
        "first_discovery_s": found - began,
        "usable_s": usable - began,
        "loop_lag_p99_ms": at(late, 99),
        "loop_lag_max_ms": max(late),
    }


async def commanded(commander: Commander, count: int) -> Values:
    """One command to each device, one after the other and all at once."""
    await asyncio.sleep(SETTLE)
    progress(f"a command to each of {count} devices")
    took = [await commander.command(name) for name in names(count)]
    values = {"p50_ms": at(took, 50), "p95_ms": at(took, 95), "memory_mib": resident()}
    locks = [device for device in commander.devices if device.name.startswith("Door")]
    confirmed = [await commander.confirmed(device) * 1000 for device in locks]
    began = time.perf_counter()
    await asyncio.gather(*map(commander.command, names(count)))
    return values | {
        "lock_confirmed_ms": at(confirmed, 95),
        "all_at_once_s": time.perf_counter() - began,
        "failed": commander.failed,
    }


async def broker_restarted(commander: Commander, broker: Broker) -> Values:
    """The broker is killed, and forgets everything."""
    progress("the broker is killed and started again")
    await broker.stop()
    await asyncio.sleep(SETTLE)
    await broker.start()
    began = time.perf_counter()
    with watched() as late:
        await commander.back()
    return {
        "reconnect_s": time.perf_counter() - began,
        "reconnect_lag_p99_ms": at(late, 99),
        "reconnect_lag_max_ms": max(late),
    }


async def flooded(commander: Commander, fleet: Devices, count: int, forged: int) -> Values:
    """Announcements are forged for a minute."""
    progress(f"{forged} announcements are forged within {MINUTE:g} s")
    registry, before = commander.hub.registry, resident()
    approved, refused = registry.approved, registry.refused_proposals
    with watched() as late:
        await fleet.forge(forged, MINUTE)
        await asyncio.sleep(SETTLE)
    after = resident()
    assert registry.approved == approved, "a forger changed a device"
    took = [await commander.command(name) for name in names(count)]
    return {
        "forged_proposed": len(registry.proposed),
        "forged_refused": registry.refused_proposals - refused,
        "forged_mib": after - before,
        "forged_lag_p99_ms": at(late, 99),
        "forged_p95_ms": at(took, 95),
    }


async def hub_restarted(folder: Path, broker: Broker, count: int) -> Values:
    """Seconds that a hub takes that knows all its devices."""
    progress("the hub is started again")
    began = time.perf_counter()
    async with running(folder, broker) as commander:
        _, usable = await commander.approved(count)
    return {"restart_s": usable - began}


def names(count: int) -> list[str]:
    """What the first so many devices are called."""
    return [f"{sort_of(number)} {number}" for number in range(count)]


def main() -> None:
    """Measure, print a table, and with --json one line of figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--forged", type=int, default=0, help="announcements within a minute")
    parser.add_argument("--folder", type=Path, help="where the journal is written; default: /tmp")
    chosen = parser.parse_args()
    if chosen.devices <= FEW:
        parser.error(f"--devices must be more than {FEW}, which it is compared with")
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix="octopus-bench-") as name:
        values = asyncio.run(measured(Path(name), chosen.devices, chosen.forged))
    table = Table(f"{chosen.devices} devices", "bar", "measured", "")
    for key, (what, unit, bar) in FIGURES.items():
        if (value := values.get(key)) is None:
            continue
        kept = "" if bar is None else "ok" if value <= bar else "[red]missed"
        table.add_row(what, "" if bar is None else f"≤ {bar:g} {unit}", f"{value:.2f} {unit}", kept)
    Console().print(table)
    if chosen.json:
        told = {key: round(values[key], 3) for key in FIGURES if key in values}
        print(json.dumps({"devices": chosen.devices, **told}))


if __name__ == "__main__":
    main()
