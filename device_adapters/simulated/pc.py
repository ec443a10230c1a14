"""A computer with LNXlink, by its topics and announcements (LNXlink 2026.10)."""

from __future__ import annotations

import base64
import json
from typing import Any

from device_adapters.simulated.publisher import Publisher

_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class SimulatedPc(Publisher):
    """Its state can be read: what it plays, shows, opens and types, and whether it is locked."""

    online, offline = "ON", "OFF"

    def __init__(
        self,
        host: str,
        port: int,
        name: str = "office-pc",
        *,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.name = name
        self.base = f"lnxlink/{name.lower()}"
        self.locked = False
        self.powered = True
        self.playing = "paused"
        self.volume = 0.5
        self.notifications: list[str] = []
        self.opened: list[str] = []
        self.typed: list[str] = []
        self.screen = _PIXEL
        self._capturing = False
        super().__init__(
            host,
            port,
            client_id=f"LNXlink-{name}",
            status=f"{self.base}/lwt",
            orders=f"{self.base}/commands/#",
            login=login,
        )

    def states(self) -> dict[str, str]:
        media = {"status": self.playing, "volume": self.volume, "playing": True}
        readings: dict[str, object] = {
            "media_info": media,
            "media_info/state": self.playing,
            "media_info/volume": self.volume,
            "session_lock": {"status": "ON" if self.locked else "OFF", "attributes": {}},
            "screenshot": "ON" if self._capturing else "OFF",
            "cpu_usage": {"percent": 12.5, "attributes": {"Cores": 8}},
            "memory_usage": {"percent": 40.0, "used": 6400.0},
            "disk_usage": {"sda1": {"percent": 71.0, "attributes": {}}},
            "battery": {"BAT0": {"percent": 88, "attributes": {}}},
        }
        return {
            f"{self.base}/monitor_controls/{name}": (
                value if isinstance(value, str) else json.dumps(value)
            )
            for name, value in readings.items()
        }

    async def obey(self, topic: str, payload: str) -> None:
        service, *control = topic.removeprefix(f"{self.base}/commands/").split("/")
        data = _as_lnxlink_reads(payload)
        match service, control:
            case "media", [*_, "set_volume" | "volume_set"]:
                volume = float(str(data))
                self.volume = volume if volume <= 1 else volume / 100
            case "media", [*_, "play"]:
                self.playing = "playing"
            case "media", [*_, "pause"] | ["stop_media"]:
                self.playing = "paused"
            case "session_lock", _:
                self.locked = data == "ON"
            case "notify", _:
                self.notifications.append(str(data["message"] if isinstance(data, dict) else data))
            case "xdg_open", _:
                self.opened.append(str(data))
            case "keyboard", ["send_text"]:
                self.typed.append(str(data))
            case "screenshot", _:
                await self._capture(data == "ON")
            case "shutdown", _:
                self.powered = False
                await self.go_offline()

    async def _capture(self, on: bool) -> None:
        self._capturing = on
        if on:
            frame = base64.b64encode(self.screen).decode()
            topic = f"{self.base}/monitor_controls/screenshot/screenshot_feed"
            await self.publish(topic, frame)

    def announcements(self) -> dict[str, dict[str, Any]]:
        state, command = f"{self.base}/monitor_controls", f"{self.base}/commands"
        player = f"{command}/media/media_player"
        entities: list[tuple[str, str, dict[str, Any]]] = [
            ("sensor", "CPU Usage", _sensor(f"{state}/cpu_usage", "value_json.get('percent')")),
            ("sensor", "Memory Usage", _sensor(f"{state}/memory_usage", "value_json.percent")),
            (
                "sensor",
                "Disk sda1",
                _sensor(f"{state}/disk_usage", "value_json.get('sda1', {}).get('percent')"),
            ),
            (
                "sensor",
                "Battery BAT0",
                _sensor(f"{state}/battery", "value_json.get('BAT0', {}).get('percent')")
                | {"device_class": "battery"},
            ),
            (
                "media_player",
                "Media Player",
                {
                    "name": self.name,
                    "state_state_topic": f"{state}/media_info/state",
                    "state_volume_topic": f"{state}/media_info/volume",
                    "command_volume_topic": f"{player}/set_volume",
                    "command_play_topic": f"{player}/play",
                    "command_play_payload": "Play",
                    "command_pause_topic": f"{player}/pause",
                    "command_pause_payload": "Pause",
                    "command_next_topic": f"{player}/next",
                    "command_next_payload": "Next",
                    "command_previous_topic": f"{player}/previous",
                    "command_previous_payload": "Previous",
                },
            ),
            (
                "number",
                "Volume Set",
                {
                    "state_topic": f"{state}/media_info",
                    "command_topic": f"{command}/media/volume_set",
                    "value_template": "{{ value_json.volume }}",
                    "min": 0,
                    "max": 1,
                    "step": 0.01,
                },
            ),
            ("button", "Stop Media", {"command_topic": f"{command}/media/stop_media"}),
            ("notify", "notify", {"command_topic": f"{command}/notify/notify", "name": self.name}),
            (
                "switch",
                "Session Lock",
                {
                    "state_topic": f"{state}/session_lock",
                    "command_topic": f"{command}/session_lock/session_lock",
                    "value_template": "{{ value_json.status }}",
                },
            ),
            (
                "switch",
                "Screenshot",
                {
                    "state_topic": f"{state}/screenshot",
                    "command_topic": f"{command}/screenshot/screenshot",
                },
            ),
            (
                "camera",
                "Screenshot feed",
                {"topic": f"{state}/screenshot/screenshot_feed", "image_encoding": "b64"},
            ),
            ("text", "XDG Open", _text(state, command, "xdg_open", "xdg_open")),
            ("text", "Send Text", _text(state, command, "keyboard", "send_text")),
            ("button", "Shutdown", {"command_topic": f"{command}/shutdown/shutdown"}),
        ]
        return {self._topic(kind, name): self._config(name, own) for kind, name, own in entities}

    def _topic(self, kind: str, name: str) -> str:
        return f"homeassistant/{kind}/lnxlink/{self.name}_{_as_topic(name)}/config"

    def _config(self, name: str, own: dict[str, Any]) -> dict[str, Any]:
        shared = {
            "device": {
                "identifiers": [self.name],
                "name": self.name,
                "model": "Debian GNU/Linux 13",
                "manufacturer": "LNXlink",
                "sw_version": "2026.10.0",
            },
            "availability": {
                "topic": f"{self.base}/lwt",
                "payload_available": "ON",
                "payload_not_available": "OFF",
            },
            "name": name,
            "unique_id": f"{self.name}_{_as_topic(name)}",
        }
        return shared | own


def _as_lnxlink_reads(payload: str) -> Any:
    """LNXlink reads JSON where it can, so that a bare `123` becomes a number."""
    try:
        return json.loads(payload)
    except ValueError:
        return payload


def _as_topic(name: str) -> str:
    return name.lower().replace(" ", "_")


def _sensor(topic: str, field: str) -> dict[str, Any]:
    return {
        "state_topic": topic,
        "value_template": "{{ " + field + " }}",
        "unit_of_measurement": "%",
        "json_attributes_topic": topic,
        "json_attributes_template": "{{ value_json | tojson }}",
    }


def _text(state: str, command: str, module: str, control: str) -> dict[str, Any]:
    return {
        "state_topic": f"{state}/{module}",
        "command_topic": f"{command}/{module}/{control}",
        "min": 0,
        "max": 255,
    }
