"""Work that a cancellation does not cut in two."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")
WITHIN = 10.0
"""Seconds a cancellation waits for such work; a disk that is gone must not hold the hub's stop."""


async def unbroken(work: Awaitable[T]) -> T:
    """Do the work as one piece: cancelled meanwhile, it is finished first, then cancelled."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        done, _ = await asyncio.wait([task], timeout=WITHIN)
        if done:
            task.cancelled() or task.exception()  # the cancellation counts for more
        else:
            task.cancel()
        raise
