"""Schedules in the journal: never lost, and each occurrence a command once."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from orchestrator.journal import Journal, JournalUnavailable
from orchestrator.ledger import IllegalTransition
from schemas.call import Change
from schemas.execution import Decision, Execution, RunState, StepState
from schemas.outcome import Done, Evidence, Skipped
from schemas.plan import Plan, Step
from schemas.schedule import Schedule, ScheduleState
from tests.hubkit import command, older_journal, plan, sql
from tests.schedulekit import schedule, scheduled

pytestmark = pytest.mark.both_stores

LOUDER = Change(words="louder", times=1, by=5)
STEP = Step(index=0, function="set_volume", arguments={"level": LOUDER}, device="p1")
SEVEN = 1_796_018_400.0  # 2026-11-30 06:00 UTC
DAY = 86_400.0


async def _end(journal: Journal, run: str, state: RunState = RunState.SUCCEEDED) -> None:
    done = Done(evidence=Evidence.VERIFIED)
    await journal.end(run, lambda _: done, lambda _: (state, "done"))


async def test_the_command_ends_and_the_schedule_is_there_in_one_change(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        ended = await scheduled(journal, schedule(SEVEN))
        assert ended is not None
        assert (ended.state, ended.decision) == (RunState.SCHEDULED, Decision.SCHEDULE)
        assert ended.answer == "tomorrow at 7"
        assert ended == await journal.get("of-s1")
    async with Journal(tmp_path / "j.db") as journal:
        assert await journal.unfinished() == ()
        assert await journal.schedules("ann") == (schedule(SEVEN),)
        assert await journal.schedules("bob") == ()


async def test_no_schedule_without_its_command_and_no_end_without_the_schedule(
    tmp_path: Path,
) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("x", "of-s1"))
        await _end(journal, "of-s1", RunState.CANCELLED)
        assert await scheduled(journal, schedule(SEVEN)) is None
        assert await journal.schedule_of("s1") is None
        await scheduled(journal, schedule(SEVEN, "s2"))
        await journal.accept(command("x", "c9"))
        with pytest.raises(Exception, match=r"(?i)unique"):
            await scheduled(journal, schedule(SEVEN, "s2"), run="c9")
        assert [left.command.id for left in await journal.unfinished()] == ["c9"]


async def test_a_confirmed_plan_becomes_a_schedule(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("louder at 7", "of-s1"))
        await plan(journal, "of-s1", STEP, decision=Decision.CONFIRM)
        await journal.move_run("of-s1", RunState.AWAITING_CONFIRMATION)
        ended = await scheduled(journal, schedule(SEVEN, plan=Plan(steps=(STEP,))))
        assert ended is not None
        assert (ended.state, ended.steps[0].state) == (RunState.SCHEDULED, StepState.SKIPPED)
        assert isinstance(ended.steps[0].outcome, Skipped)
        kept = await journal.schedule_of("s1")
        assert kept is not None
        assert kept.plan.steps == (STEP,)


async def test_what_runs_is_not_scheduled_any_more(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("x", "of-s1"))
        await plan(journal, "of-s1", STEP)
        await journal.move_run("of-s1", RunState.RUNNING)
        with pytest.raises(IllegalTransition):
            await scheduled(journal, schedule(SEVEN))
        assert await journal.schedule_of("s1") is None


async def test_due_ones_come_in_order_and_the_next_is_known(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        assert await journal.next_due() is None
        for number, at in enumerate((SEVEN + 2, SEVEN, SEVEN + 1)):
            await scheduled(journal, schedule(at, f"s{number}"))
        assert await journal.due(SEVEN - 0.001) == ()
        assert [s.id for s in await journal.due(SEVEN + 1)] == ["s1", "s2"]
        assert await journal.next_due() == SEVEN
        assert await journal.next_due(after=SEVEN) == SEVEN + 1


async def test_an_occurrence_is_fired_once_whoever_asks(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await scheduled(journal, schedule(SEVEN, rule="FREQ=DAILY"))
        asked = (journal.fire("s1", SEVEN, SEVEN + DAY, SEVEN + 300) for _ in range(50))
        fired = [sent for sent in await asyncio.gather(*asked) if sent]
        assert [sent.id for sent in fired] == ["s1@20261130T060000Z"]
        assert (fired[0].text, fired[0].door, fired[0].user) == ("louder at 7", "test", "ann")
        assert (fired[0].schedule, fired[0].expires) == ("s1", SEVEN + 300)
        kept = await journal.schedule_of("s1")
        assert kept is not None
        assert (kept.next, kept.state) == (SEVEN + DAY, ScheduleState.ACTIVE)
    async with Journal(tmp_path / "j.db") as journal:
        (left,) = await journal.unfinished()
        assert (left.command, left.state) == (fired[0], RunState.ACCEPTED)


async def test_the_last_occurrence_ends_the_schedule(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await scheduled(journal, schedule(SEVEN))
        assert await journal.fire("s1", SEVEN, None)
        kept = await journal.schedule_of("s1")
        assert kept is not None
        assert (kept.next, kept.state) == (None, ScheduleState.DONE)
        assert await journal.fire("s1", SEVEN, None) is None
        assert await journal.cancel_schedule("s1", "ann") is None


async def test_what_ran_once_does_not_run_again_after_a_rewind(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await scheduled(journal, schedule(SEVEN, rule="FREQ=DAILY"))
        await journal.fire("s1", SEVEN, SEVEN + DAY)
        assert await journal.rewind("s1", SEVEN + DAY, SEVEN)
        assert not await journal.rewind("s1", SEVEN + DAY, SEVEN)
        assert await journal.fire("s1", SEVEN, SEVEN + DAY) is None
        assert await journal.fire("s1", SEVEN + DAY, SEVEN + 2 * DAY)


async def test_a_missed_occurrence_is_a_command_that_has_ended(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await scheduled(journal, schedule(SEVEN))
        missed = await journal.miss("s1", SEVEN, None, "missed: the hub was off")
        assert missed is not None
        assert missed == await journal.get("s1@20261130T060000Z")
        assert (missed.state, missed.answer) == (RunState.MISSED, "missed: the hub was off")
        assert missed.ended is not None
        assert await journal.miss("s1", SEVEN, None, "again") is None
        assert await journal.unfinished() == ()
        kept = await journal.schedule_of("s1")
        assert kept is not None
        assert kept.state is ScheduleState.MISSED


async def test_only_its_user_cancels_and_then_it_is_never_due(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await scheduled(journal, schedule(SEVEN))
        assert await journal.cancel_schedule("s1", "bob") is None
        assert await journal.cancel_schedule("s2", "ann") is None
        gone = await journal.cancel_schedule("s1", "ann")
        assert gone is not None
        assert (gone.state, gone.next) == (ScheduleState.CANCELLED, None)
        assert await journal.due(SEVEN) == ()
        assert await journal.schedules("ann") == ()
        assert await journal.fire("s1", SEVEN, None) is None


@pytest.mark.parametrize("cancel_first", [True, False])
async def test_either_the_cancellation_or_the_occurrence(
    tmp_path: Path, cancel_first: bool
) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await scheduled(journal, schedule(SEVEN))
        asks: list[Callable[[], Awaitable[object]]] = [
            lambda: journal.fire("s1", SEVEN, None),
            lambda: journal.cancel_schedule("s1", "ann"),
        ]
        if cancel_first:
            asks.reverse()
        first, second = await asyncio.gather(*(ask() for ask in asks))
        assert first is not None
        assert second is None


async def test_ids_of_commands_stay_short_and_differ(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        fired = []
        for last in "ab":
            await scheduled(journal, schedule(SEVEN, "s" * 63 + last))
            fired.append(await journal.fire("s" * 63 + last, SEVEN, None))
        assert {len(sent.id) for sent in fired if sent} == {64}
        assert len({sent.id for sent in fired if sent}) == 2


async def test_every_change_of_a_schedule_has_an_event_row(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await scheduled(journal, schedule(SEVEN, rule="FREQ=DAILY"))
        await journal.fire("s1", SEVEN, SEVEN + DAY)
        await journal.miss("s1", SEVEN + DAY, SEVEN + 2 * DAY, "missed")
        await journal.cancel_schedule("s1", "ann")
        told = await sql(journal, "SELECT run, state FROM events ORDER BY sequence")
    assert told == [
        ("of-s1", "accepted"), ("of-s1", "scheduled"), ("s1", "active"),
        ("s1", "active"), ("s1@20261130T060000Z", "accepted"),
        ("s1", "active"), ("s1@20261201T060000Z", "accepted"), ("s1@20261201T060000Z", "missed"),
        ("s1", "cancelled"),
    ]  # fmt: skip


async def test_a_schedule_that_cannot_be_read_hides_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await scheduled(journal, schedule(SEVEN))
        await scheduled(journal, schedule(SEVEN, "s2"))
        await sql(journal, "UPDATE schedules SET schedule = '{}' WHERE id = 's1'")
        assert [s.id for s in await journal.due(SEVEN)] == ["s2"]
        assert [s.id for s in await journal.schedules("ann")] == ["s2"]
    assert "schedule s1 cannot be read" in caplog.text


@pytest.mark.sqlite
async def test_a_full_disk_leaves_the_occurrence_due(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await scheduled(journal, schedule(SEVEN, text="x" * 50_000))
        used = await journal._do(
            lambda kept: kept.connection.exec_driver_sql("PRAGMA page_count").scalar()
        )
        limit = f"PRAGMA max_page_count={used}"
        await journal._do(lambda kept: kept.connection.exec_driver_sql(limit).scalar())
        with pytest.raises(JournalUnavailable):
            await journal.fire("s1", SEVEN, None)
        (due,) = await journal.due(SEVEN)
        assert due.next == SEVEN


@pytest.mark.sqlite
async def test_a_journal_of_an_older_hub_takes_schedules(tmp_path: Path) -> None:
    older_journal(tmp_path / "j.db")
    async with Journal(tmp_path / "j.db") as journal:
        await scheduled(journal, schedule(SEVEN))
        assert await journal.fire("s1", SEVEN, None)


async def test_a_command_waits_for_an_answer_and_then_goes_on(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("text John"))
        said = {"reason": "", "model_text": "<nexa_7>", "confidence": 0.9}
        await journal.ask("c1", '{"text": "What?"}', **said)  # type: ignore[arg-type]
        (waiting,) = await journal.unfinished()
        assert (waiting.state, waiting.decision) == (RunState.AWAITING_ANSWER, Decision.ASK)
        assert waiting.question == '{"text": "What?"}'
        await journal.ask("c1", '{"text": "Which John?"}', **said)  # type: ignore[arg-type]
        await plan(journal, "c1", STEP)
        record = await journal.get("c1")
        assert record is not None
        assert (record.state, record.question) == (RunState.PLANNED, '{"text": "Which John?"}')
        with pytest.raises(IllegalTransition, match="decided"):
            await journal.ask("c1", "{}", **said)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [RunState.CANCELLED, RunState.EXPIRED, RunState.REFUSED])
async def test_a_question_may_stay_unanswered(tmp_path: Path, state: RunState) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("text John"))
        await journal.ask("c1", "{}", reason="", model_text="", confidence=None)
        await _end(journal, "c1", state)
        assert await journal.unfinished() == ()


async def test_an_answered_question_may_become_a_schedule(tmp_path: Path) -> None:
    async with Journal(tmp_path / "j.db") as journal:
        await journal.accept(command("lights later", "of-s1"))
        await journal.ask("of-s1", "{}", reason="", model_text="", confidence=None)
        ended = await scheduled(journal, schedule(SEVEN))
        assert ended is not None
        assert ended.state is RunState.SCHEDULED


async def test_the_last_command_is_of_that_door_had_steps_and_was_no_undo(tmp_path: Path) -> None:
    async def ran(identity: str, undoes: str = "", **fields: object) -> None:
        await journal.accept(command("x", identity, **fields))  # type: ignore[arg-type]
        await journal.decide(
            identity, Decision.ACT, reason="", model_text="", confidence=1.0, undoes=undoes,
            plan=Plan(steps=(STEP,)), start=frozenset({0}),
        )  # fmt: skip
        if identity != "open":
            await _end(journal, identity)

    async def last(user: str = "ann", door: str = "test") -> str | None:
        found: Execution | None = await journal.last(user, door)
        return found.command.id if found else None

    async with Journal(tmp_path / "j.db") as journal:
        assert await last() is None
        await ran("first")
        await ran("second")
        await ran("undo", undoes="second")
        await ran("elsewhere", door="cli")
        await ran("bobs", user="bob")
        await ran("open")
        await journal.accept(command("nonsense", "refused"))
        await _end(journal, "refused", RunState.REFUSED)
        assert await last() == "second"
        assert await last(door="cli") == "elsewhere"
        assert await last("bob") == "bobs"
        undo = await journal.get("undo")
        assert undo is not None
        assert undo.undoes == "second"


def test_a_schedule_is_a_frozen_value_and_round_trips() -> None:
    made = schedule(SEVEN, plan=Plan(steps=(STEP,)))
    assert Schedule.model_validate_json(made.model_dump_json()) == made
