"""What LNXlink does in its own way."""

from __future__ import annotations

import asyncio
import re

from device_adapters.ha import HaClient, HaDevice, HaEntity
from device_adapters.mqtt import Message

_LONGEST = 200
_COMMANDS = "/commands/"


def is_lnxlink(device: HaDevice) -> bool:
    """Whether a computer's agent is LNXlink. It reads every payload as JSON first, so that a bare
    text could change its type."""
    return device.manufacturer.casefold() == "lnxlink"


class CommandResult:
    """What LNXlink says that a command printed, on `…/command_result/…` once it has ended; listens
    while the block lasts."""

    def __init__(self, ha: HaClient, button: HaEntity) -> None:
        self._ha = ha
        base, found, command = button.text("command_topic", "").partition(_COMMANDS)
        self._topic = f"{base}/command_result/{command}" if found else ""
        self._said: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def __enter__(self) -> CommandResult:
        self._stop = (
            self._ha.mqtt.subscribe(self._topic, self._heard, retained=False)
            if self._topic
            else lambda: None
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    async def within(self, seconds: float) -> str:
        """Its last line, cut to what can be shown; empty where none came in time."""
        if not self._topic:
            return ""
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(self._said)
        except TimeoutError:
            return ""

    async def _heard(self, message: Message) -> None:
        text = message.payload[: 64 * 1024].decode(errors="replace")
        lines = ["".join(filter(str.isprintable, line)) for line in re.split(r"[\r\n]+", text)]
        if not self._said.done():
            self._said.set_result(next((x[:_LONGEST] for x in reversed(lines) if x.strip()), ""))
