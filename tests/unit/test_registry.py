"""One phone is one device, a person approves it once, and each device says what it needs."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from device_adapters.base import Adapter
from orchestrator import connections as connections_module
from orchestrator import device_file
from orchestrator import registry as registry_module
from orchestrator.device_file import NotStored
from orchestrator.registry import NoSuchDevice, Registry
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import (
    DeviceLocked,
    DeviceNeedsPairing,
    DeviceNeedsPerson,
    DeviceUnauthorized,
    DeviceUnavailable,
    HubError,
    InvalidSettings,
)
from schemas.outcome import Done
from schemas.state import DeviceState, Standing
from tests.broker import invocation
from tests.discoverykit import Found
from tests.hubkit import ScriptedAdapter

PHONE = Device(
    id="adb-1", kind=Kind.PHONE, name="1", protocol="adb",
    address={"host": "h", "port": "1", "serial": "1"},
)  # fmt: skip
TV = Device(
    id="cast-1", kind=Kind.HOME, name="TV", protocol="homeassistant",
    address={"host": "h", "port": "1"},
)  # fmt: skip
PIXEL = Device(
    id="pixel", kind=Kind.PHONE, name="Pixel", protocol="adb", address={"host": "h", "port": "1"}
)


class Moving(ScriptedAdapter):
    """An adapter that follows its device to another address."""

    def __init__(self) -> None:
        super().__init__(frozenset({"take_a_photo"}))
        self.address: dict[str, str] = {}

    def moved(self, device: Device) -> bool:
        self.address = device.address
        return True


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Found]:
    found = Found(tmp_path)
    yield found
    await found.close()


def found_by(**address: str) -> Device:
    return PHONE.model_copy(update={"address": {**address, "serial": "1"}})


async def test_approving_says_why_a_device_is_not_connected(registry: Found) -> None:
    why = "the phone asks its owner to allow this hub"
    registry.adapter.refuses = DeviceNeedsPerson(why)
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    assert not registry.connected(PHONE.id)
    assert registry.problem(PHONE.id) == why
    registry.adapter.refuses = None
    await registry.approve(PHONE.id)
    assert registry.connected(PHONE.id)
    assert not registry.problem(PHONE.id)


async def test_what_is_configured_stays_and_names_are_one_devices_own(registry: Found) -> None:
    registry.load((PHONE.model_copy(update={"id": "hub", "name": "Hub", "address": {}}),))
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    with pytest.raises(HubError, match="stands in the configuration"):
        await registry.remove("hub")
    with pytest.raises(HubError, match="Hub stands in the configuration: change it there"):
        registry.rename("hub", "Octopus")
    with pytest.raises(HubError, match="another device is called 'hub'"):
        registry.rename(PHONE.id, "hub")
    with pytest.raises(HubError, match="another device is called 'HUB'"):
        registry.describe(PHONE.id, aliases=("mine", "HUB"))


async def test_a_flood_of_announcements_ends(registry: Found) -> None:
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    registry.propose(TV)
    for number in range(registry_module.MAX_PROPOSALS + 200):
        serial = {"serial": f"{number + 2}"}
        registry.propose(PHONE.model_copy(update={"id": f"forged-{number}", "address": serial}))
    assert len(registry.proposed) == registry_module.MAX_PROPOSALS
    assert registry.refused_proposals == 200
    assert registry.found(TV.id) == TV, "what waits stays"
    assert [device.id for device in registry.approved] == [PHONE.id]
    registry.propose(found_by(host="h", port="2"))
    assert registry.approved[0].address["port"] == "2", "what is approved still moves"
    mine = PHONE.model_copy(update={"id": "adb-mine", "address": {"serial": "mine"}})
    assert not registry.propose(mine)
    assert registry.vouch(mine) == "adb-mine", "a person's own is not kept out"
    registry.withdraw("forged-7")
    assert registry.propose(mine.model_copy(update={"id": "adb-other"}))


async def test_a_newcomer_is_found_once_a_flood_is_over(
    registry: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(registry_module.time, "monotonic", lambda: now)
    for number in range(2 * registry_module.MAX_PROPOSALS):
        registry.propose(TV.model_copy(update={"id": f"forged-{number}"}))
    assert not registry.propose(TV)
    now += 60.0
    assert registry.propose(TV)
    assert registry.found(TV.id) == TV
    assert len(registry.proposed) == registry_module.MAX_PROPOSALS


async def test_a_device_that_cannot_prove_who_it_is_moves_with_a_persons_word(
    registry: Found,
) -> None:
    registry.propose(TV)
    await registry.approve("TV")
    moved = TV.model_copy(update={"address": {"host": "h2", "port": "1"}})
    registry.propose(moved)
    assert registry.approved[0].address == TV.address
    assert registry.standing(registry.approved[0]).state is DeviceState.CONNECTED
    registry.adapter.notice = Standing(state=DeviceState.OFFLINE)
    assert registry.standing(registry.approved[0]) == Standing(
        state=DeviceState.OFFLINE,
        todo="if it has moved: octopus devices approve TV, and the hub follows it",
    )
    registry.propose(TV)
    assert "if it has moved" not in registry.standing(registry.approved[0]).todo, "it is back"
    registry.propose(moved)
    registry.adapter.notice = None
    await registry.approve("TV")
    assert registry.approved[0].address == moved.address
    assert registry.proposed == ()


async def test_one_that_proves_itself_moves_by_itself_once_it_was_met(tmp_path: Path) -> None:
    """Until then nothing was proved: who announces the same name could be anybody."""
    office = Device(
        id="ssh-office", kind=Kind.PC, name="office", protocol="ssh", address={"host": "h"}
    )
    moved = office.model_copy(update={"address": {"host": "h2"}})
    adapter = ScriptedAdapter(frozenset({"lock_screen"}))
    adapter.refuses = DeviceUnavailable("off")
    registry = Registry(tmp_path / "devices.json", {"ssh": lambda _: adapter}, {"ssh"})
    registry.propose(office)
    await registry.approve("office")
    registry.propose(moved)
    assert registry.approved[0].address == {"host": "h"}
    adapter.refuses = None
    await registry.connect("ssh-office")
    registry.propose(moved)
    assert registry.approved[0].address == {"host": "h2"}
    await registry.close()


async def test_an_announcement_as_another_kind_lends_no_functions(registry: Found) -> None:
    registry.propose(TV)
    await registry.approve("TV")
    known = registry.approved[0].functions
    registry.propose(TV.model_copy(update={"kind": Kind.PHONE, "functions": ("make_phone_call",)}))
    assert registry.approved[0].functions == known


async def test_an_announcement_of_another_kind_changes_no_approved_device(registry: Found) -> None:
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    kept = registry.approved
    forged = PHONE.model_copy(update={"protocol": "homeassistant", "address": {"ha": "evil"}})
    assert not registry.propose(forged)
    assert registry.approved == kept
    assert registry.proposed == ()


async def test_an_announcement_moves_no_device_of_the_configuration(registry: Found) -> None:
    registry.load((PHONE,))
    registry.propose(found_by(host="evil", port="2", usb="1"))
    assert registry.approved[0].address == {**PHONE.address, "usb": "1"}


async def test_a_phone_of_the_configuration_takes_in_what_is_found_of_it(registry: Found) -> None:
    registry.load((PIXEL,))
    registry.propose(found_by(usb="1"))
    assert [device.id for device in registry.proposed] == ["adb-1"], "nobody knows it is the same"
    registry.adapter.identity = "1"
    await registry.connect("pixel")
    assert registry.proposed == ()
    assert registry.approved[0].address == {**PIXEL.address, "usb": "1", "serial": "1"}

    registry.propose(found_by(host="h2", port="2", tls_host="h", tls_port="3"))
    (only,) = registry.approved
    assert only.address == {
        "host": "h", "port": "1", "usb": "1", "serial": "1", "tls_host": "h", "tls_port": "3",
    }  # fmt: skip
    assert registry.proposed == ()
    assert registry.vouch(found_by(usb="1")) == "pixel"


async def test_a_phone_that_stands_there_by_its_serial_number_is_known(registry: Found) -> None:
    registry.load((PIXEL.model_copy(update={"address": {"serial": "1"}}),))
    registry.propose(found_by(usb="1"))
    assert registry.proposed == ()
    assert registry.approved[0].address == {"usb": "1", "serial": "1"}


async def test_another_way_interrupts_nothing(tmp_path: Path) -> None:
    adapter = Moving()
    registry = Registry(tmp_path / "devices.json", {"adb": lambda _: adapter})
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    registry.propose(found_by(usb="1"))
    assert registry.connected(PHONE.id)
    assert not adapter.closed
    assert adapter.address == {**PHONE.address, "usb": "1"}
    await registry.close()


async def test_a_new_name_interrupts_nothing(tmp_path: Path) -> None:
    adapter = Moving()
    registry = Registry(tmp_path / "devices.json", {"adb": lambda _: adapter})
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    registry.rename(PHONE.id, "Pixel")
    assert not registry.connections._tasks
    assert registry.connected(PHONE.id)
    assert not adapter.closed
    await registry.close()


async def test_an_adapter_that_knows_the_old_name_is_made_anew(registry: Found) -> None:
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    registry.rename(PHONE.id, "Pixel")
    await registry.until(lambda: not registry.connected(PHONE.id))
    assert registry.adapter.closed


async def test_a_full_disk_keeps_no_removed_device_connected(
    registry: Found, tmp_path: Path
) -> None:
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    (tmp_path / "devices.partial").mkdir()  # whoever writes there fails
    with pytest.raises(NotStored):
        await registry.remove(PHONE.id)
    assert not registry.connected(PHONE.id)
    assert registry.adapter.closed


async def test_an_adapter_that_does_not_follow_is_made_anew(registry: Found) -> None:
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    registry.propose(found_by(host="h", port="2"))
    await registry.until(lambda: not registry.connected(PHONE.id))
    assert registry.adapter.closed


async def test_an_announcement_that_comes_while_it_is_tried_is_heeded(
    registry: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections_module, "KEEP_TRYING", 3600.0)
    monkeypatch.setattr(connections_module, "HINTED_AFTER", 0.0)
    trying, go_on = asyncio.Event(), asyncio.Event()

    async def connect() -> frozenset[str]:
        if not go_on.is_set():
            trying.set()
            await go_on.wait()
            raise DeviceUnavailable
        return frozenset()

    registry.propose(PHONE)
    registry.adapter.refuses = DeviceUnavailable()
    await registry.approve(PHONE.id)
    monkeypatch.setattr(registry.adapter, "connect", connect)
    registry.keep_connecting()
    registry.propose(PHONE)
    await trying.wait()
    registry.propose(PHONE)
    go_on.set()
    await registry.until(lambda: registry.connected(PHONE.id))


async def test_a_thousand_devices_are_kept_in_few_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write = device_file.write

    def counted(file: Path, devices: Iterable[Device]) -> None:
        listed = tuple(devices)
        written.append(len(listed))
        write(file, listed)

    monkeypatch.setattr(device_file, "write", counted)
    registry = Found(tmp_path)
    ids = [f"phone-{number}" for number in range(400)]
    for identity in ids:
        registry.propose(PHONE.model_copy(update={"id": identity, "address": {"usb": identity}}))
    await asyncio.gather(*map(registry.approve, ids))
    await registry.close()
    assert len(written) < 10
    again = Found(tmp_path)
    again.load()
    assert [device.id for device in again.approved] == ids
    assert all(device.functions for device in again.approved)


async def test_an_announcement_brings_a_device_back_at_once(
    registry: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections_module, "KEEP_TRYING", 3600.0)
    monkeypatch.setattr(connections_module, "HINTED_AFTER", 0.0)
    registry.adapter.refuses = DeviceUnavailable()
    registry.load((PHONE,))
    registry.keep_connecting()
    await registry.until(lambda: registry.problem(PHONE.id) != "")
    registry.adapter.refuses = None
    registry.propose(PHONE)
    await registry.until(lambda: registry.connected(PHONE.id))


@pytest.mark.parametrize(
    ("address", "trouble", "standing"),
    [
        ({}, DeviceUnauthorized(), (DeviceState.UNAUTHORIZED, "tap Allow")),
        ({}, DeviceNeedsPairing(), (DeviceState.NEEDS_PAIRING, "octopus pair")),
        ({}, DeviceNeedsPerson("wake it"), (DeviceState.NEEDS_PERSON, "wake it")),
        ({}, DeviceUnavailable(), (DeviceState.OFFLINE, "on this network")),
        ({"tls": "x"}, DeviceUnavailable(), (DeviceState.OFFLINE, "switch on Wireless debugging")),
        ({}, ValueError("oops"), (DeviceState.BROKEN, "see the log")),
    ],
)
async def test_a_device_that_is_not_connected_says_the_one_thing_to_do(
    tmp_path: Path,
    address: dict[str, str],
    trouble: Exception,
    standing: tuple[DeviceState, str],
) -> None:
    class Refusing(ScriptedAdapter):
        async def connect(self) -> frozenset[str]:
            raise trouble

    registry = Registry(tmp_path / "devices.json", {"adb": lambda _: Refusing(frozenset())})
    device = found_by(host="h", port="1", **address)
    registry.load((device,))
    assert registry.standing(device) == Standing(state=DeviceState.CONNECTING)
    with pytest.raises(type(trouble)):
        await registry.connect(device.id)
    now = registry.standing(registry.approved[0])
    assert now.state == standing[0]
    assert standing[1] in now.todo


async def test_of_a_lamp_of_home_assistants_it_is_said_what_is_away(tmp_path: Path) -> None:
    class Away(ScriptedAdapter):
        async def connect(self) -> frozenset[str]:
            raise DeviceUnavailable("Home Assistant at http://ha cannot be reached: no answer")

    registry = Registry(tmp_path / "devices.json", {"hass": lambda _: Away(frozenset())})
    lamp = Device(id="l", kind=Kind.HOME, name="Lamp", protocol="hass", address={"hass": "l"})
    registry.load((lamp,))
    with pytest.raises(DeviceUnavailable):
        await registry.connect("l")
    assert registry.standing(registry.approved[0]) == Standing(
        state=DeviceState.OFFLINE,
        todo="Home Assistant at http://ha cannot be reached: no answer",
    )
    await registry.close()


async def test_a_locked_phone_says_so_until_it_does_what_it_refused(registry: Found) -> None:
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    locked = True

    async def call(asked: Invocation) -> Done:
        if locked and asked.function == "take_a_photo":
            raise DeviceLocked
        return await ScriptedAdapter.succeed(asked)

    registry.adapter._call = call
    (phone,) = registry.approved
    with pytest.raises(DeviceLocked):
        await registry.reach(PHONE.id, invocation("take_a_photo"))
    assert registry.standing(phone) == Standing(
        state=DeviceState.LOCKED, todo="unlock the phone first"
    )
    await registry.reach(PHONE.id, invocation("set_volume"))
    assert registry.standing(phone).state is DeviceState.LOCKED, "that needs no screen"
    locked = False
    await registry.reach(PHONE.id, invocation("take_a_photo"))
    assert registry.standing(phone) == Standing(state=DeviceState.CONNECTED)


async def test_what_a_connected_phone_may_not_do_is_said(registry: Found) -> None:
    missing = Standing(state=DeviceState.PERMISSION_MISSING, todo="switch it on")
    registry.adapter.notice = missing
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    assert registry.connected(PHONE.id)
    assert registry.standing(registry.approved[0]) == missing


async def test_a_connection_that_broke_is_made_again_by_the_same_adapter(registry: Found) -> None:
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    registry.adapter.notice = Standing(state=DeviceState.OFFLINE)
    assert not registry.connected(PHONE.id)
    assert registry.standing(registry.approved[0]).todo.startswith("see that the phone is on")

    registry.adapter.refuses = DeviceUnavailable("still away")
    with pytest.raises(DeviceUnavailable):
        await registry.connect(PHONE.id)
    assert registry.problem(PHONE.id) == "still away"
    registry.adapter.notice = None  # it came back by itself
    assert registry.standing(registry.approved[0]) == Standing(state=DeviceState.CONNECTED)
    assert registry.problem(PHONE.id) == ""
    registry.adapter.notice = Standing(state=DeviceState.OFFLINE)

    async def connect() -> frozenset[str]:
        registry.adapter.notice = None
        return frozenset({"set_volume"})

    registry.adapter.connect = connect  # type: ignore[method-assign]
    await registry.connect(PHONE.id)
    assert registry.connected(PHONE.id)
    assert registry.approved[0].functions == ("set_volume",)
    assert not registry.adapter.closed


@pytest.mark.parametrize(
    ("address", "todo"),
    [
        ({"usb": "1"}, "octopus devices approve 1"),
        ({"tls": "adb-1-abcdef", "tls_host": "h", "tls_port": "1"}, "octopus pair"),
        ({"tls": "adb-1-abcdef", "usb": "1"}, "octopus devices approve 1"),
    ],
)
def test_what_was_found_says_what_to_do_next(
    tmp_path: Path, address: dict[str, str], todo: str
) -> None:
    registry = Found(tmp_path)
    device = found_by(**address)
    registry.propose(device)
    assert registry.standing(device) == Standing(state=DeviceState.FOUND, todo=todo)


@pytest.mark.parametrize("name", ["Pixel 8", "a;reboot", "it's", "$(reboot)"])
def test_what_is_to_be_typed_is_one_word(tmp_path: Path, name: str) -> None:
    """Whoever announces a device chooses its name, and a person copies the line."""
    todo = Found(tmp_path).standing(PHONE.model_copy(update={"name": name})).todo
    line = f"printf '%s\\n' {todo}"
    said = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["octopus", "devices", "approve", name]


async def test_approval_lasts_over_a_restart(registry: Found, tmp_path: Path) -> None:
    with pytest.raises(NoSuchDevice):
        await registry.approve("adb-1")
    registry.propose(PHONE)
    other = {"id": "adb-2", "name": "2", "address": {**PHONE.address, "serial": "2"}}
    registry.propose(PHONE.model_copy(update=other))
    await registry.approve("adb-1")
    registry.rename("adb-1", "Pixel")
    registry.describe("Pixel", aliases=("my phone", "Pixel", "my phone"), room="kitchen")
    registry.describe("MY phone", default=True)
    await registry.close()

    again = Found(tmp_path)
    again.load()
    (pixel,) = again.approved
    assert (pixel.aliases, pixel.room, pixel.default) == (("my phone",), "kitchen", True)
    assert again.describe("Pixel", room="", default=False).room is None
    assert [(d.id, d.name, d.approved) for d in again.approved] == [("adb-1", "Pixel", True)]
    assert again.proposed == ()
    await again.reach("adb-1", invocation("take_a_photo"))
    await again.remove("Pixel")
    last = Found(tmp_path)
    last.load()
    assert last.approved == ()


async def test_a_device_removed_while_it_connects_is_not_connected(tmp_path: Path) -> None:
    under_way, go_on = asyncio.Event(), asyncio.Event()

    class Slow(ScriptedAdapter):
        async def connect(self) -> frozenset[str]:
            under_way.set()
            await go_on.wait()
            return self.functions

    made: list[Adapter] = []

    def factory(_: Device) -> Adapter:
        made.append(Slow(frozenset()))
        return made[-1]

    registry = Registry(tmp_path / "devices.json", {"adb": factory})
    registry.propose(PHONE)
    approving = asyncio.create_task(registry.approve(PHONE.id))
    await under_way.wait()
    removing = asyncio.create_task(registry.remove(PHONE.id))
    go_on.set()
    with pytest.raises(NoSuchDevice):
        await approving
    await removing
    assert not registry.connected(PHONE.id)
    assert [adapter.closed for adapter in made if isinstance(adapter, Slow)] == [True]
    await registry.close()


async def test_a_removed_device_that_is_there_can_be_approved_again(registry: Found) -> None:
    registry.propose(PHONE)
    await registry.approve(PHONE.id)
    await registry.remove(PHONE.id)
    assert registry.proposed == (PHONE,)
    await registry.approve(PHONE.id)
    registry.propose(found_by(usb="1"))
    await registry.remove(PHONE.id)
    assert registry.proposed == (found_by(usb="1"),)
    await registry.approve(PHONE.id)
    registry.withdraw(PHONE.id)
    await registry.remove(PHONE.id)
    assert registry.proposed == ()


async def test_one_of_each_kind_is_the_default(registry: Found) -> None:
    registry.load((PIXEL.model_copy(update={"id": "old", "name": "Old", "kind": Kind.PC}),))
    for device in (PHONE, TV, found_by(usb="2").model_copy(update={"id": "adb-2", "name": "2"})):
        registry.propose(device.model_copy(update={"address": {"serial": device.id}}))
        await registry.approve(device.id)
        registry.describe(device.id, default=True)
    assert {d.id for d in registry.approved if d.default} == {"cast-1", "adb-2"}
    assert registry.describe("adb-2", default=True).default
    assert {d.id for d in registry.approved if d.default} == {"cast-1", "adb-2"}

    registry.load((PIXEL.model_copy(update={"default": True}),))
    with pytest.raises(HubError, match="Pixel is the default in the configuration"):
        registry.describe("adb-2", default=True)


@pytest.mark.parametrize("content", [b"", b"{", b'[{"id": 1}]', b"\xff"])
async def test_a_damaged_file_is_named_in_one_line(
    registry: Found, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "devices.json").write_bytes(content)
    with pytest.raises(InvalidSettings, match=r"devices\.json is damaged: .*remove it") as caught:
        registry.load()
    assert "\n" not in str(caught.value)
