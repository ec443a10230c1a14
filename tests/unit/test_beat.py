"""Whatever looks around regularly does so at the same moments."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from device_adapters.beat import beat, next_beat

EVERY = st.floats(0.01, 60)
CLOCK = st.floats(0, 1e7)


@given(now=CLOCK, every=EVERY)
def test_the_next_beat_is_a_multiple_half_to_one_and_a_half_away(now: float, every: float) -> None:
    at = next_beat(now, every)
    assert abs(at / every - round(at / every)) < 1e-6
    assert 0.499 * every <= at - now <= 1.501 * every


@given(every=EVERY, count=st.integers(0, 100_000), early=st.floats(0, 0.1))
def test_a_timer_that_is_early_is_no_beat_of_its_own(
    every: float, count: int, early: float
) -> None:
    assert round(next_beat((count - early) * every, every) / every) == count + 1


async def test_nobody_is_woken_before_the_beat() -> None:
    loop = asyncio.get_running_loop()
    for _ in range(5):
        due = next_beat(loop.time(), 0.02)
        await beat(0.02)
        assert loop.time() >= due - 0.001
