"""Which entities of a computer serve which functions: pure."""

from __future__ import annotations

from device_adapters.calls import words
from device_adapters.ha import HaDevice
from device_adapters.ha.adapter import Want, find

PLAYER = Want(components=("media_player",))
STOP_MEDIA = Want(components=("button",), names=("stop media",))
VOLUME = Want(
    components=("number",), names=("volume set", "volume"), without=("mic", "microphone", "input")
)
LOCK = Want(
    components=("switch", "button"),
    names=("session lock", "lock"),
    without=("caps", "num", "scroll"),
)
CAMERA = Want(components=("camera", "image"), names=("screenshot",))
CAPTURE = Want(components=("switch",), names=("screenshot",))
NOTIFY = Want(components=("notify",))
OPEN = Want(components=("text",), names=("xdg open", "open url"))
TYPE = Want(components=("text",), names=("send text", "type text"))
SHUTDOWN = Want(components=("button",), names=("shutdown", "shut down"))
APPLICATION = Want(components=("button",), names=("open", "start", "launch"))

STATUS = {
    "cpu": Want(components=("sensor",), names=("cpu usage", "cpu load", "cpuload")),
    "memory": Want(components=("sensor",), names=("memory usage", "memoryusage")),
    "disk": Want(components=("sensor",), names=("disk", "storage")),
    "battery": Want(components=("sensor",), classes=("battery",)),
}
_SERVING = {
    "media_control": PLAYER,
    "set_volume": VOLUME,
    "lock_screen": LOCK,
    "take_screenshot": CAMERA,
    "show_notification": NOTIFY,
    "open_url": OPEN,
    "open_application": APPLICATION,
    "type_text": TYPE,
    "shutdown": SHUTDOWN,
}
_AGENTS = ("lnxlink", "hass.agent", "hassagent", "system bridge", "go-hass-agent")


def serves(device: HaDevice) -> frozenset[str]:
    """The functions that a computer's entities can serve."""
    found = {function for function, want in _SERVING.items() if find(device, want)}
    if any(find(device, want) for want in STATUS.values()):
        found.add("get_pc_status")
    return frozenset(found)


def recognise(device: HaDevice) -> frozenset[str] | None:
    """The functions of a computer; None where the device is something else."""
    makers = f"{device.manufacturer} {' '.join({e.origin for e in device.entities})}".casefold()
    agent = any(name in makers for name in _AGENTS)
    looks = {"shutdown"} <= serves(device) and any("cpu" in words(e.name) for e in device.entities)
    return serves(device) if agent or looks else None
