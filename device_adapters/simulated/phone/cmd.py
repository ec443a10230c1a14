"""`cmd`: notification, media_session, bluetooth_manager."""

from collections.abc import Callable
from dataclasses import replace

from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import PAUSED, PLAYING, STOPPED, Notification, Phone

_STREAMS = {2: "STREAM_RING", 3: "STREAM_MUSIC", 4: "STREAM_ALARM"}
_ZEN = {"off": 0, "priority": 1, "on": 2, "none": 2, "alarms": 3, "all": 0}
_AFTER_KEY = {"play": PLAYING, "pause": PAUSED, "stop": STOPPED}


def run(phone: Phone, words: Words) -> Result:
    """The `cmd` command."""
    service = SERVICES.get(words[0]) if words else None
    if service is None:
        return complain(f"cmd: Can't find service: {words[0] if words else ''}", 20)
    return service(phone, words[1:])


def _notification(phone: Phone, words: Words) -> Result:
    """set_dnd and post; what it does not understand is told, and exits 0."""
    match words:
        case ["set_dnd", mode] if mode in _ZEN:
            phone.settings["global"]["zen_mode"] = str(_ZEN[mode])
            return Result()
        case ["post", "-t", title, tag, text]:
            kept = [note for note in phone.notifications if note.tag != tag]
            phone.notifications[:] = [*kept, Notification(tag, title, text)]
            return say("posting:\n  Notification(channel=shell_cmd)")
    return say("usage: cmd notification SUBCMD [args]")


def _media_session(phone: Phone, words: Words) -> Result:
    match words:
        case ["dispatch", key]:
            phone.media_keys.append(key)
            phone.media_state = _AFTER_KEY.get(key, phone.media_state)
            return Result()
        case ["volume", *options]:
            return _volume(phone, options)
    return complain("Unknown command", 255)


def _volume(phone: Phone, options: Words) -> Result:
    """--stream N, then --get or --set INDEX."""
    pairs = dict(zip(options, [*options[1:], ""], strict=True))
    stream = int(pairs.get("--stream", "3"))
    volume = phone.volumes.get(stream)
    if volume is None:
        return complain("[E] invalid stream", 0)
    lines = [f"[V] will control stream={stream} ({_STREAMS[stream]})"]
    if "--set" in pairs:
        index = int(pairs["--set"])
        if not volume.lowest <= index <= volume.highest:
            return complain(f"[E] index {index} out of range", 0)
        volume = phone.volumes[stream] = replace(volume, index=index)
        lines.append(f"[V] will set volume to index={index}")
    if "--get" in pairs:
        lines.append("[V] will get volume")
        lines.append(f"[V] volume is {volume.index} in range [{volume.lowest}..{volume.highest}]")
    return say("\n".join(lines))


def _bluetooth(phone: Phone, words: Words) -> Result:
    match words:
        case ["enable" | "disable" as state]:
            phone.bluetooth.on = state == "enable"
            phone.bluetooth.connected = phone.bluetooth.in_reach & set(
                phone.bluetooth.bonded if phone.bluetooth.on else ()
            )
            return say(f"{state}BluetoothSynchronous: Success")
        case [wait] if wait.startswith("wait-for-state:"):
            done = phone.bluetooth.on == (wait == "wait-for-state:STATE_ON")
            return say(f"{wait}: {'Success' if done else 'Failed'}")
    return complain("Unknown command", 255)


SERVICES: dict[str, Callable[[Phone, Words], Result]] = {
    "notification": _notification,
    "media_session": _media_session,
    "bluetooth_manager": _bluetooth,
}
