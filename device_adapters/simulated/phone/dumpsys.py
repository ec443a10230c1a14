"""`dumpsys`: the parts that are read back, in Android's own words."""

from collections.abc import Callable

from device_adapters.simulated.phone import (
    audio,
    bluetooth,
    display,
    media,
    notifications,
    packages,
    system,
    windows,
)
from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import Phone

Part = Callable[[Phone, Words], str]


def run(phone: Phone, words: Words) -> Result:
    """The `dumpsys` command; it exits 0 whatever happens."""
    rest = list(words)
    if rest[:1] == ["-t"]:
        del rest[:2]
    if rest[:1] == ["-l"]:
        return say("\n".join(["Currently running services:", *(f"  {name}" for name in PARTS)]))
    part = PARTS.get(rest[0]) if rest else None
    if part is None:
        return complain(f"Can't find service: {rest[0] if rest else ''}", 0)
    if rest[0] in phone.manners.refused_dumps:
        return say(
            f"Permission Denial: can't dump {rest[0]} from from pid=8123, uid=2000 due to missing "
            "android.permission.DUMP permission"
        )
    phone.look()
    return say(part(phone, rest[1:]))


def _alone(part: Callable[[Phone], str]) -> Part:
    return lambda phone, words: part(phone)


PARTS: dict[str, Part] = {
    "SurfaceFlinger": display.surface_flinger,
    "activity": windows.activity,
    "alarm": _alone(system.alarm),
    "audio": _alone(audio.dump),
    "battery": _alone(system.battery),
    "bluetooth_manager": _alone(bluetooth.dump),
    "diskstats": _alone(system.diskstats),
    "display": _alone(display.dump),
    "input": _alone(windows.reader),
    "media_session": _alone(media.dump),
    "notification": notifications.dump,
    "package": packages.dump,
    "power": _alone(windows.power),
    "telephony.registry": _alone(system.telephony),
    "window": windows.window,
}
