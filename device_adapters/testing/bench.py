"""One device to try an adapter on, and what the hub would lend its driver."""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from device_adapters.driver import Options, Site
from device_adapters.ha import HaClient
from device_adapters.mqtt import MqttClient
from schemas.device import Device, Kind

Step = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Bench:
    """A device that answers while the bench stands."""

    device: Device
    site: Site
    leave: Step | None = None
    """Takes the device away, as a pulled plug would; None where that cannot be done."""
    come_back: Step | None = None
    """Brings it back."""


def bare_site(state: Path, options: Options | None = None) -> Site:
    """A site whose MQTT clients are connected to nothing, for drivers that need none; others
    `dataclasses.replace` them by clients of a broker of their own."""
    mqtt = MqttClient("127.0.0.1", 1, client_id="contract")
    known = functions()
    if options is None:
        return Site(mqtt, HaClient(mqtt), state, functions=known)
    return Site(mqtt, HaClient(mqtt), state, functions=known, options=options)


@cache
def functions() -> Mapping[str, frozenset[Kind]]:
    """The hub's catalogue: which kinds of devices each function is for."""
    found = importlib.util.find_spec("orchestrator")
    assert found, "the hub is not installed"
    assert found.submodule_search_locations
    package = Path(found.submodule_search_locations[0])
    places = (package / "config" / "functions", package.parent / "config" / "functions")
    folder = next(place for place in places if place.is_dir())
    read = [tomllib.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.toml")]
    return {
        entry["name"]: frozenset(map(Kind, entry["kinds"]))
        for file in read
        for entry in file["function"]
    }
