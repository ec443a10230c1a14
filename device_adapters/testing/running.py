"""How a check of the contract is run: a loop, a bench, an adapter, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

_HELD = 1.0
"""Seconds an adapter may hold the event loop in one go; far above a busy machine's hiccups."""
_TICK = 0.02
_SETTLE = 5.0
"""Seconds in which what an adapter began must have ended after `close`."""


def on_the_bench(check: Callable[..., Awaitable[None]]) -> Callable[[Any, Path], None]:
    """A test of what `check` says of a bench and an adapter that is not connected yet."""

    def test(self: Any, tmp_path: Path) -> None:
        asyncio.run(_run(self, check, tmp_path))

    test.__name__, test.__doc__ = check.__name__, check.__doc__
    return test


async def soon(holds: Callable[[], Awaitable[bool]], within: float, what: str) -> None:
    """Wait for something that another program decides; AssertionError after `within` seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within
    while not await holds():
        assert loop.time() < until, f"waited {within:g} s for {what}"
        await asyncio.sleep(0.02)


async def _run(contract: Any, check: Callable[..., Awaitable[None]], folder: Path) -> None:
    async with contract.bench(folder) as bench:
        driver, hold = contract.driver(bench.site), _Hold()
        watching = asyncio.create_task(hold.watch())
        try:
            # A driver may share one connection among its adapters, for as long as it looks.
            async with driver.finding(lambda _: True, lambda _: None):
                adapter = driver.adapter(bench.device)
                try:
                    await check(contract, bench, adapter)
                finally:
                    await adapter.close()
        finally:
            watching.cancel()
        hold.look()
        assert hold.longest < _HELD, f"the event loop was held for {hold.longest:.2f} s"
    await soon(_over, _SETTLE, "every task to end once the adapter and the bench are closed")


class _Hold:
    """The longest time that nothing else could run in the event loop."""

    def __init__(self) -> None:
        self.longest, self._last = 0.0, asyncio.get_running_loop().time()

    def look(self) -> None:
        """Once more; it is looked every few hundredths of a second."""
        now = asyncio.get_running_loop().time()
        self.longest, self._last = max(self.longest, now - self._last - _TICK), now

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self.look()


async def _over() -> bool:
    return asyncio.all_tasks() == {asyncio.current_task()}
