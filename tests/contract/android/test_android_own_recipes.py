"""A household's own recipe that is wrong on the way: the engine claims no more than it knows."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from device_adapters.android import AndroidAdapter, cookbook
from device_adapters.simulated.phone import SimulatedPhone
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUncertain
from schemas.outcome import Evidence
from tests.contract.android.android_kit import invocation

Own = Callable[[str], AndroidAdapter]

PLAY = """{ tell = ["cmd", "media_session", "dispatch", "play"] }"""
LOOK = """{ ask = ["getprop", "ro.product.model"], says = "Pixel 9", else = "next" }"""


@pytest.fixture
async def own(phone: SimulatedPhone, key: Path, tmp_path: Path) -> AsyncIterator[Own]:
    """An adapter with recipes of one's own: their steps, and what follows them."""
    made: list[AndroidAdapter] = []

    def make(steps: str) -> AndroidAdapter:
        head = '[[recipe]]\nfunction = "beep"\ndone = "Beeped"\n'
        (tmp_path / "own.toml").write_text(f"{head}steps = [{steps}")
        at = {"host": "127.0.0.1", "port": str(phone.port)}
        device = Device(id="pixel", kind=Kind.PHONE, name="Pixel", protocol="adb", address=at)
        book = cookbook.load(tmp_path)
        made.append(AndroidAdapter(device, key, patience=0.0, cookbook=book))
        return made[-1]

    yield make
    for adapter in made:
        await adapter.close()


@pytest.mark.parametrize(
    "after",
    [
        LOOK,  # another variant would do it twice
        '{ see = ["getprop", "ro.product.model"], says = "{modell}" }',
        '{ let = { x = "{modell | plus 1}" } }',
        '{ see = ["getprop", "ro.product.model"], says = "Pixel 9" }',
        '{ tell = ["getprop", "ro.product.model"], says = "Pixel 9" }',
        '{ new = "some" }',
    ],
)
async def test_what_was_done_is_not_denied(phone: SimulatedPhone, own: Own, after: str) -> None:
    never = """{ rows = "some", uri = "content://sms/sent", where = "1", when = { a = "b" } }"""
    other = '[[recipe]]\nfunction = "beep"\ndone = ""\nsteps = [' + PLAY
    adapter = own(f"{never}, {PLAY}, {after}]\n{other}]\n")
    with pytest.raises(DeviceUncertain):
        await adapter.call(invocation("beep"))
    assert phone.state.media_keys == ["play"]


@pytest.mark.parametrize(
    "broken",
    [
        '{ tell = ["cmd", "media_session", "dispatch", "{keey}"] }',
        '{ tell = ["cmd", "media_session", "dispatch", "play"], says = "{keey}" }',
        '{ let = { x = "{key | divided 0}" } }',
        '{ let = { x = "{key | map play}" } }',
        '{ let = { x = "{key | hour}" } }',
    ],
)
async def test_a_value_that_nobody_gives(phone: SimulatedPhone, own: Own, broken: str) -> None:
    with pytest.raises(DeviceRefused, match=r"key|keey"):
        await own(f"{broken}, {PLAY}]").call(invocation("beep"))
    assert phone.state.media_keys == []


@pytest.mark.parametrize("end", ["unverified", "go on"])
async def test_stop_ends_it(phone: SimulatedPhone, own: Own, end: str) -> None:
    done = await own(f"{{ stop = true, else = '{end}' }}, {PLAY}]").call(invocation("beep"))
    assert done.evidence is (Evidence.UNVERIFIED if end == "unverified" else Evidence.VERIFIED)
    assert phone.state.media_keys == []


async def test_a_probe_that_is_for_other_phones(own: Own) -> None:
    assert await own(f"{PLAY}]\nprobe = [{LOOK}]\n").probe(invocation("beep")) is None


async def test_a_part_of_a_pattern_that_is_missing(own: Own) -> None:
    looks = '{ choose = ["getprop", "ro.product.model"], among = "(?P<name>x)?", called = "y" }'
    with pytest.raises(DeviceRefused):
        await own(f"{looks}]").call(invocation("beep"))
    looks = '{ ask = ["getprop", "ro.product.model"], says = "{key}+" }'
    with pytest.raises(DeviceRefused):
        await own(f"{looks}]").call(invocation("beep"))
