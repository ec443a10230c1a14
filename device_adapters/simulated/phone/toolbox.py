"""The phone's programs by name, but for `am`, `cmd`, `content` and `dumpsys`."""

from collections.abc import Callable

from device_adapters.simulated.phone import (
    audio,
    bluetooth,
    display,
    inputs,
    isms,
    media,
    packages,
    settings,
    system,
    toybox,
    uiautomator,
)
from device_adapters.simulated.phone.result import Result, Words, complain
from device_adapters.simulated.phone.state import Phone

MEDIA_COMMAND_ENDS = 30
"""From this sdk on `media` is only `cmd media_session`."""


def _true(phone: Phone, words: Words) -> Result:
    return Result()


def _false(phone: Phone, words: Words) -> Result:
    return Result(code=1)


def _svc(phone: Phone, words: Words) -> Result:
    """Radios and staying awake: silent where it is understood."""
    globals_ = phone.settings["global"]
    match words:
        case ["bluetooth", "enable" | "disable" as state]:
            bluetooth.switch(phone, on=state == "enable")
        case ["wifi", "enable" | "disable" as state]:
            globals_["wifi_on"] = str(int(state == "enable"))
        case ["data", "enable" | "disable" as state]:
            globals_["mobile_data"] = str(int(state == "enable"))
        case ["power", "stayon", "true" | "usb" | "ac" | "wireless" as state]:
            globals_["stay_on_while_plugged_in"] = {"ac": "1", "usb": "2", "wireless": "4"}.get(
                state, "15"
            )
        case ["power", "stayon", "false"]:
            globals_["stay_on_while_plugged_in"] = "0"
        case ["usb", "setFunctions" | "getFunctions", *_]:
            pass
        case _:
            return complain("Available commands: help power data wifi usb nfc bluetooth", 0)
    return Result()


def _media(phone: Phone, words: Words) -> Result:
    """`media dispatch` and `media volume`; the older one writes its marks small."""
    if words[:1] == ["volume"] and phone.sdk < MEDIA_COMMAND_ENDS:
        return audio.volume(phone, words[1:], "[v]")
    return media.command(phone, words)


COMMANDS: dict[str, Callable[[Phone, Words], Result]] = {
    **toybox.COMMANDS,
    "false": _false,
    "getprop": system.getprop,
    "input": inputs.command,
    "media": _media,
    "monkey": packages.monkey,
    "pm": packages.command,
    "screencap": display.screencap,
    "service": isms.call,
    "settings": settings.command,
    "svc": _svc,
    "true": _true,
    "uiautomator": uiautomator.command,
    "wm": display.window_manager,
}
