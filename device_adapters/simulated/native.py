"""A device under the hub's own topics, as docs/howto/own-device-over-mqtt.md tells to write one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from device_adapters.simulated.publisher import Faults, Publisher


@dataclass
class NativeFaults(Faults):
    """What goes wrong with its answers, for tests."""

    reason: str = ""  # says no, with this reason
    result: Any = None  # what it answers with
    evidence: str = "verified"
    answers: bytes | None = None  # says this instead of an answer


class SimulatedNative(Publisher):
    """A lamp, unless it is told otherwise: `done` is what it did, `attributes` how it is."""

    def __init__(
        self,
        host: str,
        port: int,
        identifier: str = "lamp",
        *,
        name: str = "Porch lamp",
        kind: str = "home",
        functions: Sequence[str] = ("turn_on", "turn_off", "get_state"),
        topic: str = "octopus",
        login: tuple[str, str] | None = None,
    ) -> None:
        self.identifier = identifier
        self.base = f"{topic}/device/{identifier}"
        self.config: dict[str, Any] = {"name": name, "kind": kind, "functions": list(functions)}
        self.attributes: dict[str, Any] = {"state": "off"}
        self.done: list[tuple[str, dict[str, Any]]] = []
        self._answered: dict[str, str] = {}
        super().__init__(
            host, port, client_id=f"native-{identifier}", status=f"{self.base}/availability",
            orders=f"{self.base}/set", login=login,
        )  # fmt: skip
        self.faults: NativeFaults = NativeFaults()

    def announcements(self) -> dict[str, dict[str, Any]]:
        return {f"{self.base}/config": self.config}

    def states(self) -> dict[str, str]:
        return {f"{self.base}/state": json.dumps(self.attributes)}

    async def obey(self, topic: str, payload: str) -> None:
        """Do an order once, and answer it however often it comes."""
        order = json.loads(payload)
        identity = order["id"]
        if identity not in self._answered:
            self._answered[identity] = json.dumps({"id": identity} | self._do(order))
        if not self.faults.mute:
            said = self._answered[identity] if self.faults.answers is None else self.faults.answers
            await self.publish(f"{self.base}/result", said, retain=False)

    def _do(self, order: dict[str, Any]) -> dict[str, Any]:
        if self.faults.reason:
            return {"status": "error", "reason": self.faults.reason}
        self.done.append((order["function"], order["arguments"]))
        if order["function"] in ("turn_on", "turn_off"):
            self.attributes["state"] = order["function"].removeprefix("turn_")
        return {
            "status": "ok", "result": self.faults.result, "evidence": self.faults.evidence
        }  # fmt: skip
