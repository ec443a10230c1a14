"""A time in a sentence makes a schedule: nothing now, the agreed plan then, and never a guess."""

from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.policy import Hours, Policy, Rule, Verdict
from orchestrator.scheduler import Scheduler
from schemas.command import Command
from schemas.device import Device, Kind
from schemas.errors import BadCommand
from schemas.execution import Decision, RunState
from tests.hubkit import NOW, Rig, command, rig
from tests.unit.test_dialogue import NONSENSE, Many, asked, ended, say

pytestmark = pytest.mark.both_stores

LAMP = "<nexa_43>('lamp')<nexa_end>"
PHOTO = "<nexa_0>('front')<nexa_end>"
CALL = "<nexa_8>('5551234567')<nexa_end>"
MODEL = Many(
    {
        "take a selfie at 7 pm tomorrow": PHOTO,
        "take a selfie": PHOTO,
        "every weekday at 7 take a selfie": PHOTO,
        "call 5551234567 at 7 pm": CALL,
        "call 5551234567": CALL,
        "wake me at 7 am": "<nexa_10>('7 am', 'alarm')<nexa_end>",
        "text Jo I'll come at 7 pm": "<nexa_7>('Jo', 'I\\'ll come at 7 pm')<nexa_end>",
        "take a selfie at 7 pm and go silent": f"{PHOTO[:-10]};<nexa_15>(True)<nexa_end>",
        "take a selfie and go silent": f"{PHOTO[:-10]};<nexa_15>(True)<nexa_end>",
        "at noon text Bob no": "<nexa_7>('Bob', 'no')<nexa_end>",
        "text Bob no": "<nexa_7>('Bob', 'no')<nexa_end>",
        "take a selfie yesterday at 5": PHOTO,
        "take a selfie on 31 February at noon": PHOTO,
        "take a selfie at 7 pm in the morning": PHOTO,
        "take a selfie later": PHOTO,
        "take a selfie at 25:00": PHOTO,
        "take a selfie at 7 pm Atlantis time": PHOTO,
    }
)


