"""The `input` command: keys, taps, swipes and typed text, and what each does on the screen."""

from collections.abc import Callable

from device_adapters.simulated.phone import acting, audio, front, media, screens
from device_adapters.simulated.phone.result import Result, Words, complain
from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.values import MUSIC

BLOCKED = (
    "\nException occurred while executing 'input':\njava.lang.SecurityException: Injecting to "
    "another application requires INJECT_EVENTS permission"
)
NOT_ASCII = (
    "\nException occurred while executing 'text':\njava.lang.NullPointerException: Attempt to get "
    "length of null array"
)
UPWARD = 300
"""Points that a finger must go up to open the lock screen."""

_SOURCES = ("keyboard", "touchscreen", "mouse", "touchpad", "stylus", "dpad", "gamepad")
_MEDIA = {
    79: "headsethook",
    85: "play-pause",
    86: "stop",
    87: "next",
    88: "previous",
    89: "rewind",
    90: "fast-forward",
    126: "play",
    127: "pause",
    130: "record",
}
KEYCODES = {
    "HOME": 3,
    "BACK": 4,
    "CALL": 5,
    "ENDCALL": 6,
    "VOLUME_UP": 24,
    "VOLUME_DOWN": 25,
    "POWER": 26,
    "CAMERA": 27,
    "ENTER": 66,
    "DEL": 67,
    "HEADSETHOOK": 79,
    "MENU": 82,
    "MEDIA_PLAY_PAUSE": 85,
    "MEDIA_STOP": 86,
    "MEDIA_NEXT": 87,
    "MEDIA_PREVIOUS": 88,
    "MEDIA_REWIND": 89,
    "MEDIA_FAST_FORWARD": 90,
    "MEDIA_PLAY": 126,
    "MEDIA_PAUSE": 127,
    "MEDIA_RECORD": 130,
    "VOLUME_MUTE": 164,
    "SLEEP": 223,
    "WAKEUP": 224,
}


def command(phone: Phone, words: Words) -> Result:
    """`input [SOURCE] [-d DISPLAY] keyevent|text|tap|swipe|draganddrop|motionevent …`."""
    rest = list(words)
    if rest[:1] and rest[0] in _SOURCES:
        rest.pop(0)
    if rest[:1] == ["-d"]:
        del rest[:2]
    if not rest:
        return complain("Error: Missing command")
    if phone.manners.input_blocked:
        return complain(BLOCKED, 255)
    run = _COMMANDS.get(rest[0])
    if run is None:
        return complain(f"Unknown command: {rest[0]}", 255)
    return run(phone, rest[1:]) or Result()


def _keys(phone: Phone, words: Words) -> Result | None:
    keys = [word for word in words if not word.startswith("--")]
    if not keys:
        return complain(f"Error: Invalid arguments for command: keyevent {' '.join(words)}".strip())
    for key in keys:
        press(phone, _code(key))
    return None


def _code(key: str) -> int:
    """A key's number; a name that is none is 0, and does nothing."""
    if key.isdecimal():
        return int(key)
    return KEYCODES.get(key.removeprefix("KEYCODE_"), 0)


def press(phone: Phone, code: int) -> None:
    """What a key does now."""
    if code in _MEDIA:
        media.press(phone, _MEDIA[code])
    elif code in _KEYS:
        _KEYS[code](phone)


def _power(phone: Phone) -> None:
    (front.sleep if phone.awake else front.wake)(phone)


def _camera(phone: Phone) -> None:
    """The shutter, where the camera is in front and keeps what it takes."""
    if phone.in_front("camera") and phone.camera_works:
        screens.shutter(phone)


def _mute(phone: Phone) -> None:
    audio.mute(phone, MUSIC, muted=not phone.volumes[MUSIC].muted)


_KEYS: dict[int, Callable[[Phone], None]] = {
    3: front.home,
    4: front.back,
    6: acting.hang_up,
    24: lambda phone: audio.step(phone, MUSIC, 1),
    25: lambda phone: audio.step(phone, MUSIC, -1),
    26: _power,
    27: _camera,
    82: front.unlock,
    164: _mute,
    223: front.sleep,
    224: front.wake,
}


def _text(phone: Phone, words: Words) -> Result | None:
    """Type one word; `%s` is a space, and only ASCII has keys."""
    if not words:
        return complain("Error: Invalid arguments for command: text")
    if not words[0].isascii():
        return complain(NOT_ASCII, 255)
    typed = words[0].replace("%s", " ")
    if phone.draft is not None and phone.awake and not phone.locked:
        phone.draft.body += typed
    else:
        phone.typed += typed
    return None


def _point(words: Words) -> tuple[int, int]:
    x, y = (float(word) for word in words[:2])
    return int(x), int(y)


def _tap(phone: Phone, words: Words) -> Result | None:
    if len(words) < 2:
        return complain("Error: Invalid arguments for command: tap")
    screens.tap(phone, *_point(words))
    return None


def _swipe(phone: Phone, words: Words) -> Result | None:
    """A swipe that stays where it is is a long tap; upward it opens the lock screen."""
    if len(words) < 4:
        return complain("Error: Invalid arguments for command: swipe")
    (x, y), (to_x, to_y) = _point(words), _point(words[2:])
    if (x, y) == (to_x, to_y):
        screens.tap(phone, x, y)
    elif y - to_y >= UPWARD and phone.locked:
        front.unlock(phone)
    elif to_y - y >= UPWARD and y < UPWARD and phone.awake:
        phone.shade = True
    return None


def _motion(phone: Phone, words: Words) -> Result | None:
    """DOWN, MOVE and UP one by one; a finger that comes up has tapped."""
    if len(words) < 3 or words[0].upper() not in ("DOWN", "MOVE", "UP", "CANCEL"):
        return complain("Error: Invalid arguments for command: motionevent")
    if words[0].upper() == "UP":
        screens.tap(phone, *_point(words[1:]))
    return None


_COMMANDS: dict[str, Callable[[Phone, Words], Result | None]] = {
    "keyevent": _keys,
    "text": _text,
    "tap": _tap,
    "swipe": _swipe,
    "motionevent": _motion,
}
