"""Who may send how much: a bucket of tokens for each user, a bound on what is under way; pure."""

from dataclasses import dataclass

from orchestrator import texts
from schemas.errors import HubError

MOST_USERS = 1_000
"""Buckets that are kept; whoever has a full one is forgotten first."""


class Busy(HubError):
    """Too many commands are under way; send this one again in a moment."""

    code = "busy"
    passing = True


@dataclass(frozen=True)
class Limits:
    """`a_minute` commands of one user in the long run, `burst` of them at once, and `under_way` of
    all users together, at most half of them one user's."""

    a_minute: int = 600
    burst: int = 200
    under_way: int = 1_000


@dataclass(frozen=True)
class _Bucket:
    tokens: float
    at: float


class Admission:
    """Lets commands in, or says when to come again."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._buckets: dict[str, _Bucket] = {}

    def admit(self, user: str, mine: int, under_way: int, now: float) -> None:
        """Count one command of a user, who has so many under way of all; Busy where there are too
        many. `now`: seconds that only go forward."""
        if under_way >= self.limits.under_way or mine > self.limits.under_way // 2:
            raise Busy
        a_second = self.limits.a_minute / 60
        tokens = self._tokens(user, now, a_second)
        if tokens < 1:
            wait = (1 - tokens) / a_second
            raise Busy(texts.TOO_OFTEN.format(user=user, most=self.limits.a_minute, seconds=wait))
        if user not in self._buckets and len(self._buckets) >= MOST_USERS:
            self._forget(now, a_second)
        self._buckets[user] = _Bucket(tokens - 1, now)

    def _tokens(self, user: str, now: float, a_second: float) -> float:
        bucket = self._buckets.get(user)
        if bucket is None:
            return self.limits.burst
        return min(self.limits.burst, bucket.tokens + (now - bucket.at) * a_second)

    def _forget(self, now: float, a_second: float) -> None:
        """The users whose buckets are fullest: nothing is lost with a full one."""
        fullest = sorted(self._buckets, key=lambda user: -self._tokens(user, now, a_second))
        for user in fullest[: MOST_USERS // 10]:
            del self._buckets[user]
