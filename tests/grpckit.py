"""What tests that speak gRPC do at their end."""

from __future__ import annotations

import asyncio
import gc
import threading


async def let_go() -> None:
    """Wait until gRPC's own thread has ended: it does with the last channel or server, and those
    end when nothing holds them any more."""
    turns = 0
    async with asyncio.timeout(10):
        while any("_poll_wrapper" in thread.name for thread in threading.enumerate()):
            gc.collect(1 if turns < 20 else 2)  # what is old is seldom it, and takes long
            turns += 1
            await asyncio.sleep(0.005)
