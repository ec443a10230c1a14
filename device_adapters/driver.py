"""One protocol: how its devices are found and driven. The seam for adapters of other people's."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict

from device_adapters.base import Adapter
from device_adapters.ha import HaClient
from device_adapters.mqtt import MqttClient
from schemas.device import Device, Kind

GROUP = "octopus_hub.adapters"
"""The entry points under which a package offers its drivers, each by its protocol's name."""

Propose = Callable[[Device], bool]
"""Says that a device was found; whether that was of use. A person approves it, or nobody does."""
Withdraw = Callable[[str], None]
"""Says that a proposed device, by its id, is no longer to be found."""


class Service(NamedTuple):
    """One service on the network, as mDNS tells of it; it listens nowhere once it is gone."""

    type: str
    name: str
    host: str = ""
    port: int = 0
    properties: Mapping[str, str] = {}

    @property
    def there(self) -> bool:
        """Whether it is announced."""
        return self.port > 0


class Options(BaseModel):
    """What `[adapters.PROTOCOL]` in hub.toml may say; a driver's own class adds keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Site:
    """What the hub lends a driver."""

    mqtt: MqttClient
    ha: HaClient
    state: Path
    """The hub's own folder, for keys and what must outlast a restart; readable by the hub only."""
    topic: str = "octopus"
    """The base of the hub's own MQTT topics."""
    region: str = "US"
    """ISO 3166; which units people use."""
    functions: Mapping[str, frozenset[Kind]] = field(default_factory=dict)
    """The catalogue: which kinds of devices each function is for."""
    options: Any = field(default_factory=Options)
    """The driver's own `Options`."""

    @property
    def files(self) -> Path:
        """Where pictures and other results are kept."""
        return self.state / "files"

    def fitting(self, kind: Kind, claimed: Iterable[str]) -> frozenset[str]:
        """Which of the functions that a device claims are in the catalogue, and for its kind."""
        return frozenset(name for name in claimed if kind in self.functions.get(name, ()))


class Driver(ABC):
    """One protocol's devices; made once when the hub starts, with what the hub lends it."""

    options: ClassVar[type[Options]] = Options
    """What the driver may be told in hub.toml."""
    address: ClassVar[Mapping[str, str]] = {}
    """What an address may hold, each key with its meaning; others are refused in devices.toml.
    Empty: whatever it needs is up to the adapter."""
    needs: ClassVar[tuple[frozenset[str], ...]] = ()
    """What an address in devices.toml must hold: all keys of one of these sets."""
    services: ClassVar[tuple[str, ...]] = ()
    """mDNS types (`_ssh._tcp.local.`) of services that may be such devices."""
    sure: ClassVar[bool] = False
    """Whether its adapters make sure, by a key or a certificate, that they reached the device they
    are for: then an announcement moves an approved device, else a person approves each move."""

    def __init__(self, site: Site) -> None:
        self.site = site

    @abstractmethod
    def adapter(self, device: Device) -> Adapter:
        """The adapter of one approved device; opens nothing yet."""

    def recognise(self, service: Service) -> Device | None:
        """The device that a service of `services` is; None where it is none. Pure: its id must
        not depend on where the service listens."""
        return None

    def finding(self, propose: Propose, withdraw: Withdraw) -> AbstractAsyncContextManager[None]:
        """Look for devices in other ways than by mDNS, while the block lasts."""
        return nullcontext()
