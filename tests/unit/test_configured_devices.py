"""Devices of devices.toml that come, change and go while the hub runs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator import device_file
from schemas.device import Device, Kind
from schemas.errors import DeviceUnavailable
from tests.discoverykit import Found

TABLET = Device(
    id="tablet", kind=Kind.PHONE, name="Tablet", protocol="adb",
    address={"host": "192.0.2.1", "port": "5555"},
)  # fmt: skip
LAMP = Device(id="lamp", kind=Kind.HOME, name="Lamp", protocol="homeassistant", address={"ha": "1"})


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Found]:
    made = Found(tmp_path)
    made.load((TABLET,))
    await made.connections.connect("tablet")
    yield made
    await made.close()


def changed(device: Device, **update: object) -> Device:
    return device.model_copy(update=update)


async def test_one_that_stays_as_it_is_keeps_its_connection(registry: Found) -> None:
    registry.reconfigure((TABLET, LAMP))
    assert registry.connected("tablet")
    assert registry.names() == {"tablet": "Tablet", "lamp": "Lamp"}
    assert registry.approved[0].functions == ("take_a_photo",), "what it learned of it stays"


async def test_one_that_comes_is_connected_at_once(registry: Found) -> None:
    registry.keep_connecting()
    registry.reconfigure((TABLET, LAMP))
    await registry.until(lambda: registry.connected("lamp"))


async def test_another_address_is_another_connection(registry: Found) -> None:
    moved = changed(TABLET, address={"host": "192.0.2.2", "port": "5555"})
    registry.keep_connecting()
    registry.reconfigure((moved,))
    await registry.until(lambda: registry.adapter.closed and registry.connected("tablet"))
    assert registry.approved[0].address["host"] == "192.0.2.2"


async def test_another_room_is_no_other_connection(registry: Found) -> None:
    registry.adapter.moved = lambda _: True  # type: ignore[method-assign]
    registry.reconfigure((changed(TABLET, room="kitchen", aliases=("slate",)),))
    assert registry.connected("tablet")
    assert registry.approved[0].room == "kitchen"
    assert "slate" in registry.called()
    assert registry.approved[0].functions == ("take_a_photo",)


async def test_one_that_goes_is_let_go(registry: Found, tmp_path: Path) -> None:
    registry.propose(LAMP)
    await registry.approve("lamp")
    registry.reconfigure(())
    assert registry.names() == {"lamp": "Lamp"}, "what a person approved stays"
    await registry.until(lambda: not registry.connected("tablet"))
    await registry.close()
    assert [device.id for device in device_file.read(tmp_path / "devices.json")] == ["lamp"]


async def test_one_that_goes_and_is_still_announced_may_be_approved(registry: Found) -> None:
    registry.propose(TABLET)
    registry.reconfigure(())
    assert [device.id for device in registry.proposed] == ["tablet"]


@pytest.mark.parametrize("identity", ["lamp", "desk-lamp"])
async def test_one_that_was_proposed_is_no_longer_once_it_is_written_down(
    registry: Found, identity: str
) -> None:
    registry.propose(changed(LAMP, approved=False, address={"ha": "1", "serial": "L1"}))
    written = changed(LAMP, id=identity, name="Desk lamp", address={"ha": "1", "serial": "L1"})
    registry.reconfigure((TABLET, written))
    assert registry.proposed == (), "nobody can approve it over what stands in the configuration"
    assert registry.names() == {"tablet": "Tablet", identity: "Desk lamp"}


async def test_one_that_is_written_down_otherwise_while_it_connects_is_not_driven_the_old_way(
    registry: Found,
) -> None:
    connecting, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> frozenset[str]:
        connecting.set()
        await go_on.wait()
        return frozenset({"take_a_photo"})

    registry.reconfigure((TABLET, LAMP))
    registry.adapter.connect = slow  # type: ignore[method-assign]
    trying = asyncio.create_task(registry.connections.connect("lamp"))
    await connecting.wait()
    registry.reconfigure((TABLET, changed(LAMP, protocol="adb")))
    go_on.set()
    with pytest.raises(DeviceUnavailable, match="moved while connecting"):
        await trying
    assert not registry.connected("lamp")
