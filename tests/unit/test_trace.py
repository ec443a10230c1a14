"""Where a command's time went: its stages, in the journal with its end."""

import asyncio
import time
from pathlib import Path

import pytest

from orchestrator import spans, trace
from orchestrator.catalogue import Catalogue
from orchestrator.journal import Journal
from orchestrator.trace import MOST, SHORTEST, Trace
from schemas.call import Invocation
from schemas.decoded import Decoded
from schemas.device import Device, Kind
from schemas.errors import DeviceUnavailable
from schemas.execution import Execution, RunState, Stage, StageName
from schemas.outcome import Done, Evidence
from tests.hubkit import Rig, ScriptedAdapter, command, rig

SLOW = 0.3
"""Seconds that the model takes, and a device."""
DONE = Done(evidence=Evidence.VERIFIED)
CALL, HOLD, QUEUE = StageName.CALL, StageName.HOLD, StageName.QUEUE


async def slowly(_: Invocation) -> Done:
    await asyncio.sleep(SLOW)
    return DONE


def slow_model(hub: Rig) -> None:
    """Have the hub's model take its time."""
    decode = hub.pipeline._reader._decode

    async def slow(sentence: str) -> Decoded:
        await asyncio.sleep(SLOW)
        return await decode(sentence)

    hub.pipeline._reader._decode = slow


async def record(hub: Rig, identity: str = "c1") -> Execution:
    found = await hub.journal.get(identity)
    assert found is not None
    return found


def covered(execution: Execution) -> float:
    """The share of a command's time that its stages cover, those that overlap counted once."""
    assert execution.ended is not None
    upto, total = execution.created, 0.0
    for one in execution.trace:
        end = min(one.at + one.seconds, execution.ended)
        total += max(0.0, end - max(one.at, upto))
        upto = max(upto, end)
    return total / (execution.ended - execution.created)


def seconds(execution: Execution, name: StageName, step: int | None = None) -> float:
    return sum(s.seconds for s in execution.trace if (s.name, s.step) == (name, step))


