"""Which installed application a name means."""

import re

from device_adapters.android.session import Session
from schemas.errors import DeviceRefused

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


async def package(session: Session, name: str) -> str:
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
