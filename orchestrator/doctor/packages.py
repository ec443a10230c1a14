"""Is everything installed that the configuration asks for?"""

import importlib.util
from collections.abc import Iterator, Mapping

from orchestrator import device_file, drivers
from orchestrator.doctor.checks import Check, good, wrong
from orchestrator.settings import Settings
from schemas.errors import InvalidSettings

LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "web": ("starlette", "uvicorn"),
    "mail": ("aiosmtplib",),
    "postgres": ("psycopg",),
    "mcp": ("mcp",),
    "wyoming": ("wyoming",),
}
"""What an extra of the package is seen by."""
_OWN = {"adb", "hub"}
"""Protocols that need no driver."""


def package_checks(settings: Settings) -> Iterator[Check]:
    """The extras that sections of hub.toml need, and the drivers of the devices there are."""
    wanted = {
        "web": bool(settings.http.port or settings.console),
        "mcp": settings.mcp.http,
        "wyoming": bool(settings.wyoming.port),
        "mail": bool(settings.email.host),
        "postgres": bool(settings.store.url),
    }
    missing = [name for name, needed in wanted.items() if needed and _lacks(name)]
    for name in missing:
        yield wrong("packages", f"the extra {name} is missing", _install(name))
    broken = list(_broken(settings))
    for said in broken:
        yield wrong("packages", said)
    if not (missing or broken):
        named = ", ".join(name for name, needed in wanted.items() if needed)
        yield good(
            "packages", f"all that the configuration asks for{f': {named}' if named else ''}"
        )


def _broken(settings: Settings) -> Iterator[str]:
    """Devices, approved or written down, that nothing here can speak to."""
    there = (*settings.devices, *device_file.read(settings.state / "devices.json"))
    for protocol in sorted({device.protocol for device in there} - _OWN):
        try:
            drivers.load(protocol)
        except InvalidSettings as error:
            yield str(error)


def _lacks(extra: str) -> bool:
    return any(importlib.util.find_spec(library) is None for library in LIBRARIES[extra])


def _install(extra: str) -> str:
    return f"pip install 'octopus-hub[{extra}]'"
