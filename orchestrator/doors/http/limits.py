"""How often something may be done by whoever is named; pure."""

import ipaddress
from collections import OrderedDict
from collections.abc import Collection

from schemas.errors import HubError

MOST = 4_096
"""Names that are remembered; whoever was heard of longest ago is forgotten first."""
TRIES = 10
"""Wrong tokens of one address in a minute; then none is looked at for a while."""
_A_MINUTE = 60.0
TOO_MANY_TRIES = "too many wrong tokens came from your address: wait a little"


class TooOften(HubError):
    """Too much at once."""

    code = "busy"
    passing = True

    def __init__(self, message: str, wait: float) -> None:
        """`wait`: seconds until it may be tried again."""
        super().__init__(message)
        self.wait = wait


def full(users: Collection[str], user: str, most: int, each: int) -> bool:
    """Whether nothing is left for a user of what these hold one of each: `most` in all, and `each`
    of one user, so that nobody keeps all others out."""
    return len(users) >= most or sum(one == user for one in users) >= each


class Buckets:
    """A bucket for each name: `burst` at once, `a_second` in the long run."""

    def __init__(self, a_second: float, burst: int) -> None:
        self._a_second = a_second
        self._burst = burst
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, name: str, now: float) -> float:
        """Seconds until it may be done again, 0 for now; `now`: seconds that only go forward."""
        return max(0.0, (1 - self._left(name, now)) / self._a_second)

    def take(self, name: str, now: float) -> None:
        """It was done once."""
        self._kept[name] = self._left(name, now) - 1, now
        self._kept.move_to_end(name)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)

    def _left(self, name: str, now: float) -> float:
        left, at = self._kept.get(name, (float(self._burst), now))
        return min(float(self._burst), left + (now - at) * self._a_second)


class Tries:
    """Wrong tokens by the address that they come from, wherever they are shown."""

    def __init__(self) -> None:
        self._wrong = Buckets(TRIES / _A_MINUTE, TRIES)

    def check(self, host: str, now: float) -> None:
        """TooOften where no token of this address is looked at now."""
        if wait := self._wrong.wait(_whose(host), now):
            raise TooOften(TOO_MANY_TRIES, wait)

    def wrong(self, host: str, now: float) -> None:
        """A token of this address was none."""
        self._wrong.take(_whose(host), now)


def _whose(host: str) -> str:
    """Whose tries are counted together: an IPv4 address, or the network of an IPv6 one."""
    if ":" not in host or "." in host:
        return host
    return str(ipaddress.ip_network((host.partition("%")[0], 64), strict=False))