@pytest.fixture(autouse=True)
def nothing_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are fired at the hub's clock, which stands still, and expire at the machine's."""
    monkeypatch.setattr(Command, "expired", lambda *_: False)


TOMORROW = datetime(2026, 11, 23, 19, 0, tzinfo=NOW.tzinfo)


def scheduler(hub: Rig, now: datetime) -> Scheduler:
    return Scheduler(hub.journal, hub.pipeline.fire, hub.pipeline.missed, now=now.timestamp)


async def test_nothing_is_done_now_and_once_then(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        state, said = await say(hub, "take a selfie at 7 pm tomorrow", "c1")
        assert (state, hub.adapter.calls) == ("scheduled", [])
        assert said == "scheduled tomorrow at 19:00: take a photo on Pixel (camera: front)"
        await scheduler(hub, TOMORROW - timedelta(seconds=1)).look()
        assert hub.adapter.calls == []
        for _ in range(3):
            await scheduler(hub, TOMORROW).look()
        assert (await ended(hub, "c1@20261123T180000Z"))[0] == "succeeded"
        assert len(hub.adapter.calls) == 1
        assert await hub.journal.schedules("ann") == ()


async def test_a_schedule_survives_a_restart(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        await say(hub, "take a selfie at 7 pm tomorrow", "c1")
    async with rig(tmp_path, catalogue, MODEL) as hub:
        await hub.pipeline.recover()
        await scheduler(hub, TOMORROW + timedelta(minutes=4)).look()
        assert (await ended(hub, "c1@20261123T180000Z"))[0] == "succeeded"
        assert len(hub.adapter.calls) == 1


async def test_one_that_was_missed_is_told_and_not_made_up_for(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        await say(hub, "every weekday at 7 take a selfie", "c1")
        with hub.bus.subscribe() as told:
            await scheduler(hub, datetime(2026, 11, 25, 12, 0, tzinfo=NOW.tzinfo)).look()
            while (event := await anext(told)).state != RunState.MISSED:
                assert event.id == "c1", "the schedule's own command"
        assert "2026-11-23 at 07:00" in event.text
        assert event.record is not None
        assert hub.adapter.calls == []
        (left,) = await hub.journal.schedules("ann")
        assert left.words == "every weekday at 07:00"


async def test_a_call_for_later_is_confirmed_now_and_made_then(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        async with asked(hub, command("call 5551234567 at 7 pm"), "awaiting_confirmation") as told:
            await hub.pipeline.confirm("c1", told.token, "ann")
        assert (await ended(hub, "c1"))[0] == "scheduled"
        assert hub.adapter.calls == []
        await scheduler(hub, TOMORROW - timedelta(days=1)).look()
        assert (await ended(hub, "c1@20261122T180000Z"))[0] == "succeeded"
        assert [call.function for call in hub.adapter.calls] == ["make_phone_call"]


DENY = Rule(function=("take_a_photo",), verdict=Verdict.DENY)


async def test_the_policy_is_asked_again_when_it_is_time(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        await say(hub, "take a selfie at 7 pm tomorrow", "c1")
        hub.understander.policy = Policy(rules=(DENY,))
        await scheduler(hub, TOMORROW).look()
        state, said = await ended(hub, "c1@20261123T180000Z")
        assert (state, "denies" in said) == ("refused", True)
        assert hub.adapter.calls == []


@pytest.mark.parametrize(
    ("hours", "state"), [("18:00-20:00", "refused"), ("16:00-18:00", "scheduled")]
)
async def test_the_policy_is_asked_for_the_hour_when_it_is_to_be(
    hours: str, state: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    rule = DENY.model_copy(update={"hours": Hours.model_validate(hours, strict=False)})
    async with rig(tmp_path, catalogue, MODEL, policy=Policy(rules=(rule,))) as hub:
        assert (await say(hub, "take a selfie at 7 pm tomorrow", "c1"))[0] == state


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("take a selfie yesterday at 5", "past"),
        ("take a selfie on 31 February at noon", "no 31 February"),
        ("take a selfie at 7 pm in the morning", "contradicts"),
        ("take a selfie at 25:00", "25:00"),
        ("take a selfie at 7 pm Atlantis time", "Atlantis"),
        ("take a selfie later", "later"),
        ("take a selfie at 7 pm and go silent", "say the later one alone"),
    ],
)
async def test_a_time_that_cannot_be_kept_is_refused_with_the_reason(
    sentence: str, why: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        state, said = await say(hub, sentence, "c1")
        assert (state, hub.adapter.calls) == ("refused", [])
        assert why in said
        assert await hub.journal.schedules("ann") == ()


@pytest.mark.parametrize("sentence", ["wake me at 7 am", "text Jo I'll come at 7 pm"])
async def test_a_time_that_is_told_is_no_schedule(
    sentence: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    policy = Policy(rules=(Rule(verdict=Verdict.ALLOW),))
    async with rig(tmp_path, catalogue, MODEL, policy=policy) as hub:
        assert (await say(hub, sentence, "c1"))[0] == "succeeded"
        assert len(hub.adapter.calls) == 1


@pytest.mark.parametrize(
    "order", ["undo that", "cancel that", "cancel the selfie schedule", "cancel all schedules"]
)
async def test_a_schedule_is_cancelled_by_sentence(
    order: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        await say(hub, "take a selfie at 7 pm tomorrow", "c1")
        state, said = await say(hub, order, "c2")
        assert state == "succeeded"
        assert "cancelled what was scheduled tomorrow at 19:00" in said
        await scheduler(hub, TOMORROW).look()
        assert hub.adapter.calls == []


async def test_schedules_are_listed_and_cancelled_by_their_owner(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        await say(hub, "take a selfie at 7 pm tomorrow", "c1")
        await say(hub, "every weekday at 7 take a selfie", "c2")
        state, said = await say(hub, "what is scheduled", "c3")
        assert state == "succeeded"
        assert said.startswith("every weekday at 07:00: every weekday at 7 take a selfie; tomorrow")
        state, said = await say(hub, "cancel the selfie schedule", "c4")
        assert (state, "which one" in said) == ("refused", True)
        with pytest.raises(BadCommand):
            await hub.service.request("schedule/cancel", "bob", {"schedule": "c1"})
        gone = await hub.service.request("schedule/cancel", "ann", {"schedule": "c1"})
        assert gone["text"] == "take a selfie at 7 pm tomorrow"
        (left,) = await hub.service.request("schedule/list", "ann", {})
        assert left["id"] == "c2"
        assert (await say(hub, "what is scheduled", "c5", user="bob"))[1] == "nothing is scheduled"


async def test_a_plan_is_shown_and_nothing_is_done(tmp_path: Path, catalogue: Catalogue) -> None:
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(rig(tmp_path, catalogue, MODEL))
        text = {"text": "take a selfie at 7 pm tomorrow"}
        outlined = await hub.service.request("plan", "ann", text)
        assert outlined["decision"] == Decision.SCHEDULE
        assert outlined["when"] == "tomorrow at 19:00"
        assert [step["device"] for step in outlined["steps"]] == ["Pixel"]
        assert await hub.journal.latest(5, "ann") == ()
        assert await hub.journal.schedules("ann") == ()


async def test_a_message_that_is_part_of_another_word_hides_no_time(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    policy = Policy(rules=(Rule(verdict=Verdict.ALLOW),))
    async with rig(tmp_path, catalogue, MODEL, policy=policy) as hub:
        state, said = await say(hub, "at noon text Bob no", "c1")
        assert (state, hub.adapter.calls) == ("scheduled", [])
        assert "tomorrow at 12:00" in said


async def test_it_is_what_was_scheduled_last(tmp_path: Path, catalogue: Catalogue) -> None:
    model = Many(
        {
            "turn on the fan": "<nexa_43>('fan')<nexa_end>",
            "turn on the heater at 7 pm": "<nexa_43>('heater')<nexa_end>",
            "turn on the heater": "<nexa_43>('heater')<nexa_end>",
            "turn heater off at 9 pm": "<nexa_44>('heater')<nexa_end>",
            "turn heater off": "<nexa_44>('heater')<nexa_end>",
            "turn on the oven": NONSENSE,
        }
    )
    async with rig(tmp_path, catalogue, model) as hub:
        hub.registry.load(
            tuple(
                Device(
                    id=n, kind=Kind.HOME, name=n, protocol="test", functions=("turn_on", "turn_off")
                )
                for n in ("Fan", "Heater")
            )
        )
        await say(hub, "turn on the fan", "c1")
        await say(hub, "turn on the heater at 7 pm", "c2")
        state, said = await say(hub, "turn it off at 9 pm", "c3")
        assert (state, "turn off on Heater" in said) == ("scheduled", True), said
        await say(hub, "turn on the oven", "c4")
        assert (await say(hub, "turn it off", "c5"))[0] == "refused"
