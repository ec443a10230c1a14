"""Who is on the web page now: links that are good once, and what they or a token open; in memory.

A browser sends the cookies of 127.0.0.1 to every port there. On a phone any app may listen on one,
and have the browser call it. So each visit lies below a path that nobody else knows, and its cookie
is sent below that path alone; neither is of use without the other.
"""

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.doors.http.access import digest

LINK_LASTS = 600.0
"""Seconds in which a link may be followed; longer than any question is open."""
VISIT_LASTS = 12 * 3600.0
MOST = 64
"""Visits and links of one user by one way; the oldest goes."""


@dataclass(frozen=True)
class Visit:
    """Somebody who may use the page: below which path, by which way in, and what its forms hold so
    that no other page can send them."""

    path: str
    user: str
    way: str
    form: str
    until: float
    token: str = ""  # the digest of the token that opened it

    def sent(self, form: str) -> bool:
        """Whether this is what the forms of this visit hold."""
        return hmac.compare_digest(self.form.encode(), form.encode())


@dataclass
class _Kept:
    visit: Visit
    link: str  # the digest of a link nobody has followed yet
    link_until: float
    cookie: str = ""


class Visits:
    """Every visit and every link that waits for one; `stands` says whether a token still does."""

    def __init__(
        self, stands: Callable[[str], bool], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._stands = stands
        self._now = now
        self._kept: dict[str, _Kept] = {}

    def link(self, user: str, way: str) -> tuple[str, str]:
        """The path of a visit to come, and the secret that opens it once."""
        secret = secrets.token_urlsafe(32)
        kept = self._keep(user, way, "")
        kept.link, kept.link_until = digest(secret), self._now() + LINK_LASTS
        return kept.visit.path, secret

    def open(self, user: str, way: str, token: str) -> tuple[Visit, str]:
        """A visit of somebody who showed a token, and its cookie."""
        kept = self._keep(user, way, token)
        return kept.visit, self._cookie(kept)

    def follow(self, path: str, secret: str, way: str) -> tuple[Visit, str] | None:
        """The visit that a link opens, and its cookie; None where it is no link of this way, is too
        old, or was followed before."""
        kept = self._kept.get(path)
        if kept is None or kept.visit.way != way or not kept.link:
            return None
        if self._now() > kept.link_until or not hmac.compare_digest(kept.link, digest(secret)):
            return None
        kept.link = ""
        return kept.visit, self._cookie(kept)

    def of(self, path: str, cookie: str, way: str) -> Visit | None:
        """The visit below this path, for whoever has its cookie and comes this way."""
        kept = self._kept.get(path)
        if kept is None or not kept.cookie or kept.visit.way != way:
            return None
        if not hmac.compare_digest(kept.cookie, digest(cookie)):
            return None
        return kept.visit if self.lasts(kept.visit) else None

    def lasts(self, visit: Visit) -> bool:
        """Whether a visit is not over."""
        if visit.path not in self._kept or self._now() > visit.until:
            self.end(visit.path)
            return False
        return not visit.token or self._stands(visit.token)

    def end(self, path: str) -> None:
        """End a visit."""
        self._kept.pop(path, None)

    def end_way(self, way: str) -> None:
        """End every visit that came this way, and its links."""
        for path in [path for path, kept in self._kept.items() if kept.visit.way == way]:
            self.end(path)

    def _keep(self, user: str, way: str, token: str) -> _Kept:
        ours = [
            one for one in self._kept.values() if (one.visit.way, one.visit.user) == (way, user)
        ]
        ours.sort(key=lambda kept: bool(kept.cookie))  # links that nobody followed go first
        for old in ours[: max(0, len(ours) - MOST + 1)]:
            self.end(old.visit.path)
        path, form = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        visit = Visit(path, user, way, form, self._now() + VISIT_LASTS, token)
        return self._kept.setdefault(path, _Kept(visit, "", 0.0))

    def _cookie(self, kept: _Kept) -> str:
        cookie = secrets.token_urlsafe(32)
        kept.cookie = digest(cookie)
        return cookie
