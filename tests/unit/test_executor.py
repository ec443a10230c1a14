"""Plans on devices: together where they may, each in its turn, held for a device that is away, and
stopped so that nothing is lost, doubled or made up."""

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator import executor, lanes
from orchestrator.catalogue import Catalogue
from orchestrator.journal import JournalUnavailable
from orchestrator.journal import journal as journal_module
from orchestrator.policy import Policy, Rule, Verdict
from schemas.call import Invocation
from schemas.command import Command
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.execution import Execution, StepState
from schemas.outcome import Done, Evidence, Failed, Skipped
from schemas.plan import Argument, Ref, Step
from tests.hubkit import Rig, ScriptedAdapter, command, plan, rig

ONCE, SET, READ, PROBEABLE = "take_a_photo", "set_volume", "get_weather_forecast", "create_contact"
TEXT = "send_text_message"
FREELY = Policy(rules=(Rule(function=(TEXT, PROBEABLE), verdict=Verdict.ALLOW),))
DONE = Done(evidence=Evidence.VERIFIED, result="sunny")


class Phone:
    """A phone that keeps each call until the test lets it go on."""

    def __init__(self, identity: str, catalogue: Catalogue, *, at_once: int = 4) -> None:
        functions = frozenset(f.name for f in catalogue)
        self.device = Device(
            id=identity, kind=Kind.PHONE, name=f"the {identity}", protocol="test",
            functions=tuple(functions), at_once=at_once, approved=True,
        )  # fmt: skip
        self.adapter = ScriptedAdapter(functions, self._call)
        self.heard: list[str] = []
        self.under_way: set[str] = set()
        self.most = 0
        self.errors: list[Exception] = []
        self._gates: dict[str, asyncio.Event] = {}
        self._news = asyncio.Condition()

    async def _call(self, invocation: Invocation) -> Done:
        async with self._news:
            self.heard.append(invocation.key)
            self.under_way.add(invocation.key)
            self.most = max(self.most, len(self.under_way))
            self._news.notify_all()
        try:
            await self._gate(invocation.key).wait()
        finally:
            self.under_way.discard(invocation.key)
        if self.errors:
            raise self.errors.pop(0)
        return DONE

    def _gate(self, key: str) -> asyncio.Event:
        return self._gates.setdefault(key, asyncio.Event())

    def let(self, *keys: str) -> None:
        """Let these calls go on."""
        for key in keys:
            self._gate(key).set()

    async def hears(self, *keys: str) -> None:
        """Wait until these calls, and no others, have come, in this order."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.heard) >= len(keys))
        assert self.heard == list(keys)


def step(index: int, device: str, function: str = ONCE, **arguments: Argument) -> Step:
    return Step(index=index, function=function, arguments=arguments, device=device)


def after(index: int, needed: int, device: str) -> Step:
    """A step that needs another one's result."""
    message: dict[str, Argument] = {"contact_name": "John", "message": Ref(step=needed)}
    return Step(index=index, function=TEXT, arguments=message, device=device)


async def ended(hub: Rig, identity: str) -> Execution:
    """A command's record, once it has ended; the rest of the hub goes on."""
    while True:
        record = await hub.journal.get(identity)
        assert record is not None
        if record.ended is not None:
            return record
        await asyncio.sleep(0)


async def quiet(hub: Rig) -> None:
    """Until whatever can go on has done so."""
    for _ in range(10):
        await hub.journal.get("c1")


def states(record: Execution | None) -> list[str]:
    assert record is not None
    return [str(its.state) for its in record.steps]


def told(hub: Rig, identity: str, step: int) -> list[str]:
    return [event.state for event in hub.events if (event.id, event.step) == (identity, step)]


# Together, and in turn


