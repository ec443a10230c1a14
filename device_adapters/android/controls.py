"""Volume, Bluetooth, applications, notifications and the lock screen."""

import re

from device_adapters.android import screen
from device_adapters.android.recipe import Arguments, Present, number, showing, text
from device_adapters.android.session import Session
from schemas.errors import DeviceRefused
from schemas.outcome import Done, Evidence

STREAMS = {"ring": "2", "media": "3", "alarm": "4"}
LEVELS = 10
APPLICATIONS = {
    "browser": "com.android.chrome",
    "calculator": "com.google.android.calculator",
    "calendar": "com.google.android.calendar",
    "camera": "com.google.android.GoogleCamera",
    "clock": "com.google.android.deskclock",
    "gmail": "com.google.android.gm",
    "google maps": "com.google.android.apps.maps",
    "messages": "com.google.android.apps.messaging",
    "photos": "com.google.android.apps.photos",
    "play store": "com.android.vending",
    "whatsapp": "com.whatsapp",
}
"""Names whose package does not hold them; others are looked for in the package's own parts."""

BLUETOOTH_SETTINGS = "android.settings.BLUETOOTH_SETTINGS"
_VOLUME = re.compile(r"volume is (\d+) in range \[(\d+)\.\.(\d+)\]")
_BONDED = re.compile(r"^\s+((?:[\dA-FX]{2}:){5}[\dA-F]{2}) +\[.*\] +(.+?)\s*$", re.MULTILINE)


def scaled(level: int, lowest: int, highest: int) -> int:
    """0-10 on the phone's own scale, halves rounded up."""
    return lowest + int((highest - lowest) * level / LEVELS + 0.5)


def level_of(index: int, lowest: int, highest: int) -> int:
    """The level that sets an index of the phone's own scale, or comes nearest: there may be more
    of them than levels. Where several set it, the lowest."""
    return min(range(LEVELS + 1), key=lambda level: abs(scaled(level, lowest, highest) - index))


async def set_volume(session: Session, arguments: Arguments) -> Done:
    """Set a stream's volume on its own scale, and read it back."""
    level, (kind, stream) = number(arguments, "level"), _stream(arguments)
    _, lowest, highest = await _volume(session, stream)
    index = scaled(level, lowest, highest)
    await session.tell(*stream, "--set", str(index))

    async def look() -> bool | None:
        return (await _volume(session, stream))[0] == index or None

    if not await session.until(look):
        raise DeviceRefused("the phone kept its volume")
    return Done(evidence=Evidence.VERIFIED, detail=f"{kind.capitalize()} volume {level} of 10")


async def present_volume(session: Session, arguments: Arguments) -> Present:
    """The level that a stream has now."""
    return {"level": level_of(*await _volume(session, _stream(arguments)[1]))}


def _stream(arguments: Arguments) -> tuple[str, tuple[str, ...]]:
    """Which volume is meant, and the words that reach it."""
    kind = str(arguments.get("volume_type") or "media")
    return kind, ("cmd", "media_session", "volume", "--stream", STREAMS[kind])


async def _volume(session: Session, stream: tuple[str, ...]) -> tuple[int, int, int]:
    """A stream's index, lowest and highest."""
    match = _VOLUME.search(await session.ask(*stream, "--get"))
    if match is None:
        raise DeviceRefused("the phone does not tell its volume")
    return int(match[1]), int(match[2]), int(match[3])


async def connect_to_bluetooth_device(session: Session, arguments: Arguments) -> Done:
    """Switch Bluetooth on and wait for a known device; else leave its settings page open."""
    name = text(arguments, "device_name")
    await session.tell("cmd", "bluetooth_manager", "enable")
    await session.ask("cmd", "bluetooth_manager", "wait-for-state:STATE_ON")
    address = await _bonded(session, name)

    async def look() -> bool | None:
        return await _connected(session, address) or None

    if await session.until(look):
        return Done(evidence=Evidence.VERIFIED, detail=f"Connected to {name}")
    await screen.unlock(session)
    await screen.start(session, "-a", BLUETOOTH_SETTINGS)
    return Done(evidence=Evidence.DRAFTED, detail=f"Tap {name} on the phone to connect it")


async def _bonded(session: Session, name: str) -> str:
    """The address of the bonded device of this name."""
    dump = await session.ask("dumpsys", "bluetooth_manager")
    known = {found[2]: found[1] for found in _BONDED.finditer(dump)}
    matching = [at for said, at in known.items() if said.casefold() == name.casefold()]
    if len(matching) != 1:
        others = ", ".join(sorted(known)) or "nothing"
        raise DeviceRefused(f"the phone is not paired with one {name}; it knows {others}")
    return matching[0]


async def _connected(session: Session, address: str) -> bool:
    dump = await session.ask("dumpsys", "bluetooth_manager")
    machine = rf"mDevice: {re.escape(address)}\s+StateMachine: \S+ state=Connected\b"
    return re.search(machine, dump) is not None


async def open_application(session: Session, arguments: Arguments) -> Done:
    """Open the one installed application that is meant."""
    name = text(arguments, "name")
    package = await _package(session, name)
    await screen.unlock(session)
    started = await screen.start(session, package)
    return await showing(session, started, f"{name} is open", Evidence.VERIFIED)


async def _package(session: Session, name: str) -> str:
    """The installed package that a name means."""
    said = await session.ask("pm", "list", "packages")
    installed: set[str] = set(re.findall(r"^package:([\w.]+)\s*$", said, re.MULTILINE))
    plain = " ".join(name.casefold().split())
    if APPLICATIONS.get(plain) in installed:
        return APPLICATIONS[plain]
    part = re.sub(r"\W", "", plain) or "?"
    found = [one for one in installed if one.casefold().endswith(f".{part}")]
    found = found or [one for one in installed if part in one.casefold().split(".")]
    if len(found) != 1:
        several = f"several apps could be {name}: {', '.join(sorted(found))}"
        raise DeviceRefused(several if found else f"no app called {name} is installed")
    return found[0]


async def show_notification(session: Session, arguments: Arguments) -> Done:
    """Post a notification; its tag among the phone's notifications is the proof."""
    tag = "octopus-" + re.sub(r"[^\w-]", "", session.key, flags=re.ASCII)
    words = ("cmd", "notification", "post", "-t", "Octopus Hub", tag, text(arguments, "text"))
    await session.tell(*words)

    async def look() -> bool | None:
        dump = await session.ask("dumpsys", "notification", "--noredact")
        return re.search(rf"\btag={re.escape(tag)}(?![\w-])", dump) is not None or None

    seen = await session.until(look)
    evidence = Evidence.VERIFIED if seen else Evidence.UNVERIFIED
    return Done(evidence=evidence, detail="Notification shown")


async def lock_screen(session: Session, arguments: Arguments) -> Done:
    """Put the phone to sleep; the lock screen being up is the proof."""
    await session.tell("input", "keyevent", screen.SLEEP)

    async def look() -> bool | None:
        return await screen.keyguard(session, "showing") or None

    if await session.until(look):
        return Done(evidence=Evidence.VERIFIED, detail="Locked")
    return Done(evidence=Evidence.UNVERIFIED, detail="The screen is off")
