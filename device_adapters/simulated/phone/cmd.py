"""`cmd`: the services that take commands, from the sdk on that taught them to."""

from collections.abc import Callable

from device_adapters.simulated.phone import (
    am,
    audio,
    bluetooth,
    display,
    media,
    notifications,
    packages,
    settings,
)
from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import Phone

NOT_FOUND = 20

_NIGHT = {"yes": "2", "no": "1", "auto": "0"}


def run(phone: Phone, words: Words) -> Result:
    """The `cmd` command; a service that takes none says so, and exits 0."""
    if words[:1] == ["-l"]:
        return say("\n".join(["Currently running services:", *(f"  {name}" for name in SERVICES)]))
    found = SERVICES.get(words[0]) if words else None
    if found is None:
        return complain(f"cmd: Can't find service: {words[0] if words else ''}", NOT_FOUND)
    since, service = found
    if phone.sdk < since:
        return complain("No shell command implementation.", 0)
    return service(phone, words[1:])


def _night(phone: Phone, words: Words) -> Result:
    """`cmd uimode night [yes|no|auto]`."""
    secure = phone.settings["secure"]
    match words:
        case ["night", mode] if mode in _NIGHT:
            secure["ui_night_mode"] = _NIGHT[mode]
        case ["night"]:
            pass
        case _:
            return Result(f"Unknown command: {words[0] if words else ''}\n".encode(), code=255)
    names = {number: name for name, number in _NIGHT.items()}
    return say(f"Night mode: {names.get(secure['ui_night_mode'], 'no')}")


def _status_bar(phone: Phone, words: Words) -> Result:
    """`cmd statusbar expand-notifications|collapse`."""
    match words:
        case ["expand-notifications" | "expand-settings"]:
            phone.shade = phone.awake
        case ["collapse"]:
            phone.shade = False
        case _:
            return Result(f"Unknown command: {words[0] if words else ''}\n".encode(), code=255)
    return Result()


SERVICES: dict[str, tuple[int, Callable[[Phone, Words], Result]]] = {
    "activity": (29, am.run),
    "audio": (31, audio.command),
    "bluetooth_manager": (bluetooth.COMMAND, bluetooth.command),
    "display": (29, display.command),
    "media_session": (30, media.command),
    "notification": (29, notifications.command),
    "package": (29, packages.command),
    "settings": (29, settings.command),
    "statusbar": (29, _status_bar),
    "uimode": (29, _night),
}
"""By name: the first sdk whose service takes commands, and what it does."""
