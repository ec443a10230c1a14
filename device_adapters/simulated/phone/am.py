"""`am start`: finds the activity an intent means and does what that app would do."""

from urllib.parse import unquote, urlsplit

from device_adapters.simulated.phone.intent import LAUNCHER, MAIN, VIEW, Intent, parse
from device_adapters.simulated.phone.java import JavaError
from device_adapters.simulated.phone.result import Result, Words, complain
from device_adapters.simulated.phone.state import OFFHOOK, Alarm, Phone, Timer

ACTION, EXTRA = "android.intent.action.", "android.intent.extra.alarm."
CALL, SENDTO = ACTION + "CALL", ACTION + "SENDTO"
SET_ALARM, SET_TIMER = ACTION + "SET_ALARM", ACTION + "SET_TIMER"
CAMERA = "android.media.action.STILL_IMAGE_CAMERA"
EMERGENCY = ("112", "911", "110", "999")

CHROME = "com.android.chrome/com.google.android.apps.chrome.Main"
YOUTUBE = "com.google.android.youtube/.UrlActivity"
MAPS = "com.google.android.apps.maps/com.google.android.maps.MapsActivity"
DIALER = "com.google.android.dialer/com.android.incallui.InCallActivity"
CLOCK = "com.google.android.deskclock/com.android.deskclock.HandleApiCalls"
_BY_ACTION = {
    CALL: (DIALER,),
    ACTION + "DIAL": (DIALER,),
    SET_ALARM: (CLOCK,),
    SET_TIMER: (CLOCK,),
    CAMERA: ("com.google.android.GoogleCamera/com.android.camera.CameraActivity",),
}
_BY_SCHEME = {
    "mailto": ("com.google.android.gm/.ComposeActivityGmailExternal",),
    "smsto": ("com.google.android.apps.messaging/.ui.conversation.LaunchConversationActivity",),
    "tel": (DIALER,),
    "http": (CHROME,),
    "https": (CHROME,),
}


def run(phone: Phone, words: Words) -> Result:
    """The `am` command; a bad intent ends as an uncaught Java exception does."""
    if not words or words[0] not in ("start", "start-activity"):
        return complain(f"Unknown command: {words[0] if words else ''}", 255)
    try:
        intent = parse(words[1:])
    except JavaError as exc:
        return complain(f"\nException occurred while executing '{words[0]}':\n{exc}", 255)
    return _start(phone, intent)


def _start(phone: Phone, intent: Intent) -> Result:
    """Start what was found; nothing found is said on stderr, and still exits 0."""
    said = f"Starting: {describe(intent)}\n"
    component = resolve(phone, intent)
    if component is None:
        error = f"Error: Activity not started, unable to resolve {describe(intent)}\n"
        return Result(said.encode(), error.encode())
    phone.intents.append(intent.data or component)
    _act(phone, intent)
    if phone.awake and not phone.locked and not _silent(intent):
        phone.resumed = component
    if intent.wait:
        said += f"Status: ok\nLaunchState: COLD\nActivity: {component}\n"
        said += "TotalTime: 412\nWaitTime: 420\nComplete\n"
    return Result(said.encode())


def resolve(phone: Phone, intent: Intent) -> str | None:
    """The component of an installed app that takes the intent."""
    if intent.component:
        candidates: tuple[str, ...] = (intent.component,)
    elif intent.action == MAIN and LAUNCHER in (intent.categories or ()) and intent.package:
        candidates = (f"{intent.package}/{phone.packages.get(intent.package)}",)
    else:
        candidates = _candidates(intent)
    for component in candidates:
        package = component.partition("/")[0]
        if package in phone.packages and intent.package in (None, package):
            return component
    return None


def _candidates(intent: Intent) -> tuple[str, ...]:
    """Who could take the intent, the most special first."""
    action, link = intent.action or "", urlsplit(intent.data or "")
    if action in _BY_ACTION:
        return _BY_ACTION[action]
    if action.startswith("android.settings."):
        return ("com.android.settings/.Settings",)
    if action not in (VIEW, SENDTO):
        return ()
    special: tuple[str, ...] = ()
    if (link.hostname or "").endswith("youtube.com"):
        special = (YOUTUBE,)
    elif (link.hostname or "").endswith("google.com") and link.path.startswith("/maps"):
        special = (MAPS,)
    return special + _BY_SCHEME.get(link.scheme, ())


def _act(phone: Phone, intent: Intent) -> None:
    """What the started app does by itself."""
    label = intent.text(EXTRA + "MESSAGE")
    if intent.action == CALL:
        number = unquote((intent.data or "").removeprefix("tel:"))
        if number not in EMERGENCY:  # those only open the dialer
            phone.called.append(number)
            phone.call_state = OFFHOOK
    elif intent.action == SET_ALARM and intent.text(EXTRA + "HOUR"):
        hour, minute = intent.text(EXTRA + "HOUR"), intent.text(EXTRA + "MINUTES") or "0"
        phone.alarms.append(Alarm(int(hour), int(minute), label))
    elif intent.action == SET_TIMER and intent.text(EXTRA + "LENGTH"):
        phone.timers.append(Timer(int(intent.text(EXTRA + "LENGTH")), label))


def _silent(intent: Intent) -> bool:
    return intent.text(EXTRA + "SKIP_UI") == "True"


def describe(intent: Intent) -> str:
    """An intent as Android prints it; what stands behind the host is left out."""
    parts = []
    if intent.action:
        parts.append(f"act={intent.action}")
    if intent.data:
        link = urlsplit(intent.data)
        parts.append(f"dat={link.scheme}:{'//' + link.netloc if link.netloc else ''}/...")
    if intent.package:
        parts.append(f"pkg={intent.package}")
    if intent.component:
        parts.append(f"cmp={intent.component}")
    if intent.extras:
        parts.append("(has extras)")
    return f"Intent {{ {' '.join(parts)} }}"
