"""A phone that cannot be used as it is says the one thing that a person must do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device_adapters.adb import keys
from device_adapters.android import AndroidAdapter
from device_adapters.simulated.phone.adbd.auth import Trust
from device_adapters.simulated.phone.adbd.server import SimulatedPhone
from device_adapters.simulated.phone.makers import XIAOMI
from device_adapters.simulated.phone.manners import Manners
from device_adapters.simulated.phone.state import Phone
from orchestrator.registry import Registry
from schemas.device import Device, Kind
from schemas.errors import DeviceLocked, HubError
from schemas.state import DeviceState, Standing
from tests.broker import invocation

CONNECTED = Standing(state=DeviceState.CONNECTED)


@asynccontextmanager
async def approved(folder: Path, phone: SimulatedPhone) -> AsyncIterator[Registry]:
    """A registry with a phone that stands in the configuration."""
    registry = Registry(
        folder / "devices.json", {"adb": lambda d: AndroidAdapter(d, folder / "adbkey")}
    )
    address = {"host": "127.0.0.1", "port": str(phone.port)}
    registry.load((Device(id="p", kind=Kind.PHONE, name="Pixel", protocol="adb", address=address),))
    try:
        yield registry
    finally:
        await registry.close()


def standing(registry: Registry) -> Standing:
    return registry.standing(registry.approved[0])


async def test_a_phone_that_behaves_needs_nobody(tmp_path: Path) -> None:
    async with SimulatedPhone() as phone, approved(tmp_path, phone) as registry:
        assert standing(registry) == Standing(state=DeviceState.CONNECTING)
        await registry.connect("p")
        assert standing(registry) == CONNECTED


async def test_unauthorized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.load(tmp_path / "adbkey")  # making one takes a while
    monkeypatch.setattr("device_adapters.android.adapter.CONNECT_TIMEOUT", 2.0)
    async with SimulatedPhone(trust=Trust.ASK) as phone, approved(tmp_path, phone) as registry:
        with pytest.raises(HubError):
            await registry.connect("p")
        now = standing(registry)
        assert now.state is DeviceState.UNAUTHORIZED
        assert now.todo.startswith('unlock the phone, tick "Always allow" and tap Allow')
        phone.keys.allow()
        await registry.connect("p")
        assert standing(registry) == CONNECTED


async def test_offline_and_back(tmp_path: Path) -> None:
    async with SimulatedPhone() as phone, approved(tmp_path, phone) as registry:
        await registry.connect("p")
        await phone.unplug()
        with pytest.raises(HubError):
            await registry.reach("p", invocation("set_volume", volume_type="media", level=3))
        now = standing(registry)
        assert now.state is DeviceState.OFFLINE
        assert now.todo.startswith("see that the phone is on this network")
        assert not registry.connected("p")
        news = asyncio.Event()
        registry.on_change(news.set)
        await phone.plug()
        async with asyncio.timeout(10):
            while standing(registry) != CONNECTED:
                await news.wait()
                news.clear()


async def test_a_phone_that_leaves_while_nobody_asks_is_noticed(tmp_path: Path) -> None:
    async with SimulatedPhone() as phone, approved(tmp_path, phone) as registry:
        await registry.connect("p")
        # What a phone says after the last command is over is read by nobody.
        await registry.reach("p", invocation("set_volume", volume_type="media", level=3))
        news = asyncio.Event()
        registry.on_change(news.set)
        await phone.unplug()
        async with asyncio.timeout(10):
            while standing(registry).state is not DeviceState.OFFLINE:
                await news.wait()
                news.clear()


async def test_locked(tmp_path: Path) -> None:
    async with SimulatedPhone() as phone, approved(tmp_path, phone) as registry:
        await registry.connect("p")
        phone.state.awake, phone.state.locked, phone.state.secure = False, True, True
        with pytest.raises(DeviceLocked):
            await registry.reach("p", invocation("open_application", name="Settings"))
        assert standing(registry) == Standing(
            state=DeviceState.LOCKED, todo="unlock the phone first"
        )
        assert registry.connected("p"), "what needs no screen goes on"
        await registry.reach("p", invocation("set_volume", volume_type="media", level=3))
        phone.state.locked = False
        await registry.reach("p", invocation("open_application", name="Settings"))
        assert standing(registry) == CONNECTED


async def test_permission_missing(tmp_path: Path) -> None:
    state = Phone()
    state.permissions["READ_CONTACTS"] = False
    async with SimulatedPhone(state=state) as phone, approved(tmp_path, phone) as registry:
        await registry.connect("p")
        now = standing(registry)
        assert now.state is DeviceState.PERMISSION_MISSING
        assert "Developer options" in now.todo
        assert "create_contact" in now.todo
        assert "create_contact" not in registry.approved[0].functions


async def test_a_makers_second_switch(tmp_path: Path) -> None:
    state = Phone(name="Redmi Note 13", maker=XIAOMI, manners=Manners(input_blocked=True))
    async with SimulatedPhone(state=state) as phone, approved(tmp_path, phone) as registry:
        await registry.connect("p")
        now = standing(registry)
        assert now.state is DeviceState.PERMISSION_MISSING
        assert "USB debugging (Security settings)" in now.todo
    polite = Phone(name="Redmi Note 13", maker=XIAOMI)
    async with SimulatedPhone(state=polite) as phone, approved(tmp_path, phone) as registry:
        await registry.connect("p")
        assert standing(registry) == CONNECTED
