"""What the hub's own mosquitto is told: who may say and read what, and where it listens. Pure.

A person reads the answers and events of their own, and what there is in the house; what others
asked of the hub is theirs. docs/decisions/0025-mqtt-logins.md says why.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from orchestrator.broker.logins import DEVICES, HOME_ASSISTANT, HUB, LOCAL

OWN = ("command", "devices", "event", "execution", "info", "request", "response", "status")
"""What devices neither say nor hear of all that is under the hub's topic; `device` is theirs."""
HOUSE = ("status", "info", "devices", "device/+/availability", "device/+/state")
"""What everybody in the house may read."""
MOST_CONNECTIONS = 1_000
MOST_WAITING = 10_000
"""Messages kept for a client that is slow: a burst of commands is longer than mosquitto's 1000."""
MOST_WAITING_BYTES = 128 * 1024 * 1024
"""Bytes of them: whoever never reads has the broker keep so much and no more."""
KEPT_FOR = "7d"
"""How long a client may be away before what waits for it is forgotten."""
MOST_UNANSWERED = 64
"""Messages on their way to a client at once; as many as the hub takes."""
LONGEST = 4 * 1024 * 1024
"""Bytes of a message: a thousand devices in one list are a megabyte."""


@dataclass(frozen=True)
class Listen:
    """A further address the broker listens on: with a certificate over TLS, else in the clear."""

    host: str
    port: int
    cert_file: str = ""
    key_file: str = ""


class Rule(NamedTuple):
    """What one login may do, or by `deny` may not, with the topics that match a filter."""

    access: Literal["deny", "read", "write", "readwrite"]
    topics: str


def rules(base: str, users: Iterable[str]) -> dict[str, tuple[Rule, ...]]:
    """Every login's rules; whoever is not named may do nothing, and what is denied stays so."""
    others = {
        HUB: (Rule("readwrite", "#"),),
        DEVICES: (Rule("readwrite", "#"), *_denied(base, (*OWN, "home_assistant"))),
        HOME_ASSISTANT: (Rule("readwrite", "#"), *_denied(base, _but_status())),
    }
    return others | {user: _of_user(base, user) for user in (LOCAL, *users)}


def _of_user(base: str, user: str) -> tuple[Rule, ...]:
    more = ("event", "execution/#") if user == LOCAL else (f"event/{user}",)
    read = (*HOUSE, *more, f"response/{user}/#")
    write = (f"command/{user}", f"request/{user}/#")
    return (
        *(Rule("read", f"{base}/{topic}") for topic in read),
        *(Rule("write", f"{base}/{topic}") for topic in write),
    )


def _denied(base: str, own: Iterable[str]) -> tuple[Rule, ...]:
    return (Rule("deny", base), *(Rule("deny", f"{base}/{one}/#") for one in own))


def _but_status() -> tuple[str, ...]:
    """Home Assistant shows whether the hub is there. It may say so too, to those who read it; the
    hub itself listens to no status."""
    return tuple(one for one in OWN if one != "status")


def acl(known: Mapping[str, Iterable[Rule]]) -> str:
    """The rules as mosquitto's acl_file."""
    lines = []
    for user, own in known.items():
        lines += [f"user {user}", *(f"topic {rule.access} {rule.topics}" for rule in own), ""]
    return "\n".join(lines)


def configuration(folder: Path, port: int, listen: Listen | None, as_user: str = "") -> str:
    """mosquitto.conf; `as_user`: whom a mosquitto that root starts is to run as."""
    lines = [
        "per_listener_settings false",
        "allow_anonymous false",
        f"password_file {folder / 'passwords'}",
        f"acl_file {folder / 'acl'}",
        "set_tcp_nodelay true",
        "persistence true",
        f"persistence_location {folder}/",
        f"max_queued_messages {MOST_WAITING}",
        f"max_queued_bytes {MOST_WAITING_BYTES}",
        f"persistent_client_expiration {KEPT_FOR}",
        f"max_inflight_messages {MOST_UNANSWERED}",
        f"message_size_limit {LONGEST}",
        "log_dest none",
    ]
    if as_user:
        lines.append(f"user {as_user}")
    lines += [f"listener {port} 127.0.0.1", f"max_connections {MOST_CONNECTIONS}"]
    if listen:
        lines += [f"listener {listen.port} {listen.host}", f"max_connections {MOST_CONNECTIONS}"]
        if listen.cert_file:
            lines += [
                f"certfile {listen.cert_file}",
                f"keyfile {listen.key_file}",
                "tls_version tlsv1.2",
            ]
    return "\n".join(lines) + "\n"