@pytest.mark.both_stores
async def test_a_trace_says_where_nine_tenths_of_the_time_went(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    model = {"selfie": "<nexa_0>('front')<nexa_end>"}
    async with rig(tmp_path, catalogue, model, call=slowly) as hub:
        slow_model(hub)
        assert await hub.run(command("selfie")) == "succeeded"
        ended = await record(hub)
        (told,) = [event.record for event in hub.events if event.record]
    assert covered(ended) >= 0.9
    assert seconds(ended, StageName.DECODE) >= SLOW
    assert seconds(ended, CALL, 0) >= SLOW
    assert {one.name for one in ended.trace} >= {StageName.ACCEPT, StageName.JOURNAL}
    assert ended.trace == tuple(sorted(ended.trace, key=lambda one: one.at))
    assert told == ended  # whoever listens gets it with the end
    async with Journal(tmp_path / "journal.db") as journal:
        assert await journal.get("c1") == ended


async def test_steps_that_run_together_have_a_stage_each(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    model = {"go": "<nexa_0>('back');<nexa_15>(True)<nexa_end>"}
    async with rig(tmp_path, catalogue, model, call=slowly) as hub:
        assert await hub.run(command("go")) == "succeeded"
        ended = await record(hub)
    first, second = (one for one in ended.trace if one.name is CALL)
    assert {first.step, second.step} == {0, 1}
    assert second.at < first.at + first.seconds


async def test_a_steps_turn_on_its_device_is_a_stage_of_that_step(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    busy = Device(
        id="p2", kind=Kind.PHONE, name="Moto", protocol="test", at_once=1,
        functions=("take_a_photo", "enable_do_not_disturb"),
    )  # fmt: skip
    adapter = ScriptedAdapter(frozenset(busy.functions), slowly)
    model = {"go": "<nexa_0>('back');<nexa_0>('front')<nexa_end>"}
    async with rig(tmp_path, catalogue, model, more=[(busy, adapter)]) as hub:
        assert await hub.run(command("go", devices=("p2",))) == "succeeded"
        ended = await record(hub)
    (queued,) = [one for one in ended.trace if one.name is QUEUE]
    assert queued.seconds == pytest.approx(SLOW, abs=SLOW / 2)
    assert covered(ended) >= 0.9


async def test_what_waits_for_a_person_says_so(tmp_path: Path, catalogue: Catalogue) -> None:
    said = "text +15550123 hello"
    model = {said: "<nexa_7>('+15550123','hello')<nexa_end>"}
    async with rig(tmp_path, catalogue, model) as hub:
        asking = hub.pipeline._waiting.next_question("c1")
        await hub.pipeline.submit(command(said))
        awaited = await asking
        waited = time.monotonic()
        await asyncio.sleep(SLOW)
        waited = time.monotonic() - waited
        await hub.pipeline.confirm("c1", awaited.token, "ann")
        await hub.pipeline.drain(10)
        ended = await record(hub)
    assert ended.state is RunState.SUCCEEDED
    assert seconds(ended, StageName.ASK) >= waited * 0.9
    assert covered(ended) >= 0.9


async def test_a_device_that_is_away_is_held_for(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.executor.HELD", (SLOW,))
    answers = iter([DeviceUnavailable("away")])

    async def away_once(_: Invocation) -> Done:
        for error in answers:
            raise error
        return DONE

    model = {"selfie": "<nexa_0>('front')<nexa_end>"}
    async with rig(tmp_path, catalogue, model, call=away_once) as hub:
        assert await hub.run(command("selfie", hold=time.time() + 60)) == "succeeded"
        ended = await record(hub)
    assert seconds(ended, HOLD, 0) >= SLOW * 0.9


async def test_a_command_that_is_called_off_has_its_trace_too(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    sent = asyncio.Event()

    async def never(_: Invocation) -> Done:
        sent.set()
        return await asyncio.get_running_loop().create_future()

    model = {"selfie": "<nexa_0>('front')<nexa_end>"}
    async with rig(tmp_path, catalogue, model, call=never) as hub:
        await hub.pipeline.submit(command("selfie"))
        await sent.wait()
        await asyncio.sleep(SLOW)
        await hub.pipeline.cancel("c1", "ann")
        ended = await record(hub)
    assert seconds(ended, CALL, 0) >= SLOW * 0.9
    assert covered(ended) >= 0.9


async def test_a_restart_is_a_stage(tmp_path: Path, catalogue: Catalogue) -> None:
    model = {"selfie": "<nexa_0>('front')<nexa_end>"}
    async with rig(tmp_path, catalogue, model) as hub:
        await hub.journal.accept(command("selfie"))
        await asyncio.sleep(SLOW)
        await hub.pipeline.recover()
        await hub.pipeline.drain(10)
        ended = await record(hub)
    assert ended.state is RunState.SUCCEEDED
    assert ended.trace[0].name is StageName.RESTART
    assert ended.trace[0].at == pytest.approx(ended.created, abs=0.01)
    assert covered(ended) >= 0.9


async def test_a_command_that_becomes_a_schedule_has_its_trace(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    said = "take a selfie tomorrow at 7 am"
    model = dict.fromkeys((said, "take a selfie"), "<nexa_0>('front')<nexa_end>")
    async with rig(tmp_path, catalogue, model) as hub:
        slow_model(hub)
        assert await hub.run(command(said)) == "scheduled"
        ended = await record(hub)
    assert covered(ended) >= 0.9


async def test_two_commands_of_one_sender_have_a_trace_each(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    model = {"selfie": "<nexa_0>('front')<nexa_end>"}
    async with rig(tmp_path, catalogue, model, call=slowly) as hub:
        for identity in ("c1", "c2"):
            await hub.pipeline.submit(command("selfie", identity))
            assert trace.current() is None  # the sender goes on to other things
            await hub.journal.latest(5, "ann")
        await hub.pipeline.drain(10)
        for identity in ("c1", "c2"):
            names = [one.name for one in (await record(hub, identity)).trace]
            assert names.count(CALL) == names.count(StageName.ACCEPT) == 1


def test_of_very_many_stages_the_rest_is_one() -> None:
    its, now = Trace(), time.monotonic()
    for n in range(2 * MOST):
        its.passed(StageName.JOURNAL, now + n, now + n + 1)
    *kept, rest = its.ending(StageName.JOURNAL)()[1:]  # the ending itself begins first here
    assert len(kept) == MOST
    assert rest.name is StageName.REST
    assert rest.seconds == pytest.approx(MOST)


def test_what_takes_no_time_is_no_stage() -> None:
    its, now = Trace(), time.monotonic()
    its.passed(StageName.PLAN, now, now + SHORTEST / 2)
    assert [one.name for one in its.ending(StageName.JOURNAL)()] == [StageName.JOURNAL]


def test_a_person_reads_where_the_time_went_the_longest_first() -> None:
    def stage(name: StageName, at: float, seconds: float) -> Stage:
        return Stage(name=name, at=at, seconds=seconds)

    stages = (
        stage(StageName.DECODE, 100.0, 0.021), stage(CALL, 101.0, 2.0), stage(CALL, 102.0, 2.5),
        stage(StageName.JOURNAL, 100.5, 0.004), stage(StageName.JOURNAL, 105.0, 0.003),
    )  # fmt: skip
    assert spans.spent(stages) == "call 3.5 s, decode 21 ms, journal 7 ms"
    assert spans.spent(()) == ""
