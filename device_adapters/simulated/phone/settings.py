"""The `settings` command and what a changed setting does; `content://settings` reads the same.

The words are AOSP's SettingsService; a missing setting reads `null`.
"""

from device_adapters.simulated.phone.manners import Put
from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import Phone

SPACES = ("system", "secure", "global")
FLOATS = 30
"""The first sdk that keeps the brightness as a part of 1, too."""

DENIED = (
    "java.lang.SecurityException: Permission denial: writing to settings requires:"
    "android.permission.WRITE_SECURE_SETTINGS"
)
_FIXED = ("zen_mode",)
"""Settings that their owner sets back: AOSP's ZenModeHelper "fixes" zen_mode at once."""


def command(phone: Phone, words: Words) -> Result:
    """get, put, delete, reset and list, for one user or the current one."""
    rest = _without_user(words)
    match rest:
        case ["get", space, name] if space in SPACES:
            phone.look()
            return say(phone.settings[space].get(name, "null"))
        case ["put", space, name, value, *_] if space in SPACES:
            return _put(phone, space, name, value)
        case ["delete", space, name] if space in SPACES:
            found = phone.settings[space].pop(name, None)
            return say(f"Deleted {int(found is not None)} rows")
        case ["reset", space, *_] if space in SPACES:
            return Result()
        case ["list", space] if space in SPACES:
            return say("\n".join(f"{k}={v}" for k, v in sorted(phone.settings[space].items())))
        case [("get" | "put" | "delete" | "list"), space, *_] if space not in SPACES:
            return complain(f"Invalid namespace '{space}'", 255)
    return complain("Invalid command: settings needs get|put|delete|list and a namespace", 255)


def _without_user(words: Words) -> list[str]:
    rest = list(words)
    while "--user" in rest[:2]:
        at = rest.index("--user")
        del rest[at : at + 2]
    return rest


def _put(phone: Phone, space: str, name: str, value: str) -> Result:
    """Silent, whether it holds or not."""
    if phone.manners.settings_put is Put.DENIED:
        return complain(f"\nException occurred while executing 'put':\n{DENIED}", 255)
    if phone.manners.settings_put is Put.OBEYED:
        put(phone, space, name, value)
    return Result()


def put(phone: Phone, space: str, name: str, value: str) -> None:
    """Change a setting; the settings that hang on it follow."""
    if name in _FIXED:
        return
    phone.settings[space][name] = value
    if name == "screen_brightness" and value.isdecimal() and phone.sdk >= FLOATS:
        part = (max(int(value), 1) - 1) / (phone.manners.brightest - 1)
        phone.settings["system"]["screen_brightness_float"] = f"{part:.6f}"


def set_brightness(phone: Phone, part: float) -> None:
    """`cmd display set-brightness`: a part of 1, from sdk 30 on counted from 1."""
    top = phone.manners.brightest
    index = round(1 + part * (top - 1)) if phone.sdk >= FLOATS else round(part * top)
    phone.settings["system"]["screen_brightness"] = str(index)
    if phone.sdk >= FLOATS:
        phone.settings["system"]["screen_brightness_float"] = f"{part:.6f}"


def brightness(phone: Phone) -> float:
    """How bright the screen is, as a part of 1."""
    said = phone.settings["system"].get("screen_brightness", "0")
    return min(int(said) / phone.manners.brightest, 1.0) if said.isdecimal() else 0.0
