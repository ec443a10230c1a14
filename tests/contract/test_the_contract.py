"""The contract suite finds what is wrong with an adapter, and nothing wrong with a right one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device_adapters.base import Adapter
from device_adapters.driver import Driver, Options, Service
from device_adapters.testing import AdapterContract, Bench, bare_site
from schemas.call import Invocation, Restore
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence

HALL = Device(id="hall", kind=Kind.HOME, name="Hall", protocol="lamp", address={"host": "h"})
DONE = Done(evidence=Evidence.VERIFIED, detail="Switched Hall on")


@pytest.fixture(autouse=True)
def no_tasks_left_and_loop_free() -> None:
    """The contract looks at its own loops."""


class Lamp(Adapter):
    """A right adapter, for a lamp that is there or not."""

    there = True

    def __init__(self, device: Device) -> None:
        self.device = device

    async def connect(self) -> frozenset[str]:
        self.require()
        return frozenset({"turn_on"})

    def moved(self, device: Device) -> bool:
        self.device = device
        return True

    async def call(self, invocation: Invocation) -> Done:
        if invocation.function != "turn_on":
            raise DeviceRefused(f"{self.device.name} cannot {invocation.function}")
        self.require()
        await asyncio.sleep(0)
        return DONE

    def require(self) -> None:
        if not Lamp.there:
            raise DeviceUnavailable(f"{self.device.name} is away; nothing was sent")

    async def close(self) -> None:
        """It holds nothing."""


class LampDriver(Driver):
    needs = (frozenset({"host"}),)
    services = ("_lamp._tcp.local.",)
    made: type[Lamp] = Lamp

    def adapter(self, device: Device) -> Adapter:
        return self.made(device)

    def recognise(self, service: Service) -> Device | None:
        if not service.name.isascii() or not 0 < len(service.name) < 64:
            return None
        return Device(id=f"lamp-{service.name}", kind=Kind.HOME, name="Lamp", protocol="lamp",
                      address={"host": service.host}, functions=("turn_on",))  # fmt: skip


class Contract(AdapterContract):
    driver, protocol, patience = LampDriver, "lamp", 0.3
    calls = {"turn_on": {"name": "Hall"}}

    @asynccontextmanager
    async def bench(self, folder: Path) -> AsyncIterator[Bench]:
        async def leave() -> None:
            Lamp.there = False

        async def come_back() -> None:
            Lamp.there = True

        Lamp.there = True
        yield Bench(HALL, bare_site(folder), leave=leave, come_back=come_back)


class TestARightAdapter(Contract):
    """Nothing is found."""


def adapter(**methods: Any) -> type[Driver]:
    """A driver whose adapter does some things differently."""
    return type("Wrong", (LampDriver,), {"made": type("WrongLamp", (Lamp,), methods)})


def driver(**members: Any) -> type[Driver]:
    return type("Wrong", (LampDriver,), members)


async def _other_functions(self: Lamp) -> frozenset[str]:
    return frozenset({"turn_on", "make_coffee"})


async def _bug(self: Lamp, invocation: Invocation) -> Done:
    raise KeyError(invocation.function)


async def _nothing(self: Lamp, invocation: Invocation) -> None:
    return None


async def _two_lines(self: Lamp, invocation: Invocation) -> Done:
    return Done(evidence=Evidence.VERIFIED, detail="one\ntwo")


async def _refuses_without_a_name(self: Lamp, invocation: Invocation) -> Done:
    if invocation.function != "turn_on":
        raise DeviceRefused("cannot")
    return DONE


async def _late(self: Lamp, invocation: Invocation) -> Done:
    await asyncio.sleep(5)
    return DONE


async def _blocks(self: Lamp, invocation: Invocation) -> Done:
    time.sleep(0.3)  # noqa: ASYNC251 (what is to be found)
    await asyncio.sleep(0.05)
    return DONE


async def _does_it_when_away(self: Lamp, invocation: Invocation) -> Done:
    return DONE


async def _one_at_a_time(self: Lamp, invocation: Invocation) -> Done:
    if getattr(self, "busy", False):
        raise DeviceRefused("Hall is busy")
    self.busy = True
    await asyncio.sleep(0.01)
    self.busy = False
    return DONE


async def _leaves_a_task(self: Lamp) -> frozenset[str]:
    self.left = asyncio.create_task(asyncio.sleep(5.5))
    return frozenset({"turn_on"})


async def _wrong_look(self: Lamp, invocation: Invocation) -> Restore:
    return Restore(function="make_coffee", arguments={})


async def _once(self: Lamp) -> None:
    assert not getattr(self, "closed", False)
    self.closed = True


def _changes_its_mind(self: LampDriver, service: Service) -> Device:
    self.times = getattr(self, "times", 0) + 1
    return HALL.model_copy(update={"id": str(self.times)})


def _by_place(self: LampDriver, service: Service) -> Device:
    return HALL.model_copy(update={"id": f"{service.host}:{service.port}"})


def _approves(self: LampDriver, service: Service) -> Device:
    return HALL.model_copy(update={"approved": True})


def _trusts(self: LampDriver, service: Service) -> Device:
    return HALL.model_copy(update={"name": service.properties["name"]})


WRONG = {
    "lenient options": (
        driver(options=type("Lenient", (Options,), {"model_config": {"extra": "allow"}})),
        "its_options_have_defaults_and_refuse_unknown_keys",
    ),
    "needs a list": (driver(needs=(["host"],)), "its_needs_are_sets_of_keys"),
    "needs more": (
        driver(needs=(frozenset({"host", "key"}),)), "the_address_on_the_bench_is_enough",
    ),
    "serves no function": (
        adapter(connect=_other_functions), "it_serves_functions_of_the_catalogue",
    ),
    "raises": (adapter(call=_bug), "a_call_is_done_with_evidence_and_said_in_one_line"),
    "gives nothing": (
        adapter(call=_nothing), "a_call_is_done_with_evidence_and_said_in_one_line",
    ),
    "two lines": (adapter(call=_two_lines), "a_call_is_done_with_evidence_and_said_in_one_line"),
    "does what it has not": (
        adapter(call=_does_it_when_away), "an_unknown_function_is_refused_by_the_devices_name",
    ),
    "refuses without a name": (
        adapter(call=_refuses_without_a_name),
        "an_unknown_function_is_refused_by_the_devices_name",
    ),
    "late": (adapter(call=_late), "a_call_ends_in_its_time"),
    "blocks": (adapter(call=_blocks), "a_call_is_done_with_evidence_and_said_in_one_line"),
    "claims": (adapter(call=_does_it_when_away), "a_device_that_is_away_is_told_and_comes_back"),
    "one at a time": (adapter(call=_one_at_a_time), "calls_may_overlap"),
    "stuck": (adapter(call=_one_at_a_time), "a_cancelled_call_leaves_it_usable"),
    "wrong look": (
        adapter(present=_wrong_look), "looking_at_what_would_change_is_a_call_or_nothing",
    ),
    "closes once": (adapter(close=_once), "closing_twice_is_no_harm"),
    "another device": (
        driver(recognise=_changes_its_mind), "hostile_announcements_are_read_and_change_nothing",
    ),
    "known by its place": (
        driver(recognise=_by_place), "hostile_announcements_are_read_and_change_nothing",
    ),
    "approves itself": (
        driver(recognise=_approves), "hostile_announcements_are_read_and_change_nothing",
    ),
    "believes": (driver(recognise=_trusts), "hostile_announcements_are_read_and_change_nothing"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_found(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_adapters.testing.running._HELD", 0.2)
    monkeypatch.setattr("device_adapters.testing.checks._LATE", 0.2)
    found, name = WRONG[wrong]
    contract = type("Wrong", (Contract,), {"driver": found})()
    test = getattr(contract, f"test_{name}")
    folder = () if name.startswith("its_") else (tmp_path,)
    with pytest.raises((AssertionError, KeyError, pytest.fail.Exception)):
        test(*folder)


def test_what_is_left_running_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device_adapters.testing.running._SETTLE", 0.1)
    contract = type("Wrong", (Contract,), {"driver": adapter(connect=_leaves_a_task)})()
    with pytest.raises(AssertionError, match="every task to end"):
        contract.test_closing_twice_is_no_harm(tmp_path)
