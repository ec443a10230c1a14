"""Announcements that a driver must survive: anybody on the network can make them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from device_adapters.driver import Service

_NAMES = (
    *("", ".", "a" * 63, "x" * 5_000, "\x00", "a\nb", "../../etc/passwd", "$(reboot)", "' OR 1=1"),
    *("é" * 40, "\u202eevil", "{{ 7*7 }}", "<script>", "%s%n", "日本", "\ud800"),
)
_HOSTS = ("", "0.0.0.0", "fe80::1%eth0", "999.1.1.1", "a b", "-o ProxyCommand=x", "h" * 300)
_PORTS = (0, 1, 65_535, 65_536, -1, 10**9)
_PLAIN = Service("", "Living room", "192.0.2.7", 8080, {"id": "abc123", "name": "Living room"})


def hostile_services(kind: str, known: tuple[str, ...] = (), count: int = 200) -> Iterator[Service]:
    """`count` services of an mDNS type, the same ones every time; `known`: properties that the
    driver reads, so that they hold odd things too."""
    chosen = random.Random(kind)
    keys = ("id", "name", "mac", "serial", "version", *known)
    yield _PLAIN._replace(type=kind, name=f"{_PLAIN.name}.{kind}")
    for _ in range(count - 1):
        yield Service(
            kind,
            f"{chosen.choice(_NAMES)}{chosen.choice(('', '.', f'.{kind}'))}",
            chosen.choice((*_HOSTS, _PLAIN.host)),
            chosen.choice((*_PORTS, _PLAIN.port)),
            {chosen.choice(keys): chosen.choice(_NAMES) for _ in range(chosen.randrange(12))},
        )
