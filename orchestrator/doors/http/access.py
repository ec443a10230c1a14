"""Who may come in by the web page: tokens, of which the state folder keeps only the hashes."""

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from orchestrator import disk
from schemas.base import Value
from schemas.errors import HubError, InvalidSettings

FILE = "tokens.json"


class NoSuchToken(HubError):
    """No token has this id."""

    code = "no_such_token"


class NotKept(HubError):
    """The tokens cannot be written."""

    code = "storage"


class Token(Value):
    """What is kept of a token: whose it is, and a digest that the token itself cannot be read from;
    `id` is the digest's beginning, for people."""

    user: str
    digest: str
    created: float  # seconds since the epoch

    @property
    def id(self) -> str:
        """What a person names it by."""
        return self.digest[:8]


_tokens: TypeAdapter[tuple[Token, ...]] = TypeAdapter(tuple[Token, ...])


def digest(secret: str) -> str:
    """Of a random secret of 256 bits, which needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Tokens:
    """The tokens of a state folder; what the command line changes there counts at once. `users`
    are those there are: nobody else's token lets in."""

    def __init__(self, state: Path, users: frozenset[str] = frozenset()) -> None:
        self._file = state / FILE
        self._users = users

    def all(self) -> tuple[Token, ...]:
        """Every token; InvalidSettings where the file is damaged."""
        try:
            return _tokens.validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return ()
        except (OSError, ValidationError) as error:
            what = error.strerror if isinstance(error, OSError) else error.errors()[0]["msg"]
            raise InvalidSettings(f"{self._file}: {what}; remove it to begin anew") from error

    def find(self, secret: str) -> Token | None:
        """The token that this is, if its user is still there."""
        wanted = digest(secret.strip())
        mine = (one for one in self.all() if one.user in self._users)
        return next((one for one in mine if one.digest == wanted), None)

    def stands(self, digest: str) -> bool:
        """Whether nobody took back the token of this digest."""
        return any(one.digest == digest for one in self.all())

    def issue(self, user: str) -> str:
        """Make a token for a user; it is told once."""
        secret = secrets.token_urlsafe(32)
        made = Token(user=user, digest=digest(secret), created=time.time())
        with self._locked():
            self._write((*self.all(), made))
        return secret

    def revoke(self, identity: str) -> Token:
        """Take a token back; whoever came in with it is out."""
        with self._locked():
            kept = self.all()
            gone = next((one for one in kept if one.id == identity), None)
            if gone is None:
                raise NoSuchToken(f"no token {identity!r}: see `octopus token list`")
            self._write(tuple(one for one in kept if one is not gone))
        return gone

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Two command lines at once lose nothing."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._file.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise NotKept(f"{self._file}: {error.strerror}") from error

    def _write(self, tokens: tuple[Token, ...]) -> None:
        partial = self._file.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump([one.model_dump() for one in tokens], stream, indent=1)
        disk.give(partial, self._file.parent)
        partial.replace(self._file)
