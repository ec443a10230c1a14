"""One beat for all that looks around regularly: it does so at the same moments, and between them
the processor sleeps, which is dear to wake."""

import asyncio
import math


def next_beat(now: float, every: float) -> float:
    """The next whole multiple of `every` seconds, half of it away at least: a timer that is early
    by the clock's grain does not count as a beat of its own."""
    return (math.floor(now / every + 0.5) + 1) * every


async def beat(every: float) -> None:
    """Sleep until the event loop's next beat: from 0.5 to 1.5 times `every` seconds, then just
    that long from one to the next."""
    loop = asyncio.get_running_loop()
    now = loop.time()
    await asyncio.sleep(next_beat(now, every) - now)
