"""The display: `cmd display`, `wm`, `screencap`, `dumpsys display`, SurfaceFlinger's list."""

import struct
import zlib
from functools import lru_cache

from device_adapters.simulated.phone import front, settings
from device_adapters.simulated.phone.java import JavaError, parse_float
from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import Phone

WIDTH, HEIGHT, DENSITY = 1080, 2400, 420
UNIQUE = "4619827259835644672"
GETS_BRIGHTNESS = 35
GETS_DISPLAYS = 31
"""The first sdks whose `cmd display` knows get-brightness and get-displays."""


def command(phone: Phone, words: Words) -> Result:
    """`cmd display`, AOSP's DisplayManagerShellCommand."""
    match words:
        case ["set-brightness"]:
            return complain("Error: no brightness specified")
        case ["set-brightness", said, *_]:
            return _set_brightness(phone, said)
        case ["get-brightness", *_] if phone.sdk >= GETS_BRIGHTNESS:
            return say(f"{settings.brightness(phone):.6f}")
        case ["get-displays", *_] if phone.sdk >= GETS_DISPLAYS:
            state = "ON" if phone.awake else "OFF"
            return say(
                f'Displays:\nDisplay id 0: DisplayInfo{{"Built-in Screen", displayId 0, state '
                f'{state}, type INTERNAL, uniqueId "local:{UNIQUE}", app {WIDTH} x {HEIGHT}, real '
                f"{WIDTH} x {HEIGHT}, density {DENSITY}, rotation {rotation(phone)}}}"
            )
        case []:
            return say("Display manager commands:\n  help\n    Print this help text.")
    return Result(f"Unknown command: {words[0]}\n".encode(), code=255)


def _set_brightness(phone: Phone, said: str) -> Result:
    try:
        part = parse_float(said)
    except JavaError:
        part = -1.0
    if not 0 <= part <= 1:
        return complain("Error: brightness should be a number between 0 and 1")
    settings.set_brightness(phone, part)
    return Result()


def rotation(phone: Phone) -> int:
    """How the screen is turned, in quarters."""
    said = phone.settings["system"].get("user_rotation", "0")
    turned = phone.settings["system"].get("accelerometer_rotation") == "0" and said.isdecimal()
    return int(said) % 4 if turned else 0


def size(phone: Phone) -> tuple[int, int]:
    """Width and height as the screen is turned now."""
    return (HEIGHT, WIDTH) if rotation(phone) % 2 else (WIDTH, HEIGHT)


def window_manager(phone: Phone, words: Words) -> Result:
    """`wm`."""
    match words:
        case ["size"]:
            return say(f"Physical size: {WIDTH}x{HEIGHT}")
        case ["density"]:
            return say(f"Physical density: {DENSITY}")
        case ["dismiss-keyguard"]:
            front.unlock(phone)
            return Result()
    return Result(f"Unknown command: {words[0] if words else ''}\n".encode(), code=255)


def screencap(phone: Phone, words: Words) -> Result:
    """`screencap -p`: what the screen shows, as a PNG on stdout or in a file."""
    picture = _png(*size(phone), shade=200 if phone.awake else 0)
    files = [word for word in words if word.startswith("/")]
    if not files:
        return Result(picture)
    try:
        phone.files.write(files[0], picture, mtime=int(phone.clock()))
    except OSError as exc:
        return complain(f"Error opening file: {files[0]} ({exc})")
    return Result()


@lru_cache(maxsize=8)
def _png(width: int, height: int, shade: int) -> bytes:
    """A PNG of one grey, 8 bits a point."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([shade]) * width) * height
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def dump(phone: Phone) -> str:
    """`dumpsys display`."""
    state = "ON" if phone.awake else "OFF"
    width, height = size(phone)
    return (
        "DISPLAY MANAGER (dumpsys display)\n"
        f"  mGlobalDisplayState={state}\n"
        "  mViewports=[DisplayViewport{type=INTERNAL, valid=true, isActive=true, displayId=0, "
        f"uniqueId='local:{UNIQUE}', orientation={rotation(phone)}, deviceWidth={width}, "
        f"deviceHeight={height}}}]\n"
        f"  mScreenState={state}\n"
        f"  mScreenBrightness={settings.brightness(phone):.6f}"
    )


def surface_flinger(phone: Phone, words: Words) -> str:
    """`dumpsys SurfaceFlinger --display-id`."""
    return f'Display {UNIQUE} (HWC display 0): port=0 pnpId=GGL displayName="Built-in Screen"'
