"""What the screen shows: unlocking it, starting activities, seeing which one came up."""

import re
from xml.etree import ElementTree

from device_adapters.android.session import Session
from schemas.errors import DeviceLocked, DeviceRefused

WAKE = "224"
CHOOSERS = ("android", "com.android.intentresolver")
"""Packages that ask which app to use."""

SCREEN = "/sdcard/window_dump.xml"
"""Where `uiautomator` writes by itself, and every shell may."""

_NAMES = ("text", "content-desc", "resource-id")
_BOUNDS = re.compile(r"\[(\d{1,5}),(\d{1,5})\]\[(\d{1,5}),(\d{1,5})\]")
_UNRESOLVED = re.compile(r"unable to resolve Intent|does not exist|No Activity found")
_STARTED = re.compile(r"^Activity: ([\w.]+)/", re.MULTILINE)
_RESUMED = re.compile(r"ResumedActivity[:=] ?ActivityRecord\{\w+ u\d+ ([\w.]+)/")


async def unlock(session: Session) -> None:
    """Wake the screen; raises `DeviceLocked` where only a person can unlock it."""
    await session.ask("input", "keyevent", WAKE)
    if not await keyguard(session, "showing"):
        return
    if await keyguard(session, "secure"):
        raise DeviceLocked
    await session.ask("wm", "dismiss-keyguard")


async def keyguard(session: Session, field: str) -> bool:
    """Whether the lock screen is `showing`, or `secure`."""
    policy = await session.ask("dumpsys", "window", "policy")
    return re.search(rf"^[ \t]*{field}=true\b", policy, re.MULTILINE) is not None


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


async def place(session: Session, pattern: re.Pattern[str]) -> tuple[int, int] | None:
    """The middle of the one thing on the screen whose text, description or id matches whole; None
    where there is none, or more than one."""
    if SCREEN not in (await session.answer("uiautomator", "dump", SCREEN)).stdout:
        return None  # it exits 0 where it could not look
    try:
        root = ElementTree.fromstring((await session.answer("cat", SCREEN)).stdout)
    except ElementTree.ParseError:
        return None
    named = [
        node.get("bounds", "")
        for node in root.iter("node")
        if any(pattern.fullmatch(node.get(name, "")) for name in _NAMES)
    ]
    bounds = _BOUNDS.fullmatch(named[0]) if len(set(named)) == 1 else None
    if bounds is None:
        return None
    left, top, right, bottom = map(int, bounds.groups())
    return (left + right) // 2, (top + bottom) // 2
