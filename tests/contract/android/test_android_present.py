"""A phone says how it is before a call changes it, and is so again after the undo."""

import copy

import pytest

from device_adapters.android import AndroidAdapter
from device_adapters.simulated.phone import Fault, Manner, SimulatedPhone, settings
from device_adapters.simulated.phone.manners import Manners
from device_adapters.simulated.phone.state import Volume
from schemas.base import Scalar
from schemas.call import Restore
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Evidence
from tests.contract.android.android_kit import invocation
from tests.contract.undoing import undo


@pytest.mark.parametrize(
    ("function", "arguments", "now"),
    [
        ("set_volume", {"level": 9, "volume_type": "media"}, {"level": 3}),
        ("set_volume", {"level": 9, "volume_type": None}, {"level": 3}),
        ("set_volume", {"level": 9, "volume_type": "ring"}, {"level": 7}),
        ("set_volume", {"level": 2, "volume_type": "alarm"}, {"level": 8}),
        ("change_screen_brightness", {"level": 9}, {"level": 4}),
        ("enable_do_not_disturb", {"enabled": True}, {"enabled": False}),
    ],
)
async def test_what_was_before_a_call_comes_back(
    phone: SimulatedPhone,
    adapter: AndroidAdapter,
    function: str,
    arguments: dict[str, Scalar | None],
    now: dict[str, Scalar],
) -> None:
    phone.state.settings["system"]["screen_brightness_mode"] = "0"
    before = copy.deepcopy((phone.state.settings, phone.state.volumes))
    restore = await adapter.present(invocation(function, **arguments))
    assert restore == Restore(function=function, arguments=arguments | now)
    assert before == (phone.state.settings, phone.state.volumes)
    await adapter.call(invocation(function, **arguments))
    assert before != (phone.state.settings, phone.state.volumes)
    assert (await undo(adapter, restore)).evidence is Evidence.VERIFIED
    assert before == (phone.state.settings, phone.state.volumes)


async def test_do_not_disturb_that_was_on_comes_back(
    phone: SimulatedPhone, adapter: AndroidAdapter
) -> None:
    for zen in ("1", "2", "3"):  # priority only, nothing, alarms only
        phone.state.settings["global"]["zen_mode"] = zen
        call = invocation("enable_do_not_disturb", enabled=False)
        restore = await adapter.present(call)
        assert restore
        await adapter.call(call)
        await undo(adapter, restore)
        assert phone.state.settings["global"]["zen_mode"] == "1"


@pytest.mark.parametrize("index", range(26))
async def test_a_finer_scale_comes_back_as_near_as_levels_go(
    phone: SimulatedPhone, adapter: AndroidAdapter, index: int
) -> None:
    phone.state.volumes[3] = Volume(index, 0, 25)
    restore = await adapter.present(invocation("set_volume", level=None, volume_type="media"))
    assert restore
    await undo(adapter, restore)
    assert abs(phone.state.volumes[3].index - index) <= 1


async def test_an_automatic_brightness_is_told_as_its_level(
    phone: SimulatedPhone, adapter: AndroidAdapter
) -> None:
    assert phone.state.settings["system"]["screen_brightness_mode"] == "1"
    restore = await adapter.present(invocation("change_screen_brightness", level=None))
    assert restore == Restore(function="change_screen_brightness", arguments={"level": 4})


@pytest.mark.parametrize(
    ("function", "asked", "said"),
    [
        ("change_screen_brightness", "screen_brightness", "null"),
        ("change_screen_brightness", "screen_brightness", "2047"),  # counts to 4095
        ("enable_do_not_disturb", "zen_mode", "null"),
    ],
)
async def test_what_a_phone_does_not_tell(
    phone: SimulatedPhone, adapter: AndroidAdapter, function: str, asked: str, said: str
) -> None:
    phone.inject(Fault(asked, Manner.ANSWER, stdout=f"{said}\n"))
    assert await adapter.present(invocation(function)) is None


async def test_a_makers_scale_is_not_read_as_androids(
    phone: SimulatedPhone, adapter: AndroidAdapter
) -> None:
    phone.state.manners = Manners(brightest=4095)
    settings.set_brightness(phone.state, 200 / 4095)
    assert await adapter.present(invocation("change_screen_brightness")) is None


async def test_most_functions_have_no_way_back(adapter: AndroidAdapter) -> None:
    assert await adapter.present(invocation("lock_screen")) is None
    assert await adapter.present(invocation("honk_and_flash")) is None


async def test_a_phone_that_complains_or_is_gone(
    phone: SimulatedPhone, adapter: AndroidAdapter
) -> None:
    phone.inject(Fault("--get", Manner.ANSWER, stdout="[E] invalid stream\n"))
    with pytest.raises(DeviceRefused):
        await adapter.present(invocation("set_volume", level=3))
    await phone.unplug()
    with pytest.raises(DeviceUnavailable):
        await adapter.present(invocation("set_volume", level=3))
