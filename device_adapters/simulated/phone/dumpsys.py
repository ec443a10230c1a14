"""`dumpsys`: the few parts that are read back, in Android's own words."""

from collections.abc import Callable
from datetime import datetime, timedelta

from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import Alarm, Phone


def run(phone: Phone, words: Words) -> Result:
    """The `dumpsys` command."""
    part = PARTS.get(words[0]) if words else None
    if part is None:
        return complain(f"Can't find service: {words[0] if words else ''}", 0)
    return say(part(phone))


def _activity(phone: Phone) -> str:
    record = f"ActivityRecord{{a1b2c3d u0 {phone.resumed} t42}}"
    return (
        "ACTIVITY MANAGER ACTIVITIES (dumpsys activity activities)\n"
        f"Display #0 (activities from top to bottom):\n  topResumedActivity={record}\n"
        f"  ResumedActivity: {record}"
    )


def _alarm(phone: Phone) -> str:
    lines = ["Current Alarm Manager state:", "  Settings:", "  pending alarms:"]
    for alarm in phone.alarms:
        when = f"{_next(phone, alarm):%Y-%m-%d %H:%M}:00.000"
        lines += [
            "    RTC_WAKEUP #1: Alarm{5b2 type 0 com.google.android.deskclock}",
            "      tag=*walarm*:com.android.deskclock.ALARM_ALERT",
            "      Alarm clock:",
            f"        triggerTime={when}",
        ]
    for timer in phone.timers:
        lines += [
            "    ELAPSED_WAKEUP #2: Alarm{6c3 type 2 com.google.android.deskclock}",
            "      tag=*walarm*:com.android.deskclock.action.TIMER_EXPIRED",
            f"      whenElapsed=+{timer.seconds}s0ms",
        ]
    return "\n".join(lines)


def _next(phone: Phone, alarm: Alarm) -> datetime:
    """When the alarm rings next, by the phone's clock."""
    now = phone.now()
    when = now.replace(hour=alarm.hour, minute=alarm.minute, second=0, microsecond=0)
    return when if when > now else when + timedelta(days=1)


def _telephony(phone: Phone) -> str:
    return f"last known state:\n  Phone Id=0\n    mCallState={phone.call_state}"


def _bluetooth(phone: Phone) -> str:
    radio = phone.bluetooth
    state = "ON" if radio.on else "OFF"
    lines = ["Bluetooth Status", f"  enabled: {str(radio.on).lower()}", f"  state: {state}"]
    lines += ["AdapterProperties", f"  State: {state}", "  Bonded devices:"]
    lines += [f"    {hidden(at)} [ DUAL ] {name}" for name, at in radio.bonded.items()]
    lines += ["", "Profile: A2dpService"]
    for name in radio.connected:
        lines += [f"  mDevice: {hidden(radio.bonded[name])}"]
        lines += ["    StateMachine: name=A2dpStateMachine state=Connected"]
    return "\n".join(lines)


def hidden(address: str) -> str:
    """An address as newer Androids print it: only the end is shown."""
    return "XX:XX:XX:XX:" + address[-5:]


def _media(phone: Phone) -> str:
    return (
        "MEDIA SESSION SERVICE (dumpsys media_session)\n  Sessions Stack - have 1 sessions:\n"
        "    spotify-media-session com.spotify.music/spotify-media-session (userId=0)\n"
        f"      state=PlaybackState {{state={phone.media_state}, position=0, speed=1.0}}"
    )


def _notification(phone: Phone) -> str:
    lines = ["Current Notification Manager state:", "  Notification List:"]
    for note in phone.notifications:
        lines.append(f"    NotificationRecord(0x1: pkg=com.android.shell id=2020 tag={note.tag} )")
    return "\n".join(lines)


def _power(phone: Phone) -> str:
    state = "Awake" if phone.awake else "Asleep"
    return f"POWER MANAGER (dumpsys power)\nPower Manager State:\n  mWakefulness={state}"


def _window(phone: Phone) -> str:
    showing, secure = str(phone.locked).lower(), str(phone.secure).lower()
    return (
        "WINDOW MANAGER POLICY STATE (dumpsys window policy)\n    KeyguardServiceDelegate\n"
        f"      showing={showing}\n      inputRestricted={showing}\n      secure={secure}"
    )


def _package(phone: Phone) -> str:
    granted = [
        f"      android.permission.{name}: granted={str(given).lower()}"
        for name, given in phone.permissions.items()
    ]
    return "\n".join(["Packages:", "  Package [com.android.shell]:", *granted])


PARTS: dict[str, Callable[[Phone], str]] = {
    "activity": _activity,
    "alarm": _alarm,
    "bluetooth_manager": _bluetooth,
    "media_session": _media,
    "notification": _notification,
    "package": _package,
    "power": _power,
    "telephony.registry": _telephony,
    "window": _window,
}
