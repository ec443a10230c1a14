"""Who may come in by HTTP: tokens, of which the state folder keeps only the hashes."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Container, Iterator
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
    expires: float | None = None  # seconds since the epoch; None: it lets in until it is revoked
    label: str = ""  # what it is for, as its maker says

    @property
    def id(self) -> str:
        """What a person names it by."""
        return self.digest[:8]

    def over(self, now: float) -> bool:
        """Whether its time is over; `now` in seconds since the epoch."""
        return self.expires is not None and self.expires <= now


_tokens: TypeAdapter[tuple[Token, ...]] = TypeAdapter(tuple[Token, ...])


def digest(secret: str) -> str:
    """Of a random secret of 256 bits, which needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Tokens:
    """The tokens of a state folder; what the command line changes there counts at once. `users`
    are those there are: nobody else's token lets in."""

    def __init__(self, state: Path, users: Container[str] = frozenset()) -> None:
        self._file = state / FILE
        self._users = users
        self._seen: tuple[int, int, int] | None = None
        self._kept: tuple[Token, ...] = ()

    def all(self) -> tuple[Token, ...]:
        """Every token; InvalidSettings where the file is damaged."""
        try:
            there = self._file.stat()
            seen = there.st_ino, there.st_ctime_ns, there.st_size
            if seen != self._seen:  # looked at before it is read: what comes between is read again
                self._kept = _tokens.validate_json(self._file.read_bytes())
                self._seen = seen
            return self._kept
        except FileNotFoundError:
            return ()
        except (OSError, ValidationError) as error:
            what = error.strerror if isinstance(error, OSError) else error.errors()[0]["msg"]
            raise InvalidSettings(f"{self._file}: {what}; remove it to begin anew") from error

    def find(self, secret: str) -> Token | None:
        """The token that this is, if it stands and its user is still there."""
        wanted = digest(secret.strip())
        # Every one is compared, and each in the same time: how long it takes tells nothing.
        found = [one for one in self.all() if hmac.compare_digest(one.digest, wanted)]
        return next((one for one in found if self._good(one)), None)

    def stands(self, digest: str) -> bool:
        """Whether the token of this digest is not over, nobody took it back, and its user is still
        there."""
        return any(one.digest == digest and self._good(one) for one in self.all())

    def issue(self, user: str, expires: float | None = None, label: str = "") -> str:
        """Make a token for a user; it is told once. `expires`: when it ends, in seconds since the
        epoch, None for never; `label`: what it is for."""
        secret = secrets.token_urlsafe(32)
        made = Token(
            user=user, digest=digest(secret), created=time.time(), expires=expires, label=label
        )
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

    def _good(self, token: Token) -> bool:
        return token.user in self._users and not token.over(time.time())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Two command lines at once lose nothing."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with disk.locked(self._file.with_suffix(".lock")):
                yield
        except OSError as error:
            raise NotKept(f"{self._file}: {error.strerror}") from error

    def _write(self, tokens: tuple[Token, ...]) -> None:
        disk.write_private(self._file, json.dumps([one.model_dump() for one in tokens], indent=1))
