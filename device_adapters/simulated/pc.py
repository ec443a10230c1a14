"""A computer with LNXlink: its topics, announcements and states, word for word (2026.10)."""

from __future__ import annotations

import base64
import json
from typing import Any

from device_adapters.simulated.publisher import Publisher

_DISK, _BATTERY = "dev_sda1", "BAT0"
_CPU = {"CPU Info": "Example CPU", "Cores": 8, "Load 1m": 0.5, "Load 1m %": "6.2%"}
_NO_MEDIA = {
    "title": "", "artist": "", "album": "", "status": "off", "volume": 1.0, "playing": False,
    "position": None, "duration": None, "mediavolume": "OFF",
}  # fmt: skip
_PICTURE = "https://raw.githubusercontent.com/bkbilly/lnxlink/6d844af/images/logo.png"
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
        self.refuses_shutdown = False
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
        return {
            f"{self.base}/monitor_controls/{name}": (
                value if isinstance(value, str) else json.dumps(value)
            )
            for name, value in self._readings().items()
        }

    def _readings(self) -> dict[str, object]:
        lock = {"locked": self.locked, "session_id": "2", "user": "ann", "raw": _hint(self.locked)}
        media = _NO_MEDIA | {"status": self.playing, "volume": self.volume, "playing": True}
        return {
            "media_info": media,
            "media_info/state": self.playing,
            "media_info/volume": self.volume,
            "session_lock": {"status": "ON" if self.locked else "OFF", "attributes": lock},
            "screenshot": "ON" if self._capturing else "OFF",
            "cpu_usage": {"percent": 12.5, "load": 0.5, "load_percent": 6.2, "attributes": _CPU},
            "memory_usage": {"percent": 40.0, "used": 6400.0, "available": 9600.0},
            "disk_usage": {_DISK: {"percent": 71.0, "attributes": {"connected": True}}},
            "battery": {_BATTERY: {"percent": 88.0, "attributes": {"status": "charging"}}},
            "xdg_open": "",
            "keyboard": "",
        }

    def changed(self, topic: str) -> dict[str, str]:
        return self.states() if self.powered else {}

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
                await self._shut_down()

    async def _shut_down(self) -> None:
        """It says that it is gone and empties its states, and only then tries."""
        await self.go_offline()
        for name, value in self._readings().items():
            topic = f"{self.base}/monitor_controls/{name}"
            emptied = json.dumps(_emptied(value)) if isinstance(value, dict) else ""
            await self.publish(topic, emptied)
        if self.refuses_shutdown:
            await self.publish(self._status, self.online)
        else:
            self.powered = False

    async def _capture(self, on: bool) -> None:
        self._capturing = on
        if on:
            frame = base64.b64encode(self.screen).decode()
            topic = f"{self.base}/monitor_controls/screenshot/screenshot_feed"
            await self.publish(topic, frame)

    def announcements(self) -> dict[str, dict[str, Any]]:
        state, command = f"{self.base}/monitor_controls", f"{self.base}/commands"
        disk, battery = f"value_json.get('{_DISK}', {{}})", f"value_json.get('{_BATTERY}', {{}})"
        entities: list[tuple[str, str, dict[str, Any]]] = [
            ("sensor", "CPU Usage", self._sensor("cpu_usage", "value_json.get('percent')}}")
             | self._attributes("cpu_usage", "value_json.get('attributes', {})")
             | {"icon": "mdi:speedometer", "state_class": "measurement", "expire_after": 25}),
            ("sensor", "Memory Usage", self._sensor("memory_usage", "value_json.percent }}")
             | {"icon": "mdi:memory", "state_class": "measurement"}),
            ("sensor", f"Disk {_DISK}", self._sensor("disk_usage", f"{disk}.get('percent') }}}}")
             | self._attributes("disk_usage", f"{disk}.get('attributes', {{}})")
             | {"icon": "mdi:harddisk", "state_class": "measurement",
                "entity_category": "diagnostic", "enabled_by_default": True}),
            ("sensor", f"Battery {_BATTERY}",
             self._sensor("battery", f"{battery}.get('percent') }}}}")
             | self._attributes("battery", f"{battery}.get('attributes', {{}})")
             | {"device_class": "battery", "enabled_by_default": True}),
            ("media_player", "Media Player", _player(f"{state}/media_info", f"{command}/media")
             | {"name": self.name}),
            ("number", "Volume Set", {
                "state_topic": f"{state}/media_info",
                "command_topic": f"{command}/media/volume_set",
                "value_template": "{{ value_json.volume }}",
                "min": 0, "max": 1, "step": 0.01,
                "icon": "mdi:volume-high", "enabled_by_default": True,
            }),
            ("button", "Stop Media", self._button("media", "stop_media", "mdi:stop")
             | {"enabled_by_default": False}),
            ("notify", "notify", {
                "command_topic": f"{command}/notify/notify",
                "json_attributes_topic": f"{state}/notify",
                "name": self.name, "entity_picture": _PICTURE, "icon": "mdi:desktop-classic",
            }),
            ("switch", "Session Lock", self._switch("session_lock", "mdi:lock")
             | {"value_template": "{{ value_json.status }}"}
             | self._attributes("session_lock", "value_json.attributes")),
            ("switch", "Screenshot", self._switch("screenshot", "mdi:monitor-screenshot")
             | {"entity_category": "config"}),
            ("camera", "Screenshot feed",
             {"topic": f"{state}/screenshot/screenshot_feed", "image_encoding": "b64"}),
            ("text", "XDG Open", self._text("xdg_open", "xdg_open", "mdi:file-find-outline")),
            ("text", "Send Text", self._text("keyboard", "send_text", "mdi:keyboard-outline")),
            ("button", "Shutdown", self._button("shutdown", "shutdown", "mdi:power")),
        ]  # fmt: skip
        return {self._topic(kind, name): self._config(name, own) for kind, name, own in entities}

    def _sensor(self, topic: str, template: str) -> dict[str, Any]:
        return {
            "state_topic": f"{self.base}/monitor_controls/{topic}",
            "value_template": "{{ " + template,
            "unit_of_measurement": "%",
        }

    def _attributes(self, topic: str, field: str) -> dict[str, Any]:
        return {
            "json_attributes_topic": f"{self.base}/monitor_controls/{topic}",
            "json_attributes_template": "{{ " + field + " | tojson }}",
        }

    def _switch(self, module: str, icon: str) -> dict[str, Any]:
        return {
            "state_topic": f"{self.base}/monitor_controls/{module}",
            "command_topic": f"{self.base}/commands/{module}/{module}",
            "payload_off": "OFF",
            "payload_on": "ON",
            "state_off": "OFF",
            "state_on": "ON",
            "icon": icon,
        }

    def _button(self, module: str, control: str, icon: str) -> dict[str, Any]:
        topic = f"{self.base}/commands/{module}/{control}"
        return {"command_topic": topic, "payload_press": "PRESS", "icon": icon}

    def _text(self, module: str, control: str, icon: str) -> dict[str, Any]:
        return {
            "state_topic": f"{self.base}/monitor_controls/{module}",
            "command_topic": f"{self.base}/commands/{module}/{control}",
            "min": 0,
            "max": 255,
            "icon": icon,
        }

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


def _player(state: str, command: str) -> dict[str, Any]:
    """A media player: one topic for each of its states, one for each of its orders."""
    told = ("state", "title", "artist", "album", "duration", "position", "volume")
    orders = ("play", "pause", "playpause", "next", "previous")
    payloads = ("Play", "Pause", "PlayPause", "Next", "Previous")
    player = f"{command}/media_player"
    return {
        **{f"state_{name}_topic": f"{state}/{name}" for name in (*told, "albumart", "mediatype")},
        **{f"command_{name}_topic": f"{player}/{name}" for name in orders},
        **{f"command_{n}_payload": said for n, said in zip(orders, payloads, strict=True)},
        "command_volume_topic": f"{player}/set_volume",
        "command_playmedia_topic": f"{player}/play_media",
        "command_seek_topic": f"{player}/seek",
    }


def _hint(locked: bool) -> str:
    return f"LockedHint={'yes' if locked else 'no'}"


def _emptied(value: Any) -> Any:
    """A state with every value null, as LNXlink leaves it when the computer goes down."""
    if isinstance(value, dict):
        return {key: _emptied(inner) for key, inner in value.items()}
    return None
