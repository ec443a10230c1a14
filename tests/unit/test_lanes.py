"""Turns on devices: in order, never more than a device takes, and none lost or doubled."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator import lanes as lanes_module
from orchestrator.lanes import Lanes, LineFull


async def _pass() -> None:
    """Let everything that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


class Line:
    """Tasks that wait for turns, in the order they asked; `came` are those that got one."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.came: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def ask(self, device: str = "phone") -> asyncio.Task[None]:
        """One more in line."""

        async def wait(number: int) -> None:
            await self.lanes.turn(device)
            self.came.append(number)

        self.tasks.append(asyncio.create_task(wait(len(self.tasks))))
        await _pass()
        return self.tasks[-1]

    async def leave(self) -> None:
        """Cancel whoever waits still."""
        for task in self.tasks:
            task.cancel()
        ended = await asyncio.gather(*self.tasks, return_exceptions=True)
        assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ended)


async def test_a_device_gets_no_more_than_it_takes_and_another_its_own() -> None:
    lanes = Lanes({"phone": 2, "lamp": 1}.__getitem__)
    assert [lanes.take("phone") for _ in range(3)] == [True, True, False]
    assert [lanes.take("lamp") for _ in range(2)] == [True, False]
    lanes.give_back("phone")
    assert [lanes.take("phone") for _ in range(2)] == [True, False]


async def test_turns_come_in_the_order_they_were_asked_for() -> None:
    line = Line(Lanes(lambda _: 1))
    for _ in range(4):
        await line.ask()
    assert line.came == [0]
    for _ in range(3):
        line.lanes.give_back("phone")
        await _pass()
    assert line.came == [0, 1, 2, 3]


async def test_nobody_gets_in_before_those_who_wait() -> None:
    line = Line(Lanes(lambda _: 1))
    for _ in range(3):
        await line.ask()
    line.lanes.give_back("phone")
    assert not line.lanes.take("phone")  # it is the next one's, who does not know yet
    await _pass()
    line.lanes.give_back("phone")
    await _pass()
    assert line.came == [0, 1, 2]
    line.lanes.give_back("phone")
    assert line.lanes.take("phone")


async def test_who_leaves_the_line_holds_nobody_up() -> None:
    line = Line(Lanes(lambda _: 1))
    for _ in range(4):
        await line.ask()
    line.tasks[1].cancel()
    line.tasks[2].cancel()
    await _pass()
    line.lanes.give_back("phone")
    await _pass()
    assert line.came == [0, 3]
    assert line.tasks[1].cancelled()
    line.lanes.give_back("phone")
    assert line.lanes.take("phone")


@pytest.mark.parametrize("first", ["the turn", "the cancellation"])
async def test_a_turn_that_comes_as_its_waiter_is_cancelled_goes_on(first: str) -> None:
    line = Line(Lanes(lambda _: 1))
    for _ in range(3):
        await line.ask()
    if first == "the turn":
        line.lanes.give_back("phone")
        line.tasks[1].cancel()
    else:
        line.tasks[1].cancel()
        line.lanes.give_back("phone")
    await _pass()
    assert line.tasks[1].cancelled()
    assert line.came == [0, 2]
    line.lanes.give_back("phone")
    assert [line.lanes.take("phone") for _ in range(2)] == [True, False]


async def test_the_last_in_line_cancelled_as_its_turn_comes_leaves_it_free() -> None:
    line = Line(Lanes(lambda _: 1))
    await line.ask()
    waiting = await line.ask()
    waiting.cancel()
    line.lanes.give_back("phone")
    await _pass()
    assert waiting.cancelled()
    assert [line.lanes.take("phone") for _ in range(2)] == [True, False]


async def test_a_turn_that_comes_as_patience_ends_is_not_lost() -> None:
    line = Line(Lanes(lambda _: 1))
    await line.ask()

    async def impatient() -> None:
        async with asyncio.timeout_at(asyncio.get_running_loop().time()):
            await line.lanes.turn("phone")

    waiting = asyncio.create_task(impatient())
    asyncio.get_running_loop().call_soon(line.lanes.give_back, "phone")
    with pytest.raises(TimeoutError):
        await waiting
    assert [line.lanes.take("phone") for _ in range(2)] == [True, False]


async def test_a_line_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "LONGEST", 2)
    line = Line(Lanes(lambda _: 1))
    for _ in range(3):
        await line.ask()
    with pytest.raises(LineFull):
        await line.lanes.turn("phone")
    await asyncio.wait_for(line.lanes.turn("lamp"), 1)  # another device's line is another
    line.tasks[2].cancel()
    await _pass()
    await line.ask()
    with pytest.raises(LineFull):
        await line.lanes.turn("phone")
    line.lanes.give_back("phone")
    line.lanes.give_back("phone")
    await _pass()
    assert line.came == [0, 1, 3]


MOVES = st.lists(
    st.tuples(st.sampled_from(["take", "ask", "cancel", "give", "pass"]), st.integers(0, 7)),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(MOVES, st.integers(1, 3))
def test_no_turn_is_ever_lost_or_doubled(moves: list[tuple[str, int]], at_once: int) -> None:
    asyncio.run(_walk(moves, at_once))


async def _walk(moves: list[tuple[str, int]], at_once: int) -> None:
    """Moves follow each other at once; only `ask` and `pass` let the loop run between them."""
    lanes = Lanes(lambda _: at_once)
    line, taken, given = Line(lanes), 0, 0
    for move, which in moves:
        held = taken + len(line.came) - given
        if move == "take":
            taken += lanes.take("phone")
        elif move == "ask":
            await line.ask()
        elif move == "cancel" and line.tasks:
            line.tasks[which % len(line.tasks)].cancel()
        elif move == "give" and held:
            lanes.give_back("phone")
            given += 1
        elif move == "pass":
            await _pass()
            waiting = any(not task.done() for task in line.tasks)
            assert taken + len(line.came) - given == at_once or not waiting
        assert taken + len(line.came) - given <= at_once
    await line.leave()
    assert line.came == sorted(line.came)
    for _ in range(taken + len(line.came) - given):
        lanes.give_back("phone")
    assert [lanes.take("phone") for _ in range(at_once + 1)] == [True] * at_once + [False]
