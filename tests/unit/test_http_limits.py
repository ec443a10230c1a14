"""How often somebody may: buckets that fill again, and whose tries are counted together."""

from orchestrator.doors.http import limits
from orchestrator.doors.http.limits import Buckets, TooOften, Tries


def test_a_bucket_is_empty_after_its_burst_and_fills_again() -> None:
    buckets = Buckets(a_second=10 / 60, burst=10)
    for _ in range(10):
        assert buckets.wait("a", 100.0) == 0
        buckets.take("a", 100.0)
    assert buckets.wait("a", 100.0) == 6
    assert buckets.wait("a", 103.0) == 3
    assert buckets.wait("a", 106.0) == 0
    assert buckets.wait("b", 100.0) == 0, "everybody has their own"
    assert buckets.wait("a", 1e9) == 0
    for _ in range(10):
        buckets.take("a", 1e9)
    assert buckets.wait("a", 1e9) > 0, "it holds no more than its burst"


def test_only_so_many_names_are_remembered() -> None:
    buckets = Buckets(a_second=1, burst=1)
    for number in range(limits.MOST + 10):
        buckets.take(str(number), 0.0)
    assert len(buckets._kept) == limits.MOST
    assert buckets.wait("0", 0.0) == 0
    assert buckets.wait(str(limits.MOST + 9), 0.0) == 1


def test_whoever_has_a_network_of_ipv6_addresses_has_one_bucket() -> None:
    def together(one: str, other: str) -> bool:
        """Whether what the one tried counts for the other."""
        tries = Tries()
        for _ in range(limits.TRIES):
            tries.check(one, 0.0)
            tries.wrong(one, 0.0)
        try:
            tries.check(other, 0.0)
        except TooOften:
            return True
        return False

    assert together("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::9")
    assert not together("2001:db8:1:2::9", "2001:db8:1:3::9")
    assert together("2001:db8::1", "2001:db8:0:0:7::")
    assert together("fe80::1%eth0", "fe80::2%eth0")
    assert together("192.0.2.1", "192.0.2.1")
    assert not together("192.0.2.1", "192.0.2.2")
    assert not together("::ffff:192.0.2.1", "::ffff:192.0.2.2")
    assert together("", "")
