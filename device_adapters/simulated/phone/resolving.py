"""Which installed components take an intent, the preferred one first."""

from device_adapters.simulated.phone import acting, front
from device_adapters.simulated.phone.intent import LAUNCHER, MAIN, VIEW, Intent, link
from device_adapters.simulated.phone.makers import BLUETOOTH_SETTINGS, SETTINGS, component
from device_adapters.simulated.phone.state import Phone

HOME_CATEGORY = "android.intent.category.HOME"
_ROLES = {
    acting.CALL: "dialer",
    acting.DIAL: "dialer",
    acting.SET_ALARM: "clock",
    acting.SET_TIMER: "clock",
    acting.DISMISS_ALARM: "clock",
    acting.ACTION + "SHOW_ALARMS": "clock",
    acting.ACTION + "SHOW_TIMERS": "clock",
    acting.CAMERA: "camera",
}
_SCHEMES = {
    "mailto": "mail",
    "sms": "messages",
    "smsto": "messages",
    "tel": "dialer",
    "geo": "maps",
    "http": "browser",
    "https": "browser",
}
DISMISSES_TIMERS = 31
"""The first sdk whose clock apps take DISMISS_TIMER."""


def candidates(phone: Phone, intent: Intent) -> tuple[str, ...]:
    """The components that take the intent; with a package in it, only that one's."""
    if intent.component:
        package, _, name = intent.component.partition("/")
        exact = component(package, name)
        return (exact,) if exact in _known(phone, package) else ()
    if intent.action == MAIN and LAUNCHER in (intent.categories or ()):
        opened = front.launcher(phone, intent.package) if intent.package else None
        return (opened,) if opened else ()
    if intent.action == MAIN and HOME_CATEGORY in (intent.categories or ()):
        return (phone.maker.home,)
    return tuple(
        one for one in _implicit(phone, intent) if intent.package in (None, one.partition("/")[0])
    )


def _implicit(phone: Phone, intent: Intent) -> tuple[str, ...]:
    """Who could take it; the apps that own a web address come before the browsers."""
    action, parts = intent.action or "", link(intent.data)
    if action.startswith("android.settings."):
        bluetooth = action == "android.settings.BLUETOOTH_SETTINGS"
        page = BLUETOOTH_SETTINGS if bluetooth else SETTINGS
        return (page,) if "com.android.settings" in phone.packages else ()
    if action == acting.DISMISS_TIMER:
        return phone.handlers("clock") if phone.sdk >= DISMISSES_TIMERS else ()
    if action in _ROLES:
        return phone.handlers(_ROLES[action])
    if action not in (VIEW, acting.SENDTO):
        return ()
    return _owner(phone, intent) + phone.handlers(_SCHEMES.get(parts.scheme, ""))


def _owner(phone: Phone, intent: Intent) -> tuple[str, ...]:
    """The app that a web address belongs to."""
    parts = link(intent.data)
    host = parts.hostname or ""
    if host == "youtube.com" or host.endswith(".youtube.com"):
        return phone.handlers("youtube")
    if host.endswith("google.com") and parts.path.startswith("/maps"):
        return phone.handlers("maps")
    return ()


def _known(phone: Phone, package: str) -> set[str]:
    """Every component of an installed package that the simulation knows."""
    if package not in phone.packages:
        return set()
    handlers = {one for role in phone.maker.handlers for one in phone.handlers(role)}
    opened = front.launcher(phone, package)
    return {component(*one.split("/")) for one in handlers} | {opened or "", BLUETOOTH_SETTINGS}


def owned(phone: Phone, intent: Intent) -> bool:
    """Whether a web address opens in its own app without a question."""
    return bool(_owner(phone, intent)) and intent.action == VIEW
