"""Which entities of the home serve which functions, and which one a name means: pure."""

from __future__ import annotations

from collections.abc import Sequence

from device_adapters.ha import HaDevice, HaEntity
from device_adapters.ha_adapter import Want, candidates, find, words
from schemas.errors import DeviceRefused

SWITCHABLE = Want(
    components=("light", "switch", "fan", "siren", "humidifier"), needs="command_topic"
)
LIGHT = Want(components=("light",))
COVER = Want(components=("cover",), needs="command_topic")
CLIMATE = Want(components=("climate",), needs="temperature_command_topic")
LOCK = Want(components=("lock",), needs="command_topic")
SMOKE = Want(components=("binary_sensor",), classes=("smoke", "carbon_monoxide", "gas"))
PLAYER = Want(components=("media_player", "button"), names=("play", "pause", "stop", "next"))
MEDIA = Want(components=("media_player",))
STATEFUL = Want(
    components=(
        *SWITCHABLE.components,
        *("cover", "lock", "climate", "sensor", "binary_sensor", "number", "select"),
    )
)
_SERVING = {
    "turn_on": SWITCHABLE,
    "turn_off": SWITCHABLE,
    "set_light": LIGHT,
    "set_cover": COVER,
    "get_state": STATEFUL,
    "set_nest_temperature": CLIMATE,
    "open_or_lock_door": LOCK,
    "check_nest_smoke_detector_status": SMOKE,
}
_COLORS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "orange": (255, 128, 0),
    "purple": (128, 0, 255),
    "pink": (255, 96, 160),
    "turquoise": (0, 224, 208),
    "cyan": (0, 255, 255),
    "magenta": (255, 0, 255),
    "white": (255, 255, 255),
    "warm white": (255, 214, 170),
}


def serves(device: HaDevice) -> frozenset[str]:
    """The functions that the entities of a device of the home can serve."""
    found = {function for function, want in _SERVING.items() if find(device, want)}
    if find(device, MEDIA) or find(device, PLAYER):
        found.add("media_control")
    return frozenset(found)


def recognise(device: HaDevice) -> frozenset[str] | None:
    """The functions of a device of the home; None where it has nothing to say or do."""
    return serves(device) or None


def named(device: HaDevice, want: Want, name: str) -> HaEntity:
    """The one entity a name means; `DeviceRefused` names the others where it is not one.

    The exact name wins, then the only one that has all the words; a device's own name means its
    only or unnamed entity.
    """
    fitting = candidates(device, want)
    asked = words(name)
    exact = [e for e in fitting if asked in (words(e.name), words(f"{device.name} {e.name}"))]
    if not exact and asked == words(device.name):
        exact = [e for e in fitting if not e.name] or fitting
    partly = [e for e in fitting if asked <= words(f"{device.name} {e.name}")]
    for found in (exact, partly):
        if len(found) == 1:
            return found[0]
    raise DeviceRefused(f"which one is {name}? ({_offer(device, exact or partly or fitting)})")


def only(device: HaDevice, want: Want, what: str) -> HaEntity:
    """The only entity of a sort; `DeviceRefused` where there are none or several."""
    fitting = candidates(device, want)
    if len(fitting) != 1:
        raise DeviceRefused(f"{device.name}: which {what}? ({_offer(device, fitting)})")
    return fitting[0]


def color(text: str) -> tuple[int, int, int]:
    """Red, green and blue of a colour in words or as #rrggbb; `DeviceRefused` for any other."""
    plain = " ".join(text.casefold().split())
    if plain in _COLORS:
        return _COLORS[plain]
    try:
        red, green, blue = bytes.fromhex(plain.removeprefix("#"))
    except ValueError as exc:
        raise DeviceRefused(f"the colour {text} is not known") from exc
    return red, green, blue


def _offer(device: HaDevice, entities: Sequence[HaEntity]) -> str:
    return ", ".join(entity.name or device.name for entity in entities[:8]) or "none"
