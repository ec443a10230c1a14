"""Can the hub listen where its configuration says, or does it?"""

import socket
from collections.abc import Iterator

from orchestrator import device_file
from orchestrator.doctor.broker import unusable
from orchestrator.doctor.certificates import of_file
from orchestrator.doctor.checks import Check, good, warning, wrong
from orchestrator.settings import Settings
from schemas.device import Kind

_WITHIN = 2.0
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where to knock at what listens everywhere."""


def port_checks(settings: Settings, runs: bool | None) -> Iterator[Check]:
    """What the hub listens on beside its broker's own port, and the phones that show its page."""
    http, wyoming, network = settings.http, settings.wyoming, settings.broker.listening()
    if network:
        yield _port("broker for others", network.host, network.port, "broker.listen", runs)
    if http.port:
        yield _port("page", http.listen, http.port, "http.port", runs)
    if http.port and http.cert_file:
        yield of_file("page's certificate", http.cert_file, http.key_file)
    if wyoming.port:
        yield _port("Wyoming", wyoming.listen, wyoming.port, "wyoming.port", runs)
    yield from _twice(settings)
    yield from _consoles(settings)


def _twice(settings: Settings) -> Iterator[Check]:
    """One port for two of the hub's own doors: each of them is free as long as no hub runs."""
    own, network = settings.broker.address() is None, settings.broker.listening()
    wanted = {
        "broker.port": settings.broker.port if own else 0,
        "broker.listen": network.port if network else 0,
        "http.port": settings.http.port,
        "wyoming.port": settings.wyoming.port,
    }
    for port in {*wanted.values()} - {0}:
        names = [name for name, one in wanted.items() if one == port]
        if len(names) > 1:
            both = f"{' and '.join(names)} are both {port}"
            yield wrong("ports", both, "give each a port of its own in hub.toml")


def _port(name: str, host: str, port: int, setting: str, runs: bool | None) -> Check:
    if runs is None:
        return warning(name, "whether a hub runs cannot be seen from here", "be its user")
    at = f"{host}:{port}"
    if not runs and (why := unusable(host, port)):
        return wrong(name, f"no hub runs, and {why}", f"change that, or {setting} in hub.toml")
    if not runs:
        return good(name, f"{at} is free")
    if _answers(host, port):
        return good(name, f"something answers at {at}")
    said = f"a hub runs, and nothing answers at {at}"
    return wrong(name, said, "restart the hub: its log says what keeps it from listening")


def _answers(host: str, port: int) -> bool:
    here = _HERE.get(host, host)
    try:
        socket.create_connection((here, port), timeout=_WITHIN).close()
    except OSError:
        return False
    return True


def _consoles(settings: Settings) -> Iterator[Check]:
    kept = device_file.read(settings.state / "devices.json") if settings.console else ()
    approved = [one for one in (*settings.devices, *kept) if one.kind is Kind.PHONE]
    for console in settings.console:
        wanted = console.device.casefold()
        if any(wanted in (one.id.casefold(), one.name.casefold()) for one in approved):
            yield good("console", f"{console.device} is an approved phone")
        else:
            said = f"no approved phone is called {console.device}"
            yield warning("console", said, f"octopus devices approve {console.device}")
