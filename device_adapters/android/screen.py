"""What the screen shows: unlocking it, starting activities, seeing which one came up."""

import re

from device_adapters.android.session import Session
from schemas.errors import DeviceNeedsPerson, DeviceRefused

WAKE, SLEEP = "224", "223"
CHOOSERS = ("android", "com.android.intentresolver")
"""Packages that ask which app to use."""

_UNRESOLVED = re.compile(r"unable to resolve Intent|does not exist|No Activity found")
_STARTED = re.compile(r"^Activity: ([\w.]+)/", re.MULTILINE)
_RESUMED = re.compile(r"ResumedActivity[:=] ?ActivityRecord\{\S+ u\d+ ([\w.]+)/")


async def unlock(session: Session) -> None:
    """Wake the screen; raises `DeviceNeedsPerson` where only a person can unlock it."""
    await session.ask("input", "keyevent", WAKE)
    if not await keyguard(session, "showing"):
        return
    if await keyguard(session, "secure"):
        raise DeviceNeedsPerson("unlock the phone first")
    await session.ask("wm", "dismiss-keyguard")


async def keyguard(session: Session, field: str) -> bool:
    """Whether the lock screen is `showing`, or `secure`."""
    policy = await session.ask("dumpsys", "window", "policy")
    return re.search(rf"^\s*{field}=true\b", policy, re.MULTILINE) is not None


async def start(session: Session, *intent: str, package: str | None = None) -> str:
    """Start an activity, in `package` if it can; the package that took it."""
    if package is not None:
        answer = await session.answer("pm", "path", package)
        if answer.code == 0 and answer.stdout.startswith("package:"):
            return await _start(session, *intent, "-p", package)
    return await _start(session, *intent)


async def _start(session: Session, *intent: str) -> str:
    try:
        said = await session.tell("am", "start", "-W", *intent)
    except DeviceRefused as exc:
        if _UNRESOLVED.search(str(exc)):
            raise DeviceRefused("no app on the phone can do that") from exc
        raise
    started = _STARTED.search(said)
    return started[1] if started else ""


async def resumed(session: Session, *packages: str) -> str | None:
    """The package in front, once it is one of these; None when patience ends before."""

    async def look() -> str | None:
        found = _RESUMED.search(await session.ask("dumpsys", "activity", "activities"))
        return found[1] if found and found[1] in packages else None

    return await session.until(look)