async def test_steps_run_together_as_far_as_their_device_takes_it(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    two, one = Phone("two", catalogue, at_once=2), Phone("one", catalogue, at_once=1)
    more = [(phone.device, phone.adapter) for phone in (two, one)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        steps = [step(index, "two" if index < 5 else "one") for index in range(7)]
        await hub.start(command("x"), *steps)
        await two.hears("c1/0", "c1/1")
        await one.hears("c1/5")
        await quiet(hub)
        assert states(await hub.journal.get("c1")) == [
            *["dispatched"] * 2, *["pending"] * 3, "dispatched", "pending",
        ]  # fmt: skip
        two.let("c1/1")
        await two.hears("c1/0", "c1/1", "c1/2")
        one.let("c1/5")
        await one.hears("c1/5", "c1/6")
        two.let("c1/0", "c1/2", "c1/3", "c1/4")
        one.let("c1/6")
        record = await ended(hub, "c1")
        assert (record.state, states(record)) == ("succeeded", ["succeeded"] * 7)
        assert (two.most, one.most) == (2, 1)


async def test_commands_share_a_device_in_the_order_they_asked_for_it(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    phone = Phone("one", catalogue, at_once=1)
    more = [(phone.device, phone.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        read = step(0, "one", READ, location="Seoul")
        await hub.start(command("x"), read, after(1, 0, "one"), step(2, "one"))
        await phone.hears("c1/0")
        await hub.start(command("y", "c2"), step(0, "one"), step(1, "one"))
        await quiet(hub)
        order = ["c1/0", "c1/2", "c2/0", "c2/1", "c1/1"]  # c1/1 came later: it needed c1/0
        for count in range(1, len(order) + 1):
            await phone.hears(*order[:count])
            phone.let(order[count - 1])
        assert (await ended(hub, "c1")).state == "succeeded"
        assert (await ended(hub, "c2")).state == "succeeded"
        assert phone.most == 1


async def test_a_blocked_device_holds_up_no_other(tmp_path: Path, catalogue: Catalogue) -> None:
    blocked, free = Phone("blocked", catalogue, at_once=1), Phone("free", catalogue, at_once=1)
    more = [(phone.device, phone.adapter) for phone in (blocked, free)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        for number in range(20):
            await hub.start(command("x", f"b{number}"), step(0, "blocked"))
        await hub.start(command("y", "both"), step(0, "blocked"), step(1, "free"))
        for number in range(20):
            await hub.start(command("z", f"f{number}"), step(0, "free"))
            free.let(f"f{number}/0")
        free.let("both/1")
        for number in range(20):
            assert (await ended(hub, f"f{number}")).state == "succeeded"
        assert blocked.heard == ["b0/0"]
        assert states(await hub.journal.get("both")) == ["pending", "succeeded"]
        blocked.let("both/0", *(f"b{number}/0" for number in range(20)))
        assert (await ended(hub, "both")).state == "succeeded"


async def test_a_step_whose_turn_does_not_come_in_time_fails_unsent(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    phone = Phone("one", catalogue, at_once=1)
    more = [(phone.device, phone.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more, within=0.05) as hub:
        await hub.start(command("x"), step(0, "one"))
        await phone.hears("c1/0")
        await hub.start(command("y", "c2"), step(0, "one", READ), after(1, 0, "one"))
        record = await ended(hub, "c2")
        late = record.steps[0].outcome
        assert isinstance(late, Failed)
        assert (late.code, late.reason) == ("deadline", "its turn did not come within 0.05 s")
        assert isinstance(record.steps[1].outcome, Skipped)
        assert record.steps[0].started is None
        phone.let("c1/0")
        assert (await ended(hub, "c1")).state == "succeeded"
        assert phone.heard == ["c1/0"]
        await hub.start(command("z", "c3"), step(0, "one"))  # the turn it did not take is free
        phone.let("c3/0")
        assert (await ended(hub, "c3")).state == "succeeded"


async def test_a_line_that_is_full_is_said(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "LONGEST", 1)
    phone = Phone("one", catalogue, at_once=1)
    more = [(phone.device, phone.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.start(command("x"), *(step(index, "one") for index in range(3)))
        await phone.hears("c1/0")
        phone.let("c1/0", "c1/1")
        record = await ended(hub, "c1")
        assert (record.state, states(record)) == ("partly", ["succeeded", "succeeded", "failed"])
        assert "too many calls wait for this device" in record.answer.lower()


async def test_a_plan_that_cannot_run_ends_with_the_reason_and_nothing_is_sent(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    phone = Phone("one", catalogue)
    more = [(phone.device, phone.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        bad = [
            (step(0, "one"), step(1, "one", "fly")),
            (step(0, "one"), after(1, 1, "one")),
            (step(0, "one"), after(1, 0, "one")),
            tuple(step(index, "one") for index in range(101)),
        ]
        said = ["no function fly", "does not come before it", "cannot be the message", "101 steps"]
        for number, (steps, reason) in enumerate(zip(bad, said, strict=True)):
            await hub.start(command("x", f"c{number}"), *steps)
            record = await ended(hub, f"c{number}")
            assert (record.state, reason in record.answer) == ("failed", True), record.answer
            assert all(its.started is None for its in record.steps)
            assert {event.step for event in hub.events if event.state == "dispatched"} == set()
        assert phone.heard == []


# What a device may do


HALF = "half \ud83d"
"""A text with half a character, which no database takes."""


@pytest.mark.parametrize(
    ("end", "ends"),
    [
        (Done(evidence=Evidence.VERIFIED, result=HALF), ["succeeded", "succeeded"]),
        (DeviceRefused(HALF), ["failed", "skipped"]),
        (RuntimeError(HALF), ["failed", "skipped"]),
        (None, ["failed", "skipped"]),
    ],
    ids=["done", "refused", "bug", "nothing"],
)
async def test_whatever_an_adapter_gives_the_plan_ends(
    tmp_path: Path,
    catalogue: Catalogue,
    end: Any,
    ends: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)  # half a character in a report stops pytest's own workers

    async def give(_: Invocation) -> Done:
        if isinstance(end, Exception):
            raise end
        return end  # type: ignore[no-any-return]

    async with rig(tmp_path, catalogue, {}, policy=FREELY, call=give) as hub:
        await hub.start(command("x"), step(0, "hub", READ, location="Seoul"), after(1, 0, "p1"))
        record = await ended(hub, "c1")
        assert states(record) == ends
        assert [event.record for event in hub.events if event.record] == [record]


async def test_an_adapter_that_cancels_its_own_call_ends_the_step_and_not_the_plan(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    """One that is closed meanwhile may cancel what its callers wait for."""

    async def give_up(call: Invocation) -> Done:
        if call.function == READ:
            raise asyncio.CancelledError
        return DONE

    async with rig(tmp_path, catalogue, {}, policy=FREELY, call=give_up) as hub:
        read = step(0, "hub", READ, location="Seoul")
        await hub.start(command("x"), read, after(1, 0, "p1"), step(2, "p1"))
        record = await ended(hub, "c1")
        assert (record.state, states(record)) == ("partly", ["failed", "skipped", "succeeded"])


# Held for a device that is away


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that is away is looked for every 10 ms."""
    monkeypatch.setattr(executor, "HELD", (0.01,))


class Away(Phone):
    """A phone that is away until the test brings it back."""

    def __init__(self, identity: str, catalogue: Catalogue, *, at_once: int = 4) -> None:
        super().__init__(identity, catalogue, at_once=at_once)
        self.tries = 0
        self.away = True

    async def _call(self, invocation: Invocation) -> Done:
        if self.away:
            async with self._news:
                self.tries += 1
                self._news.notify_all()
            raise DeviceUnavailable("it is away")
        return await super()._call(invocation)

    async def tried(self, times: int) -> None:
        """Wait until it was looked for so often."""
        async with self._news:
            await self._news.wait_for(lambda: self.tries >= times)


def held(seconds: float, identity: str = "c1") -> Command:
    return command("x", identity, hold=time.time() + seconds)


async def test_a_held_step_runs_once_when_its_device_comes_back(
    tmp_path: Path, catalogue: Catalogue, impatient: None
) -> None:
    phone = Away("one", catalogue)
    more = [(phone.device, phone.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.start(held(60), step(0, "one"), step(1, "p1"))
        await phone.tried(3)
        await quiet(hub)
        assert set(told(hub, "c1", 0)) == {"dispatched", "pending"}
        assert any("the device is away" in event.text for event in hub.events)
        phone.away = False
        await phone.hears("c1/0")
        phone.let("c1/0")
        record = await ended(hub, "c1")
        assert (record.state, phone.heard) == ("succeeded", ["c1/0"])
        assert told(hub, "c1", 0)[-2:] == ["dispatched", "succeeded"]


async def test_a_device_that_stays_away_fails_the_step_at_the_end_of_the_hold_or_at_once(
    tmp_path: Path, catalogue: Catalogue, impatient: None
) -> None:
    phone = Away("one", catalogue)
    more = [(phone.device, phone.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.start(held(0.1), step(0, "one"))
        record = await ended(hub, "c1")
        failed = record.steps[0].outcome
        assert isinstance(failed, Failed)
        assert failed.code == "unavailable"
        assert phone.tries > 1
        assert record.ended is not None
        assert record.command.hold is not None
        assert record.ended >= record.command.hold
        for sent in (command("x", "c2"), held(-1, "c3")):
            phone.tries = 0
            await hub.start(sent, step(0, "one"))
            assert (await ended(hub, sent.id)).state == "failed"
            assert phone.tries == 1


async def test_a_held_step_is_tried_a_last_time_when_the_hold_ends(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the next look would be off."""
    monkeypatch.setattr(executor, "HELD", (60.0,))
    phone = Away("one", catalogue)
    more = [(phone.device, phone.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.start(held(0.15), step(0, "one"))
        await phone.tried(1)
        phone.away = False
        phone.let("c1/0")
        assert (await ended(hub, "c1")).state == "succeeded"


async def test_held_steps_wait_for_their_turns_longer_than_others(
    tmp_path: Path, catalogue: Catalogue, impatient: None
) -> None:
    """The time for a turn begins anew when the device is back: others came back for it too."""
    phone = Away("one", catalogue, at_once=1)
    more = [(phone.device, phone.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more, within=0.2) as hub:
        await hub.start(held(60), step(0, "one"), step(1, "one"))
        await asyncio.sleep(0.25)
        phone.away = False
        async with phone._news:
            await phone._news.wait_for(lambda: phone.heard)
        await asyncio.sleep(0.05)  # the other one comes for its turn too
        phone.let("c1/0", "c1/1")
        record = await ended(hub, "c1")
        assert (record.state, sorted(phone.heard)) == ("succeeded", ["c1/0", "c1/1"])


async def test_a_held_step_is_held_over_a_restart(
    tmp_path: Path, catalogue: Catalogue, impatient: None
) -> None:
    phone = Away("one", catalogue)
    more = [(phone.device, phone.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.start(held(60), step(0, "one"), step(1, "p1"))
        await phone.tried(2)
        await hub.pipeline.drain(0)
        record = await hub.journal.get("c1")
        assert record is not None
        assert (record.state, states(record)[0]) == ("running", "pending")
        tries = phone.tries
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.pipeline.recover()
        await phone.tried(tries + 2)
        phone.away = False
        await phone.hears("c1/0")
        phone.let("c1/0")
        record = await ended(hub, "c1")
        assert (record.state, states(record)) == ("succeeded", ["succeeded"] * 2)
        assert phone.heard == ["c1/0"]


async def test_a_stop_while_the_device_is_looked_for_gives_up_nothing(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    """It heard nothing: the step waits for it still after the next start."""
    phone = Phone("one", catalogue)
    phone.errors = [DeviceUnavailable("it is away")]
    more = [(phone.device, phone.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.start(held(60), step(0, "one"))
        await phone.hears("c1/0")
        stopping = asyncio.create_task(hub.pipeline.drain(0))
        await quiet(hub)
        phone.let("c1/0")
        await stopping
        assert states(await hub.journal.get("c1")) == ["pending"]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.pipeline.recover()
        assert states(await ended(hub, "c1")) == ["succeeded"]
        assert phone.heard == ["c1/0"] * 2


async def test_a_journal_that_is_away_fails_a_held_step_and_no_other(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, other = Away("one", catalogue), Phone("other", catalogue)
    more = [(phone.device, phone.adapter), (other.device, other.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        commit = hub.journal._commit
        monkeypatch.setattr(journal_module, "RETRY", 0.01)

        def refused(_: Any, changes: list[Any]) -> list[Any]:
            return [JournalUnavailable("j.db: disk full")] * len(changes)

        await hub.start(held(60), step(0, "one"), step(1, "other"))
        await other.hears("c1/1")
        monkeypatch.setattr(hub.journal, "_commit", refused)
        await phone.tried(1)
        await asyncio.sleep(0.05)
        monkeypatch.setattr(hub.journal, "_commit", commit)
        other.let("c1/1")
        record = await ended(hub, "c1")
        assert (record.state, states(record)) == ("partly", ["failed", "succeeded"])


# Cancelled


async def test_a_cancel_stops_what_waits_at_once(
    tmp_path: Path, catalogue: Catalogue, impatient: None
) -> None:
    phone, away = Phone("one", catalogue, at_once=1), Away("away", catalogue)
    more = [(phone.device, phone.adapter), (away.device, away.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.start(command("x", "before"), step(0, "one"))
        await phone.hears("before/0")
        read = step(0, "one", READ, location="Seoul")
        await hub.start(held(60), read, after(1, 0, "p1"), step(2, "away"))
        await away.tried(1)
        began = asyncio.get_running_loop().time()
        await hub.pipeline.cancel("c1", "ann")
        assert asyncio.get_running_loop().time() - began < executor.SAY_WITHIN
        record = await ended(hub, "c1")
        assert (record.state, states(record)) == ("cancelled", ["cancelled"] * 3)
        tries = away.tries
        phone.let("before/0")
        await ended(hub, "before")
        await quiet(hub)
        assert (phone.heard, hub.adapter.calls, away.tries) == (["before/0"], [], tries)


@pytest.mark.parametrize("function", [ONCE, PROBEABLE])
async def test_a_cancelled_call_that_soon_ends_is_recorded_as_it_ended(
    tmp_path: Path, catalogue: Catalogue, function: str
) -> None:
    phone = Phone("one", catalogue, at_once=1)
    more = [(phone.device, phone.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.start(command("x"), step(0, "one", function), step(1, "one"))
        await phone.hears("c1/0")
        cancelling = asyncio.create_task(hub.pipeline.cancel("c1", "ann"))
        await quiet(hub)
        assert not cancelling.done()
        phone.let("c1/0")
        await cancelling
        record = await ended(hub, "c1")
        assert (record.state, states(record)) == ("partly", ["succeeded", "cancelled"])
        assert phone.heard == ["c1/0"]


@pytest.mark.parametrize("function", [ONCE, PROBEABLE, SET])
async def test_a_cancelled_call_that_says_nothing_is_unknown_and_stopped(
    tmp_path: Path, catalogue: Catalogue, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "SAY_WITHIN", 0.05)
    phone = Phone("one", catalogue)
    more = [(phone.device, phone.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        with hub.bus.subscribe() as events:
            await hub.start(command("x"), step(0, "one", function), step(1, "one", READ))
            async with phone._news:
                await phone._news.wait_for(lambda: len(phone.heard) == 2)
            await hub.pipeline.cancel("c1", "ann")
            async for event in events:
                if event.record:
                    assert phone.under_way == set()
                    break
        record = await ended(hub, "c1")
        assert (record.state, states(record)) == ("needs_attention", ["unknown", "cancelled"])


@pytest.mark.parametrize("function", [ONCE, SET, READ, PROBEABLE])
@pytest.mark.parametrize("turns", range(8))
async def test_a_call_that_ends_as_it_is_cancelled_is_recorded_as_it_ended(
    tmp_path: Path, catalogue: Catalogue, function: str, turns: int
) -> None:
    """What is known is told, also where the cancellation comes between the end and its record."""

    async def cancel() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        if "c1" in hub.pipeline._lives._work:
            hub.pipeline._lives._work["c1"].cancel()

    async def end(_: Invocation) -> Done:
        cancelling.append(asyncio.create_task(cancel()))
        return DONE

    cancelling: list[asyncio.Task[None]] = []
    async with rig(tmp_path, catalogue, {}, policy=FREELY, call=end) as hub:
        await hub.start(command("x"), step(0, "p1", function))
        record = await ended(hub, "c1")
        await asyncio.gather(*cancelling)
        assert (record.state, states(record)) == ("succeeded", ["succeeded"])


# Stopped


@pytest.mark.parametrize("turns", range(0, 48, 4))
async def test_a_stop_at_any_moment_leaves_no_step_lost_or_doubled(
    tmp_path: Path, catalogue: Catalogue, turns: int
) -> None:
    """What the journal has as dispatched a device has heard of; the next start sends the rest."""
    phone = Phone("one", catalogue, at_once=1)
    more = [(phone.device, phone.adapter)]
    phone.let("c1/0", "c1/1", "c1/2", "c1/3")
    read = step(0, "one", READ, location="Seoul")
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.start(command("x"), read, after(1, 0, "one"), step(2, "one"), step(3, "one"))
        for _ in range(turns):
            await asyncio.sleep(0)
        await hub.pipeline.drain(0)
        record = await hub.journal.get("c1")
        assert record is not None
        for its in record.steps:
            sent = f"c1/{its.index}" in phone.heard
            assert sent == (its.state is not StepState.PENDING)
    heard = list(phone.heard)
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.pipeline.recover()
        record = await ended(hub, "c1")
        assert (record.state, states(record)) == ("succeeded", ["succeeded"] * 4)
        assert sorted(set(phone.heard)) == ["c1/0", "c1/1", "c1/2", "c1/3"]
        assert all(phone.heard.count(f"c1/{index}") == 1 for index in (1, 2, 3)), heard


async def test_a_stop_before_a_step_was_sent_leaves_it_pending_for_the_next_start(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The intent is in the journal, the hub stops before the call."""
    async with rig(tmp_path, catalogue, {}, policy=FREELY) as hub:
        begin = hub.journal.start

        async def stop_there(run: str, steps: frozenset[int]) -> float:
            at = await begin(run, steps)
            hub.pipeline._lives.leave(run)
            return at

        monkeypatch.setattr(hub.journal, "start", stop_there)
        await hub.start(command("x"), step(0, "p1"), step(1, "p1"))
        await hub.pipeline.drain(0.5)
        record = await hub.journal.get("c1")
        assert record is not None
        assert (record.state, states(record)) == ("running", ["pending"] * 2)
        assert hub.adapter.calls == []
    monkeypatch.undo()
    async with rig(tmp_path, catalogue, {}, policy=FREELY) as hub:
        await hub.pipeline.recover()
        assert (await ended(hub, "c1")).state == "succeeded"
        assert sorted(call.key for call in hub.adapter.calls) == ["c1/0", "c1/1"]


@pytest.mark.parametrize(
    ("function", "found", "calls", "state"),
    [
        (ONCE, None, 1, "unknown"),
        (PROBEABLE, DONE, 1, "succeeded"),
        (PROBEABLE, None, 2, "succeeded"),
        (SET, None, 2, "succeeded"),
        (READ, None, 2, "succeeded"),
        ("keyed", None, 2, "succeeded"),
    ],
)
async def test_a_stop_under_way_is_taken_up_as_a_crash_is(
    tmp_path: Path,
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    found: Done | None,
    calls: int,
    state: str,
) -> None:
    """What may be repeated is, what can be looked up is, and nobody guesses at the rest."""
    monkeypatch.setattr(executor, "SAY_WITHIN", 0.05)
    keyed = [f.model_copy(update={"effect": "keyed"}) if f.name == ONCE else f for f in catalogue]
    if function == "keyed":
        catalogue, function = Catalogue(keyed), ONCE
    phone = Phone("one", catalogue)
    more = [(phone.device, phone.adapter)]
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.start(command("x"), step(0, "one", function))
        await phone.hears("c1/0")
        await hub.pipeline.drain(0)
        assert phone.under_way == set()
    phone.let("c1/0")
    phone.adapter.earlier = found
    async with rig(tmp_path, catalogue, {}, policy=FREELY, more=more) as hub:
        await hub.pipeline.recover()
        record = await ended(hub, "c1")
        assert (states(record), phone.heard) == ([state], ["c1/0"] * calls)


async def test_an_adapter_that_breaks_when_asked_what_happened_stops_no_other_step(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Invocation) -> Done | None:
        raise RuntimeError("bug")

    async with rig(tmp_path, catalogue, {}, policy=FREELY) as hub:
        monkeypatch.setattr(hub.adapter, "probe", broken)
        await hub.journal.accept(command("x"))
        await plan(hub.journal, "c1", step(0, "p1", PROBEABLE), step(1, "p1"))
        await hub.journal.start("c1", frozenset({0}))
        await hub.pipeline.recover()
        record = await ended(hub, "c1")
        assert (record.state, states(record)) == ("needs_attention", ["unknown", "succeeded"])
