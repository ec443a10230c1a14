"""The clock app: alarms and timers that ring when the phone's clock says so."""

from datetime import datetime, timedelta

from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.values import Alarm, Timer

SILENCED_AFTER = 600.0
"""Seconds an alarm rings before it gives up."""

LONGEST_TIMER = 24 * 3600


def package(phone: Phone) -> str:
    """The clock app's package; empty where there is none."""
    return (phone.handler("clock") or "").partition("/")[0]


def due(phone: Phone, alarm: Alarm) -> datetime:
    """When the alarm rings first after it was made."""
    made = phone.now()
    if alarm.made is not None:
        made = datetime.fromtimestamp(alarm.made, made.tzinfo)
    when = made.replace(hour=alarm.hour, minute=alarm.minute, second=0, microsecond=0)
    return when if when > made else when + timedelta(days=1)


def ends(phone: Phone, timer: Timer) -> float:
    """When a timer rings, in seconds since 1970."""
    return (phone.clock() if timer.made is None else timer.made) + timer.seconds


def pending(phone: Phone) -> tuple[list[Alarm], Timer | None]:
    """What Android's alarm manager knows: every alarm to come, and of the timers only the next.

    It forgets all of a package that is stopped by force, until the app is opened again.
    """
    if package(phone) in phone.stopped:
        return [], None
    now = phone.clock()
    alarms = [alarm for alarm in phone.alarms if due(phone, alarm).timestamp() > now]
    timers = [timer for timer in phone.timers if ends(phone, timer) > now]
    return alarms, min(timers, key=lambda timer: ends(phone, timer), default=None)


def ringing(phone: Phone) -> list[Alarm | Timer]:
    """What rings now; the sound system keeps a log of it."""
    if package(phone) in phone.stopped:
        return []
    now = phone.clock()
    alarms = [
        alarm for alarm in phone.alarms if 0 <= now - due(phone, alarm).timestamp() < SILENCED_AFTER
    ]
    found: list[Alarm | Timer] = [
        *alarms,
        *(timer for timer in phone.timers if ends(phone, timer) <= now),
    ]
    if found and phone.rang[-1:] != ["started"]:
        phone.rang.append("started")
    return found


def set_alarm(phone: Phone, hour: int, minute: int, label: str) -> None:
    """Add an alarm; hours and minutes that are none are not taken."""
    if 0 <= hour < 24 and 0 <= minute < 60:
        phone.alarms.append(Alarm(hour, minute, label, phone.clock()))


def set_timer(phone: Phone, seconds: int, label: str) -> None:
    """Start a timer; AOSP's clock takes 1 second to 24 hours."""
    if 0 < seconds <= LONGEST_TIMER:
        phone.timers.append(Timer(seconds, label, phone.clock()))


def dismiss_timers(phone: Phone) -> None:
    """Quiet the timers that ring; the running ones go on."""
    ringing(phone)
    now = phone.clock()
    phone.timers[:] = [timer for timer in phone.timers if ends(phone, timer) > now]
    _quiet(phone)


def dismiss_alarms(phone: Phone) -> None:
    """Quiet the alarms that ring."""
    over = ringing(phone)
    phone.alarms[:] = [alarm for alarm in phone.alarms if alarm not in over]
    _quiet(phone)


def stop(phone: Phone) -> None:
    """Stopped by force: nothing rings, and what rang is forgotten."""
    over = ringing(phone)
    phone.alarms[:] = [alarm for alarm in phone.alarms if alarm not in over]
    phone.timers[:] = [timer for timer in phone.timers if timer not in over]
    _quiet(phone)


def _quiet(phone: Phone) -> None:
    if phone.rang[-1:] == ["started"]:
        phone.rang.append("stopped")
