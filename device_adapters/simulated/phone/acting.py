"""What a started app does by itself: it calls, keeps an alarm, shows a draft."""

from collections.abc import Callable
from urllib.parse import parse_qs, unquote

from device_adapters.simulated.phone import clock, front
from device_adapters.simulated.phone.intent import VIEW, Intent, link
from device_adapters.simulated.phone.manners import Camera
from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.values import IDLE, OFFHOOK, Dialog, Draft, Sim

ACTION, EXTRA = "android.intent.action.", "android.intent.extra.alarm."
CALL, DIAL, SENDTO = ACTION + "CALL", ACTION + "DIAL", ACTION + "SENDTO"
SET_ALARM, SET_TIMER = ACTION + "SET_ALARM", ACTION + "SET_TIMER"
DISMISS_ALARM, DISMISS_TIMER = ACTION + "DISMISS_ALARM", ACTION + "DISMISS_TIMER"
CAMERA = "android.media.action.STILL_IMAGE_CAMERA"
EMERGENCY = ("112", "911", "110", "999")
PERMISSIONS = (
    "com.google.android.permissioncontroller/"
    "com.android.permissioncontroller.permission.ui.GrantPermissionsActivity"
)


def act(phone: Phone, intent: Intent, component: str) -> None:
    """Put the activity in front and do what its app does."""
    phone.stopped.discard(component.partition("/")[0])
    acted = _ACTS.get(intent.action or "")
    if acted is None and intent.action == VIEW:
        acted = _VIEWS.get(link(intent.data).scheme)
    if not (acted and acted(phone, intent, component)):
        front.show(phone, component)


def _call(phone: Phone, intent: Intent, component: str) -> bool:
    """Call at once; the emergency numbers only open the dialer, and a choice of SIMs asks."""
    number = unquote((intent.data or "").removeprefix("tel:"))
    if number in EMERGENCY:
        return False
    if not phone.sims or phone.settings["global"].get("airplane_mode_on") == "1":
        text = "Turn off airplane mode to make a call" if phone.sims else "No SIM card"
        front.ask(phone, Dialog("", text, (("OK", lambda: front.close(phone)),)))
        return False
    chosen = phone.settings["global"].get("multi_sim_voice_call")
    known = [sim for sim in phone.sims if str(sim.subscription) == chosen]
    if len(phone.sims) > 1 and not known:
        buttons = tuple((sim.carrier, _over(phone, number, sim)) for sim in phone.sims)
        front.ask(phone, Dialog(component, "Choose SIM for this call", buttons))
        return True
    _connect(phone, number, known[0] if known else phone.sims[0])
    front.show(phone, component, over_lock=True)
    return True


def _over(phone: Phone, number: str, sim: Sim) -> Callable[[], None]:
    def call() -> None:
        phone.dialog = None
        _connect(phone, number, sim)

    return call


def _connect(phone: Phone, number: str, sim: Sim) -> None:
    phone.called.append(number)
    phone.call_state, phone.call_slot = OFFHOOK, phone.sims.index(sim)


def hang_up(phone: Phone) -> None:
    """End the call, if there is one."""
    phone.call_state, phone.call_slot = IDLE, 0


def _message(phone: Phone, intent: Intent, component: str) -> bool:
    """A text message as a draft."""
    parts = link(intent.data)
    body = intent.text("sms_body") or parse_qs(parts.query).get("body", [""])[0]
    phone.draft = Draft(unquote(parts.path), body, lambda draft: _send_text(phone, draft))
    return False


def _send_text(phone: Phone, draft: Draft) -> None:
    phone.draft = None
    phone.provider.add_sent(draft.to, draft.body, int(phone.clock() * 1000))


def _mail(phone: Phone, intent: Intent, component: str) -> bool:
    """A mail as a draft."""
    uri = intent.data or ""

    def send(draft: Draft) -> None:
        phone.mailed.append((draft.to, uri))
        phone.draft = None
        front.home(phone)

    parts = link(uri)
    phone.draft = Draft(unquote(parts.path), parse_qs(parts.query).get("body", [""])[0], send)
    return False


def _send_to(phone: Phone, intent: Intent, component: str) -> bool:
    mail = link(intent.data).scheme == "mailto"
    return (_mail if mail else _message)(phone, intent, component)


def _alarm(phone: Phone, intent: Intent, component: str) -> bool:
    """An alarm, kept without a screen where that is asked for and the app does it."""
    hour, label = intent.integer(EXTRA + "HOUR"), intent.text(EXTRA + "MESSAGE")
    minute = intent.integer(EXTRA + "MINUTES") or 0
    if hour is None:
        return False  # the app shows its alarms
    return _kept(phone, intent, component, lambda: clock.set_alarm(phone, hour, minute, label))


def _timer(phone: Phone, intent: Intent, component: str) -> bool:
    seconds, label = intent.integer(EXTRA + "LENGTH"), intent.text(EXTRA + "MESSAGE")
    if seconds is None:
        return False
    return _kept(phone, intent, component, lambda: clock.set_timer(phone, seconds, label))


def _kept(phone: Phone, intent: Intent, component: str, keep: Callable[[], None]) -> bool:
    """Keep it; an app that wants a person to save it asks first. Whether nothing is to be shown."""
    if not phone.manners.clock_saves:

        def save() -> None:
            keep()
            front.close(phone)

        front.ask(phone, Dialog(component, "Save?", (("Save", save),)))
        return True
    keep()
    return intent.flag(EXTRA + "SKIP_UI")


def _dismiss_alarms(phone: Phone, intent: Intent, component: str) -> bool:
    clock.dismiss_alarms(phone)
    return True


def _dismiss_timers(phone: Phone, intent: Intent, component: str) -> bool:
    clock.dismiss_timers(phone)
    return True


def _camera(phone: Phone, intent: Intent, component: str) -> bool:
    """The camera, which may first ask for its own permission."""
    if phone.manners.camera is not Camera.ASKS or phone.camera_allowed:
        return False

    def allow() -> None:
        phone.camera_allowed, phone.dialog = True, None
        front.show(phone, component)

    buttons = (("While using the app", allow), ("Don't allow", lambda: front.close(phone)))
    front.ask(phone, Dialog(PERMISSIONS, "Allow Camera to take pictures?", buttons))
    return True


_ACTS: dict[str, Callable[[Phone, Intent, str], bool]] = {
    CALL: _call,
    SENDTO: _send_to,
    SET_ALARM: _alarm,
    SET_TIMER: _timer,
    DISMISS_ALARM: _dismiss_alarms,
    DISMISS_TIMER: _dismiss_timers,
    CAMERA: _camera,
}
"""What an action makes its app do; each tells whether it already chose what is in front."""

_VIEWS = {"mailto": _mail, "sms": _message, "smsto": _message}
