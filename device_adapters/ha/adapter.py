"""What the PC, car and home adapters share: one Home Assistant device and its entities."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping

from device_adapters.base import Adapter
from device_adapters.calls import Runner, in_time, patience, words
from device_adapters.ha import Entity, HaClient, HaDevice, HaEntity
from device_adapters.ha.entity import GRACE
from device_adapters.ha.order import Wanted, leading_to
from device_adapters.ha.presence import Presence, away
from schemas.base import Scalar, Value
from schemas.call import Invocation, Restore
from schemas.device import Device
from schemas.errors import DeviceRefused, DeviceUnavailable, HubError
from schemas.outcome import Done
from schemas.state import DeviceState, Standing

Look = Callable[[Invocation], Awaitable[Restore | None]]

_ANNOUNCED = 3.0  # seconds a device has to announce itself
_MOST = 1e15


class Want(Value):
    """Which entity serves something: one of these components, and all words of one of the names."""

    components: tuple[str, ...]
    names: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    needs: str = ""  # an option that must be announced
    any_of: tuple[str, ...] = ()  # options of which one must be


def candidates(device: HaDevice, want: Want) -> list[HaEntity]:
    """The entities that fit, best name first."""
    fitting = [
        entity
        for entity in device.entities
        if entity.component in want.components
        and (not want.needs or entity.text(want.needs))
        and (not want.any_of or any(map(entity.text, want.any_of)))
        and (not want.classes or entity.device_class in want.classes)
        and not any(words(name) <= words(entity.name) for name in want.without)
    ]
    if not want.names:
        return fitting
    return [e for name in want.names for e in fitting if words(name) <= words(e.name)]


def find(device: HaDevice, want: Want) -> HaEntity | None:
    """The entity that fits best, if any."""
    return next(iter(candidates(device, want)), None)


def number(text: str | None) -> float | None:
    """A state or an option as a number; None where it is none ("unknown", "1e99")."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) <= _MOST else None


def option_number(entity: HaEntity, option: str, default: float) -> float:
    """A number of an announcement; the default where it gives none."""
    value = number(entity.text(option))
    return default if value is None else value


def degrees(climate: HaEntity, fahrenheit: float) -> float:
    """A temperature in the unit that an entity reports, °C to a tenth."""
    return fahrenheit if reports_fahrenheit(climate) else round((fahrenheit - 32) / 1.8, 1)


def fahrenheit(climate: HaEntity, reported: float) -> float:
    """A reported temperature in °F, to a tenth: from which `degrees` gives it back."""
    return reported if reports_fahrenheit(climate) else round(reported * 1.8 + 32, 1)


def reports_fahrenheit(climate: HaEntity) -> bool:
    """Whether a thermostat speaks °F."""
    return (climate.text("temperature_unit") or "C").upper() == "F"


async def known(entity: Entity, *attributes: str) -> list[str | None]:
    """What an entity that is there says of itself, waiting a moment; None for what it does not."""
    await entity.require_available()
    return await asyncio.gather(*map(entity.known_state, attributes))


async def known_number(entity: Entity, attribute: str = "state") -> float | None:
    """The number that an entity reports; None where it reports none."""
    [value] = await known(entity, attribute)
    return number(value)


async def known_order(entity: Entity) -> Wanted | None:
    """The order that would leave an entity as it is; None where its state is no order's effect."""
    [value] = await known(entity, "state")
    return None if value is None else leading_to(entity.description, value)


class HaAdapter(Adapter):
    """One Home Assistant device (`address["ha"]`); a subclass says how each function is run."""

    def __init__(self, device: Device, ha: HaClient) -> None:
        self.device = device
        self.ha = ha
        self._presence = Presence(ha, self._heed)
        self._deaf: Callable[[], None] | None = None
        self._let_go: Callable[[], None] | None = None

    @property
    @abstractmethod
    def runners(self) -> Mapping[str, Runner]:
        """How each function of the catalogue is run."""

    @property
    @abstractmethod
    def looks(self) -> Mapping[str, Look]:
        """How that which a function would change is read; without a look nothing tells it."""

    @abstractmethod
    def serves(self, device: HaDevice) -> frozenset[str]:
        """Which of them the announced entities can serve."""

    async def connect(self) -> frozenset[str]:
        await self.ha.mqtt.wait_connected(_ANNOUNCED)
        identifier = self._identifier
        self._let_go = self._let_go or self.ha.use(identifier)
        await self.ha.until(lambda: self.ha.settled(identifier), _ANNOUNCED, [identifier])
        device = self.announced
        self._deaf = self._deaf or self.ha.on_change(self._changed, identifier)
        self._presence.follow(device)
        topics = self._presence.topics
        await self.ha.until(lambda: away(self.ha, device) is not None, GRACE, topics)
        if self._is_away():
            raise DeviceUnavailable(f"{self.device.name} is offline")
        self._heed()
        return self.serves(self.announced)  # more of it may have come meanwhile

    @property
    def wakes(self) -> bool:
        """Whether it can be woken: then it serves calls although it is offline."""
        return "mac" in self.device.address

    def _changed(self, device: HaDevice) -> None:
        """It announced itself anew, or no longer."""
        self._presence.follow(device)
        self._heed()

    def _heed(self) -> None:
        """Tell whoever listens where the device went away or came back."""
        notice = Standing(state=DeviceState.OFFLINE) if self._is_away() else None
        if notice != self.notice:
            self.notice = notice
            self.noticed()

    def _is_away(self) -> bool:
        device = self.ha.device(self._identifier)
        return not self.wakes and (device is None or bool(away(self.ha, device)))

    async def call(self, invocation: Invocation) -> Done:
        runner = self.runners.get(invocation.function)
        if runner is None:
            raise DeviceRefused(f"{self.device.name} cannot {invocation.function}")
        try:
            async with in_time(invocation, self.device.name):
                return await runner(invocation)
        except HubError as exc:
            if self.device.name in str(exc):
                raise
            raise type(exc)(f"{self.device.name}: {exc}") from exc  # an entity knows its own name

    async def present(self, invocation: Invocation) -> Restore | None:
        look = self.looks.get(invocation.function)
        return None if look is None else await look(invocation)

    async def close(self) -> None:
        """Listen no more; the client is shared."""
        self._presence.close()
        for stop in filter(None, (self._deaf, self._let_go)):
            stop()
        self._deaf = self._let_go = None

    @property
    def _identifier(self) -> str:
        return self.device.address.get("ha", "")

    @property
    def announced(self) -> HaDevice:
        """The device as announced; `DeviceUnavailable` where it is not."""
        device = self.ha.device(self._identifier)
        if device is None:
            raise DeviceUnavailable(f"{self.device.name} does not announce itself")
        return device

    def find(self, want: Want, what: str) -> Entity:
        """The entity that serves something; `DeviceRefused` where there is none."""
        found = find(self.announced, want)
        if found is None:
            raise DeviceRefused(f"{self.device.name} has no {what}")
        return self.ha.entity(found)

    async def do(
        self, want: Want, value: Scalar, call: Invocation, detail: str, attribute: str = "state"
    ) -> Done:
        """Order one entity, and say it in one line."""
        entity = self.find(want, what=call.function)
        within = patience(call)
        evidence = await entity.command(value, attribute=attribute, within=within)
        return Done(evidence=evidence, detail=f"{detail} on {self.device.name}")
