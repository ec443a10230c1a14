"""The small commands: toybox, getprop, settings, input, pm, svc, wm, service, screencap."""

import struct
import zlib
from collections.abc import Callable

from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import HOME, Phone

WAKE, SLEEP, POWER, HOME_KEY, CAMERA_KEY = 224, 223, 26, 3, 27
_KEYS = {"WAKEUP": WAKE, "SLEEP": SLEEP, "POWER": POWER, "HOME": HOME_KEY, "CAMERA": CAMERA_KEY}
SEND_TEXT = {30: 5, 31: 5, 32: 5, 33: 5, 34: 5, 35: 5}
"""ISms.sendTextForSubscriber's transaction code by sdk."""


def _echo(phone: Phone, words: Words) -> Result:
    return say(" ".join(words)) if words else Result(b"\n")


def _true(phone: Phone, words: Words) -> Result:
    return Result()


def _false(phone: Phone, words: Words) -> Result:
    return Result(code=1)


def _date(phone: Phone, words: Words) -> Result:
    formats = {"+%s": str(int(phone.clock())), "+%Z": phone.now().tzname() or ""}
    return say(formats.get(words[0] if words else "", f"{phone.now():%a %b %d %H:%M:%S %Z %Y}"))


def _getprop(phone: Phone, words: Words) -> Result:
    if words:
        return say(phone.properties.get(words[0], "")) if words[0] else complain("bad name")
    return say("\n".join(f"[{name}]: [{value}]" for name, value in phone.properties.items()))


def _settings(phone: Phone, words: Words) -> Result:
    """get, put, delete and list; a missing setting reads `null`."""
    match words:
        case ["get", space, name] if space in phone.settings:
            return say(phone.settings[space].get(name, "null"))
        case ["put", space, name, value] if space in phone.settings:
            phone.settings[space][name] = value
            return Result()
        case ["delete", space, name] if space in phone.settings:
            found = phone.settings[space].pop(name, None)
            return say(f"Deleted {int(found is not None)} rows")
        case ["list", space] if space in phone.settings:
            return say("\n".join(f"{k}={v}" for k, v in phone.settings[space].items()))
    return complain("Invalid arguments: settings needs get|put|delete|list and a namespace", 255)


def _input(phone: Phone, words: Words) -> Result:
    match words:
        case ["keyevent", *keys] if keys:
            for key in keys:
                _press(phone, _KEYS.get(key.removeprefix("KEYCODE_")) or int(key, 0))
            return Result()
        case ["text" | "tap" | "swipe", *_]:
            return Result()
    return complain("Error: Invalid arguments for command", 255)


def _press(phone: Phone, key: int) -> None:
    """What a key does now."""
    if key == WAKE or (key == POWER and not phone.awake):
        phone.awake = True
    elif key in (SLEEP, POWER):
        phone.awake, phone.locked = False, True
    elif key == HOME_KEY and phone.awake and not phone.locked:
        phone.resumed = HOME
    elif key == CAMERA_KEY and "Camera" in phone.resumed and phone.camera_works:
        phone.take_photo()


def _pm(phone: Phone, words: Words) -> Result:
    match words:
        case ["list", "packages", *_]:
            return say("\n".join(f"package:{name}" for name in sorted(phone.packages)))
        case ["path", name] if name in phone.packages:
            return say(f"package:/data/app/{name}/base.apk")
        case ["path", _]:
            return Result(code=1)
    return complain("Unknown command", 255)


def _svc(phone: Phone, words: Words) -> Result:
    match words:
        case ["bluetooth", "enable" | "disable" as state]:
            phone.bluetooth.on = state == "enable"
        case ["wifi" | "data", "enable" | "disable"]:
            pass
        case _:
            return complain("Available commands: bluetooth wifi data", 0)
    return Result()


def _wm(phone: Phone, words: Words) -> Result:
    match words:
        case ["size"]:
            return say("Physical size: 1080x2400")
        case ["dismiss-keyguard"]:
            phone.locked = phone.locked and phone.secure
            return Result()
    return complain("Unknown command", 255)


def _service(phone: Phone, words: Words) -> Result:
    """`service call isms`: a parcel of zeros is success, -1 an exception."""
    match words:
        case ["call", "isms", code, *parcel] if int(code) == SEND_TEXT.get(phone.sdk):
            pairs = zip(parcel[::2], parcel[1::2], strict=True)
            texts = [value for kind, value in pairs if kind == "s16"]
            if len(texts) == 5 and phone.permissions["SEND_SMS"]:
                _, _, address, _, body = texts
                phone.provider.add_sent(address, body, int(phone.clock() * 1000))
                return say("Result: Parcel(00000000    '....')")
    return say("Result: Parcel(ffffffff 00000000 00000000 '............')")


def _screencap(phone: Phone, words: Words) -> Result:
    """`screencap -p`: a one-pixel PNG on stdout."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    return Result(b"\x89PNG\r\n\x1a\n" + body)


COMMANDS: dict[str, Callable[[Phone, Words], Result]] = {
    "echo": _echo,
    "true": _true,
    "false": _false,
    "date": _date,
    "getprop": _getprop,
    "settings": _settings,
    "input": _input,
    "pm": _pm,
    "svc": _svc,
    "wm": _wm,
    "service": _service,
    "screencap": _screencap,
}
