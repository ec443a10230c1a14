"""Who waits for news, and of what."""

from __future__ import annotations

import asyncio

from device_adapters.ha.waiting import Waiting


class Look:
    """Counts how often somebody looks."""

    def __init__(self) -> None:
        self.times = 0
        self.holds = False

    def __call__(self) -> bool:
        self.times += 1
        return self.holds


async def test_news_of_something_else_makes_nobody_look() -> None:
    waiting, mine, others, anything = Waiting(), Look(), Look(), Look()
    async with asyncio.TaskGroup() as group:
        group.create_task(waiting.until(mine, 10, ["mine"]))
        group.create_task(waiting.until(others, 10, ["other", "another"]))
        group.create_task(waiting.until(anything, 10))
        await asyncio.sleep(0)
        before = others.times
        mine.holds = anything.holds = True
        waiting.wake("mine")
        for _ in range(5):
            await asyncio.sleep(0)
        assert others.times == before
        others.holds = True
        waiting.wake("another")


async def test_what_holds_already_is_not_waited_for() -> None:
    look = Look()
    look.holds = True
    async with asyncio.timeout(0):
        assert await Waiting().until(look, 10, ["mine"])


async def test_what_never_holds_ends_in_time_and_leaves_nothing() -> None:
    waiting = Waiting()
    assert not await waiting.until(Look(), 0.01, ["mine"])
    assert not waiting._events
