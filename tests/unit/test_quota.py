"""The quota of what anybody may announce: a flood moves in, and only a little of it."""

from __future__ import annotations

from orchestrator.quota import PAUSE, Entered, Quota


def full(most: int = 4) -> Quota[str]:
    quota: Quota[str] = Quota(most)
    for number in range(most):
        assert quota.enter(f"first-{number}", 0.0) == Entered(True)
    return quota


def test_there_is_room_until_it_is_full() -> None:
    quota = full()
    assert (len(quota), "first-0" in quota, "other" in quota) == (4, True, False)
    assert quota.leave("first-0")
    assert not quota.leave("first-0")
    assert quota.enter("other", 0.0) == Entered(True)
    assert list(quota) == ["first-1", "first-2", "first-3", "other"]


def test_whoever_is_in_stays_in() -> None:
    quota = full()
    assert quota.enter("first-2", 0.0) == Entered(True)
    assert list(quota) == [f"first-{number}" for number in range(4)]


def test_of_a_flood_one_in_a_while_takes_the_place_of_a_newer_one() -> None:
    quota = full()
    assert quota.enter("a", 10.0) == Entered(True, "first-2")
    assert quota.enter("b", 10.0 + PAUSE / 2) == Entered(False)
    assert quota.enter("c", 10.0 + PAUSE) == Entered(True, "first-3")
    assert quota.turned_away == 1
    for number in range(100):
        quota.enter(f"flood-{number}", 20.0 + number * PAUSE)
    assert list(quota) == ["first-0", "first-1", "flood-98", "flood-99"]


def test_a_newcomer_after_a_flood_gets_a_place() -> None:
    quota = full()
    for number in range(1_000):
        quota.enter(f"flood-{number}", 10.0)
    assert (len(quota), quota.turned_away) == (4, 999)
    assert quota.enter("real", 10.0 + PAUSE).there
