"""Who may log in at the hub's own broker, each with a generated password of their own."""

import contextlib
import json
import re
import secrets
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.disk import locked, write_private
from schemas.errors import HubError, InvalidSettings

HUB, LOCAL, DEVICES, HOME_ASSISTANT = "hub", "local", "devices", "home_assistant"
"""The hub itself; people at this machine's command line; whatever devices speak MQTT; a Home
Assistant that shows the hub."""
_ALWAYS = (HUB, LOCAL, DEVICES, HOME_ASSISTANT)
_RESERVED = frozenset(_ALWAYS) - {LOCAL}
_FIRST = frozenset({HUB, LOCAL, DEVICES})
"""Those that every file of passwords has held since there is one."""
_USER = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_CLIENT = re.compile(r"[0-9a-f]{16}")


class NoLogin(HubError):
    """The hub's broker has no login of this name."""

    code = "no_login"


@dataclass(frozen=True)
class Login:
    """Where a broker is and how to log in."""

    host: str
    port: int
    username: str | None
    password: str | None = field(repr=False)
    tls: ssl.SSLContext | None = None


def is_user(name: str) -> bool:
    """Whether a name can be a segment of a topic that stands for a user."""
    return _USER.fullmatch(name) is not None


def refuse_reserved(users: Iterable[str]) -> None:
    """InvalidSettings where a person has the name of one of the broker's own logins."""
    if taken := sorted(_RESERVED.intersection(users)):
        raise InvalidSettings(
            f"people.toml: users.{taken[0]}: the hub's broker has a login {taken[0]} of its own: "
            "take another name"
        )


def passwords(state: Path, users: Iterable[str] = ()) -> dict[str, str]:
    """The password of each of the broker's own logins and of these users, made once and kept
    readable by its owner only."""
    wanted = dict.fromkeys((*_ALWAYS, *users))
    file = _file(state)
    with _readable(file):
        known = _read(file) if file.exists() else {}
        if not known or wanted.keys() - known.keys():
            with locked(file.with_name("lock")):
                known = _read(file) if file.exists() else {}
                known |= {user: _new() for user in wanted if user not in known}
                write_private(file, json.dumps(known))
        return {user: known[user] for user in wanted}


def password_of(state: Path, user: str, users: Iterable[str]) -> str:
    """One login's password, made now if there is none yet; `users` are those of people.toml.
    NoLogin names those there are."""
    there = sorted({LOCAL, DEVICES, HOME_ASSISTANT, *filter(is_user, users)} - {HUB})
    if user not in there:
        raise NoLogin(f"the hub's broker has no login {user!r}; there are: {', '.join(there)}")
    return passwords(state, (user,))[user]


def client_id(state: Path, name: str) -> str:
    """What the hub of this name is called at a broker: the same at every start, and nobody can
    guess it, for whoever connects by the same id sends the hub away."""
    file = _file(state).with_name("client_id")
    with _readable(file):
        if not file.exists():
            write_private(file, secrets.token_hex(8))
        known = file.read_text(encoding="utf-8")
        if not _CLIENT.fullmatch(known):
            raise ValueError(known)
    return f"{name}-hub-{known}"


def forget_others(state: Path, users: Iterable[str]) -> None:
    """Keep no password of anybody else: who comes back gets a new one."""
    file = _file(state)
    with _readable(file), locked(file.with_name("lock")):
        known = _read(file)
        kept = {user: known[user] for user in (*_ALWAYS, *users) if user in known}
        if kept.keys() != known.keys():
            write_private(file, json.dumps(kept))


def _file(state: Path) -> Path:
    return state / "broker" / "passwords.json"


def _new() -> str:
    return secrets.token_urlsafe(24)


def _read(file: Path) -> dict[str, str]:
    loaded = json.loads(file.read_text(encoding="utf-8"))
    missing = _FIRST - set(loaded)
    if missing or not all(isinstance(one, str) for one in loaded.values()):
        raise LookupError(missing)
    return dict(loaded)


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Say what is wrong with the file, and what to do."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        yield
    except OSError as error:
        raise InvalidSettings(f"{file}: cannot keep passwords: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InvalidSettings(f"{file} is damaged: remove it and new ones are made") from error
