"""Drivers of others: what is missing or broken is one line, and costs that protocol
only."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device_adapters.driver import Driver
from device_adapters.homeassistant import HomeAssistant
from device_adapters.testing import bare_site
from orchestrator import devices, drivers, settings
from schemas.errors import InvalidSettings

Offer = Callable[..., None]
WHOLE = """
from device_adapters.driver import Driver, Options
class LampOptions(Options):
    colour: str = "white"
    port: int = 80
class Lamp(Driver):
    options = LampOptions
    needs = (frozenset({"host"}),)
    def adapter(self, device): raise NotImplementedError
"""


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Offer]:
    """Installs a package, as pip would: its module, and what it says of its entry points."""
    monkeypatch.syspath_prepend(str(tmp_path))
    drivers.offered.cache_clear()

    def install(module: str, point: str = "lamps:Lamp") -> None:
        info = tmp_path / "lamps-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lamps\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[octopus_hub.adapters]\nlamp = {point}\n")
        (tmp_path / "lamps.py").write_text(module)

    yield install
    drivers.offered.cache_clear()
    sys.modules.pop("lamps", None)


def test_a_package_offers_its_protocol_beside_the_hubs_own(offer: Offer) -> None:
    offer(WHOLE)
    found = drivers.load("lamp")
    assert issubclass(found, Driver)
    assert (found.__module__, found.options().model_dump()) == (
        *("lamps", {"colour": "white", "port": 80}),
    )
    assert drivers.load("homeassistant") is HomeAssistant


def test_nobody_takes_the_place_of_the_hubs_own(
    offer: Offer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    offer(WHOLE)
    points = tmp_path / "lamps-1.0.dist-info" / "entry_points.txt"
    points.write_text("[octopus_hub.adapters]\nhomeassistant = lamps:Lamp\n")
    assert drivers.load("homeassistant") is HomeAssistant
    assert "lamps:Lamp offers an adapter for homeassistant too; it is not used" in caplog.text


def test_an_unknown_protocol_is_told_with_those_there_are(offer: Offer) -> None:
    offer(WHOLE)
    with pytest.raises(InvalidSettings, match="no adapter for protocol 'lapm'") as told:
        drivers.load("lapm")
    assert {"lamp", "homeassistant", "kuksa"} <= set(str(told.value).partition(": ")[2].split(", "))


def test_a_missing_extra_is_named_with_what_installs_it(offer: Offer) -> None:
    offer("import a_library_that_nobody_has", "lamps:Lamp [glow]")
    with pytest.raises(drivers.MissingExtra, match=r"nobody_has is missing.*'lamps\[glow\]'$"):
        drivers.load("lamp")


@pytest.mark.parametrize(
    ("module", "point", "says"),
    [
        ("import a_library_that_nobody_has", "lamps:Lamp", "No module named 'a_library"),
        ("1 / 0", "lamps:Lamp", "division by zero"),
        ("def f(:", "lamps:Lamp", "invalid syntax"),
        ("", "lamps:Lamp", "no attribute 'Lamp'"),
        ("Lamp = 7", "lamps:Lamp", "lamps:Lamp is no Driver"),
        ("class Lamp: pass", "lamps:Lamp", "lamps:Lamp is no Driver"),
        (WHOLE, "lamps:LampOptions", "lamps:LampOptions is no Driver"),
    ],
)
def test_what_is_broken_is_told_and_the_others_are_there(
    offer: Offer, caplog: pytest.LogCaptureFixture, module: str, point: str, says: str
) -> None:
    offer(module, point)
    with pytest.raises(InvalidSettings, match="the adapter for lamp is broken: ") as told:
        drivers.load("lamp")
    assert says in str(told.value)
    assert not isinstance(told.value, drivers.MissingExtra)
    with caplog.at_level(logging.ERROR):
        assert [name for name, _ in drivers.loadable(("lamp", "homeassistant"))] == [
            "homeassistant"
        ]
    assert "the adapter for lamp is broken" in caplog.text


def test_a_missing_extra_is_no_error_of_a_hub_that_does_not_use_it(
    offer: Offer, caplog: pytest.LogCaptureFixture
) -> None:
    offer("import a_library_that_nobody_has", "lamps:Lamp [glow]")
    with caplog.at_level(logging.INFO):
        assert list(drivers.loadable(("lamp",))) == []
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[adapters.lamp]\ncolor = 'red'",
         r"hub\.toml: unknown key adapters\.lamp\.color; did you mean colour\?"),
        ("[adapters.lamp]\nport = 'x'", r"hub\.toml: adapters\.lamp\.port: "),
        ("[adapters]\nlamp = 3", r"hub\.toml: write \[adapters\.lamp\]"),
        ("[adapters.lapm]\nport = 3",
         r"hub\.toml: adapters\.lapm: no adapter for protocol 'lapm'; there are: .*lamp"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_its_options_names_the_file_and_the_key(
    offer: Offer, tmp_path: Path, text: str, says: str
) -> None:
    offer(WHOLE)
    (tmp_path / "hub.toml").write_text(text)
    with pytest.raises(InvalidSettings, match=says):
        settings.load(tmp_path)


def test_its_options_are_read(offer: Offer, tmp_path: Path) -> None:
    offer(WHOLE)
    (tmp_path / "hub.toml").write_text("[adapters.lamp]\nport = 8080")
    loaded, _ = settings.load(tmp_path)
    assert loaded.adapters["lamp"].model_dump() == {"colour": "white", "port": 8080}


@pytest.mark.parametrize(
    ("address", "says"),
    [("port = '80'", r"hall: address has no host"), ("host = 'h'\nport = 'x'", "port is a number")],
)
def test_what_its_devices_need_is_asked_for(
    offer: Offer, tmp_path: Path, address: str, says: str
) -> None:
    offer(WHOLE)
    (tmp_path / "hub.toml").write_text("")
    (tmp_path / "devices.toml").write_text(
        "[[device]]\nid = 'hall'\nkind = 'home'\nname = 'Hall'\nprotocol = 'lamp'\n"
        f"[device.address]\n{address}\n"
    )
    with pytest.raises(InvalidSettings, match=rf"devices\.toml: device: .*{says}"):
        settings.load(tmp_path)


async def test_a_driver_that_cannot_look_for_devices_costs_its_own_only(
    offer: Offer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    offer(f"{WHOLE}    def finding(self, propose, withdraw): raise OSError('no such network')")
    lamp = drivers.load("lamp")(bare_site(tmp_path))
    entered = False
    async with drivers.finding(lamp, lambda _: True, lambda _: None):
        entered = True
    assert entered
    assert "Lamp cannot look for devices" in caplog.text


def test_a_driver_whose_options_have_no_defaults_costs_its_own_only(
    offer: Offer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    offer(WHOLE.replace('colour: str = "white"', "colour: str"))
    spoken = devices._drivers(settings.Settings(), bare_site(tmp_path))
    assert "lamp" not in spoken
    assert "homeassistant" in spoken
    assert "the adapter for lamp cannot be used" in caplog.text
