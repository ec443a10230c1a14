"""A car with an OVMS v3 module, by its MQTT server protocol and its shell's own words (3.3)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from device_adapters.mqtt import Message, MqttClient, Will

_PARKED: Mapping[str, str] = {
    "m.version": "3.3.004/ota_0/main",
    "s.v3.connected": "yes",
    "v.b.range.est": "160",
    "v.b.range.ideal": "200",
    "v.b.soc": "81.5",
    "v.c.charging": "no",
    "v.d.cp": "no",
    "v.d.fl": "no",
    "v.d.fr": "no",
    "v.d.rl": "no",
    "v.d.rr": "no",
    "v.d.trunk": "no",
    "v.e.hvac": "no",
    "v.e.locked": "yes",
    "v.e.on": "no",
    "v.p.latitude": "37.5665",
    "v.p.longitude": "126.978",
    "v.p.odometer": "20415",
    "v.p.speed": "0",
    "v.type": "NL",
    "v.vin": "",
}
_UNITS = {"v.b.range.est": "km", "v.b.range.ideal": "km", "v.b.soc": "%", "v.p.odometer": "km",
          "v.p.speed": "km/h"}  # fmt: skip
_CLIENT_ENDS = 120.0  # seconds after which a client that says nothing is gone


@dataclass
class OvmsFaults:
    """What goes wrong, for tests."""

    fails: bool = False  # the car does not do what its module asks of it
    incapable: bool = False  # the module cannot ask it of this car
    silent: bool = False  # lines are read and not answered
    answers: str | None = None  # what orders are answered with, whatever became of them
    stale: bool = False  # every line is answered with the last one's answer
    deceived: bool = False  # the car takes orders, says so, and does nothing


class SimulatedOvms:
    """Its metrics can be read and set; `asked` holds every line that its shell was given."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        user: str = "family",
        vehicle: str = "EV1",
        pin: str = "1234",
        login: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.prefix = f"ovms/{user}/{vehicle}"
        self.metrics = dict(_PARKED)
        self.units = dict(_UNITS)
        self.faults = OvmsFaults()
        self.asked: list[str] = []
        self.clients: dict[str, float] = {}
        self.on_effect: Callable[[str], None] = lambda _line: None
        """Called with every order that is carried out, before it is answered."""
        self._pin, self._sent, self._last = pin, dict[str, str](), ""
        self._changed = asyncio.Event()
        self._mqtt = MqttClient(
            host, port, client_id=vehicle, tls=tls,
            username=login[0] if login else None, password=login[1] if login else None,
            will=Will(topic=f"{self.prefix}/metric/s/v3/connected", payload="no", qos=0),
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        await self._mqtt.__aenter__()
        self._mqtt.subscribe(f"{self.prefix}/client/+/active", self._on_active, retained=False)
        self._mqtt.subscribe(f"{self.prefix}/client/+/command/+", self._on_command, retained=False)
        self._mqtt.on_connect(self._reported)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._mqtt.__aexit__(kind, error, trace)

    async def reported(self, within: float = 10) -> None:
        """Wait until the broker has every metric."""
        await self.until(lambda: bool(self._sent), within)

    async def until(self, holds: Callable[[], bool], within: float = 10) -> None:
        """Wait until something holds, looking after every line and report."""
        async with asyncio.timeout(within):
            while not holds():
                await self._changed.wait()

    async def say_connected(self, word: str) -> None:
        """Report that it is there, or that it is not, as its last will would."""
        await self._publish("metric/s/v3/connected", word, retain=True)

    async def publish(self, topic: str, payload: bytes | str) -> None:
        """Publish anything below its prefix."""
        await self._publish(topic, payload, retain=False)

    async def _publish(self, topic: str, payload: bytes | str, *, retain: bool) -> None:
        await self._mqtt.publish(f"{self.prefix}/{topic}", payload, qos=1, retain=retain)

    async def _reported(self) -> None:
        self._sent.clear()
        await self._report()

    async def _report(self) -> None:
        """Publish every metric that has a value and has changed since it was published."""
        modified = {k: v for k, v in self.metrics.items() if v and self._sent.get(k) != v}
        for name, value in modified.items():
            await self._publish(f"metric/{name.replace('.', '/')}", value, retain=True)
        self._sent.update(modified)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _on_active(self, message: Message) -> None:
        now, before = asyncio.get_running_loop().time(), len(self.clients)
        client = message.topic.split("/")[-2]
        if message.payload in (b"", b"0"):
            self.clients.pop(client, None)
        else:
            self.clients[client] = now + _CLIENT_ENDS
        self.clients = {known: ends for known, ends in self.clients.items() if ends >= now}
        if len(self.clients) != before:
            await self._report()

    async def _on_command(self, message: Message) -> None:
        line = message.payload.decode()
        self.asked.append(line)
        if not self.faults.silent:
            answer = self._execute(line.split())
            answer, self._last = (self._last if self.faults.stale else answer), answer
            topic = message.topic.removeprefix(f"{self.prefix}/").replace("/command/", "/response/")
            await self._publish(topic, answer, retain=False)
        self._wake()

    def _execute(self, words: list[str]) -> str:
        match words:
            case ["metrics", "list", *names]:
                return self._list(names)
            case ["server", "v3", "update", ("all" | "modified") as which]:
                return f"Server V3 data update for {which} metrics has been scheduled\n"
            case ["server", "v3"] | ["server", "v3", "status"]:
                return "State: Connected\n       OVMS V3 MQTT login successful\n"
            case ["stat"]:
                return f"Not charging\nSOC: {self.metrics['v.b.soc']}%\n"
            case [("lock" | "unlock") as verb]:
                return f"Usage: {verb} <pin>\n"
            case [("lock" | "unlock") as verb, pin]:
                done, failed = f"Vehicle {verb}ed", f"vehicle could not be {verb}ed"
                missing = f"Vehicle {verb} functionality not available"
                able = pin == self._pin
                return self._order("v.e.locked", verb == "lock", done, failed, missing, able=able)
            case ["charge", ("start" | "stop") as verb]:
                done = f"Charge has been {'started' if verb == 'start' else 'stopped'}"
                failed = f"Could not {verb} charge"
                missing = f"Charge {verb} functionality not available"
                return self._order("v.c.charging", verb == "start", done, failed, missing)
            case ["climatecontrol", ("on" | "off") as verb]:
                failed = "Climate Control failed"
                missing = "Climate Control functionality not available"
                done = f"Climate Control \n{verb}"
                return self._order("v.e.hvac", verb == "on", done, failed, missing)
            case []:
                return "Error: Empty command unrecognised\n"
        return "Unrecognised command\n"

    def _order(
        self, metric: str, value: bool, done: str, failed: str, missing: str, *, able: bool = True
    ) -> str:
        if self.faults.incapable:
            answer = f"Error: {missing}\n"
        elif self.faults.fails or not able:
            answer = f"Error: {failed}\n"
        else:
            if not self.faults.deceived:
                self.metrics[metric] = "yes" if value else "no"
                self.on_effect(self.asked[-1])
            answer = f"{done}\n"
        return answer if self.faults.answers is None else self.faults.answers

    def _list(self, names: list[str]) -> str:
        found = [name for name in self.metrics if not names or any(n in name for n in names)]
        return "".join(map(self._listed, found)) or "Unrecognised metric name\n"

    def _listed(self, name: str) -> str:
        value = self.metrics[name]
        return f"{name:<40.40} {value}{self.units.get(name, '')}\n" if value else f"{name}\n"
