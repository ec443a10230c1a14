"""What Home Assistant is told of the hub: one device with everything on it. Pure.

Its MQTT discovery of whole devices, which Home Assistant knows since 2024.11.
"""

from dataclasses import dataclass
from typing import Any

from orchestrator.orders import CANCEL, UNDO
from orchestrator.release import release
from schemas.execution import RunState

LONGEST_TEXT = 255
"""Home Assistant's own limit of a text; its notifications know none."""


@dataclass(frozen=True)
class Topics:
    """Where the hub and Home Assistant meet; `prefix` is Home Assistant's own."""

    base: str
    prefix: str
    name: str

    @property
    def status(self) -> str:
        """Whether the hub is there."""
        return f"{self.base}/status"

    @property
    def command(self) -> str:
        """Sentences for the hub."""
        return f"{self.base}/home_assistant/command"

    @property
    def last(self) -> str:
        """The last command."""
        return f"{self.base}/home_assistant/last"

    @property
    def event(self) -> str:
        """Commands as they go."""
        return f"{self.base}/home_assistant/event"

    @property
    def birth(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self.prefix}/status"

    @property
    def config(self) -> str:
        """Where the hub announces itself."""
        return f"{self.prefix}/device/octopus_{self.name}/config"


def announcement(topics: Topics, name: str) -> dict[str, Any]:
    """The payload of `topics.config`."""
    identity = f"octopus_{name}"
    components = {
        key: {"platform": platform, "unique_id": f"{identity}_{key}", "qos": 1, **options}
        for key, (platform, options) in _components(topics).items()
    }
    return {
        "device": {
            "identifiers": [identity],
            "name": name,
            "manufacturer": "Octopus Hub",
            "model": "Hub",
            "sw_version": release(),
        },
        "origin": {"name": "octopus-hub", "sw_version": release()},
        "components": components,
    }


def _components(topics: Topics) -> dict[str, tuple[str, dict[str, Any]]]:
    """Every entity: its platform, and what it says beside what all say."""
    here = {"availability_topic": topics.status}
    says = here | {"command_topic": topics.command}
    return {
        "command": (
            "text",
            says | {"name": "Command", "min": 1, "max": LONGEST_TEXT, "icon": "mdi:text-box"},
        ),
        "say": ("notify", says | {"name": "Say", "icon": "mdi:message-text"}),
        "undo": ("button", says | {"name": "Undo", "payload_press": UNDO, "icon": "mdi:undo"}),
        "cancel": (
            "button",
            says | {"name": "Cancel", "payload_press": CANCEL, "icon": "mdi:cancel"},
        ),
        "last": (
            "sensor",
            here
            | {
                "name": "Last command",
                "state_topic": topics.last,
                "value_template": "{{ value_json.state }}",
                "json_attributes_topic": topics.last,
                "device_class": "enum",
                "options": [str(state) for state in RunState],
            },
        ),
        "event": (
            "event",
            here
            | {
                "name": "Command state",
                "state_topic": topics.event,
                "event_types": [str(state) for state in RunState],
            },
        ),
        "connection": (
            "binary_sensor",
            {
                "name": "Connection",
                "state_topic": topics.status,
                "payload_on": "online",
                "payload_off": "offline",
                "device_class": "connectivity",
                "entity_category": "diagnostic",
            },
        ),
    }
