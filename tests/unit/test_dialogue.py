"""Questions keep a command open; an answer, in whatever words, completes it and no other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from orchestrator import course, questions
from orchestrator.catalogue import Catalogue
from orchestrator.people import Contact, People, Speaker
from orchestrator.pipeline import NotAwaited
from orchestrator.policy import Policy, Rule, Verdict
from orchestrator.questions import Reply
from schemas.call import Invocation, Restore
from schemas.command import Command
from schemas.device import Device, Kind
from schemas.errors import BadCommand
from schemas.event import Event
from schemas.execution import Decision
from schemas.outcome import Done, Evidence
from schemas.question import Option, Question
from tests.hubkit import Rig, command, never, rig

pytestmark = pytest.mark.both_stores

VOLUME = {"set the volume": "<nexa_13>(None, 'media')<nexa_end>"}
CALL = {"call Jo": "<nexa_8>('Jo')<nexa_end>", "call mom": "<nexa_8>('mom')<nexa_end>"}
FREELY = Policy(
    rules=(Rule(function=("make_phone_call", "send_text_message"), verdict=Verdict.ALLOW),)
)
NONSENSE = "<nexa_20>()<nexa_end>"


@asynccontextmanager
async def asked(hub: Rig, sent: Command, state: str = "awaiting_answer") -> AsyncIterator[Event]:
    """What was told of the question that a command waits with."""
    with hub.bus.subscribe() as told:
        await hub.pipeline.submit(sent)
        async for event in told:
            if event.id == sent.id and event.state == state:
                yield event
                return


async def ended(hub: Rig, run: str) -> tuple[str, str]:
    """How a command ended, and its answer; the rest of the hub goes on."""
    while True:
        execution = await hub.journal.get(run)
        assert execution is not None
        if execution.ended is not None:
            return execution.state, execution.answer
        await asyncio.sleep(0)


async def say(hub: Rig, text: str, identity: str = "c2", **fields: object) -> tuple[str, str]:
    await hub.pipeline.submit(command(text, identity, **fields))
    return await ended(hub, identity)


class Many(dict[str, str]):
    """A model that finds no function for whatever it was not told."""

    def __missing__(self, sentence: str) -> str:
        return NONSENSE


@pytest.mark.parametrize("answer", ["8", "make it 8", "to 8, please", "eight", "set it to 8"])
async def test_an_answer_in_the_persons_words_completes_the_command(
    answer: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, Many(VOLUME)) as hub:
        async with asked(hub, command("set the volume")) as told:
            assert told.text == "set volume: which level?"
            state, said = await say(hub, answer)
        assert state == "succeeded"
        assert await ended(hub, "c1") == ("succeeded", said)
        assert [call.arguments["level"] for call in hub.adapter.calls] == [8]
        record = await hub.journal.get("c2")
        assert record is not None
        assert (record.decision, record.reason) == (Decision.ANSWER, "answers c1")


async def test_another_speaker_and_another_door_answer_nothing(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, Many(VOLUME)) as hub:
        async with asked(hub, command("set the volume")):
            assert (await say(hub, "8", "c2", user="bob"))[0] == "refused"
            assert (await say(hub, "8", "c3", door="cli"))[0] == "refused"
            with pytest.raises(NotAwaited):
                await hub.pipeline.answer("c1", "8", "bob")
        assert hub.adapter.calls == []


async def test_what_is_no_answer_is_a_sentence_of_its_own(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    model = Many(VOLUME | {"take a selfie": "<nexa_0>('front')<nexa_end>"})
    async with rig(tmp_path, catalogue, model) as hub:
        async with asked(hub, command("set the volume")):
            assert (await say(hub, "take a selfie"))[0] == "succeeded"
            with pytest.raises(BadCommand, match="does not answer"):
                await hub.pipeline.answer("c1", "purple", "ann")
            assert (await say(hub, "3", "c3"))[0] == "succeeded"
        assert [call.function for call in hub.adapter.calls] == ["take_a_photo", "set_volume"]


@pytest.mark.parametrize(
    "answer", ["forget it", "never mind", "no", "cancel that", "nothing, thanks"]
)
async def test_a_question_can_be_called_off(
    answer: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, Many(VOLUME)) as hub:
        async with asked(hub, command("set the volume")):
            await say(hub, answer)
        assert (await ended(hub, "c1"))[0] == "cancelled"
        assert hub.adapter.calls == []


async def test_a_question_expires(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "ANSWER_WITHIN", 0.01)
    async with rig(tmp_path, catalogue, Many(VOLUME)) as hub:
        async with asked(hub, command("set the volume")):
            assert await ended(hub, "c1") == ("expired", "nobody answered in time")
        with pytest.raises(NotAwaited):
            await hub.pipeline.answer("c1", "8", "ann")


async def test_a_restart_ends_what_was_asked(tmp_path: Path, catalogue: Catalogue) -> None:
    async with (
        rig(tmp_path, catalogue, Many(VOLUME)) as hub,
        asked(hub, command("set the volume")) as told,
    ):
        assert told.state == "awaiting_answer"
    async with rig(tmp_path, catalogue, Many(VOLUME)) as hub:
        await hub.pipeline.recover()
        assert (await ended(hub, "c1"))[0] == "expired"
        assert (await say(hub, "8"))[0] == "refused"


def two_phones(hub: Rig) -> None:
    functions = hub.registry.approved[0].functions
    hub.registry.load(
        tuple(
            Device(id=i, kind=Kind.PHONE, name=n, protocol="test", functions=functions)
            for i, n in (("p1", "Pixel"), ("p2", "Galaxy"))
        )
    )


@pytest.mark.parametrize(
    "answer", ["the second one", "galaxy", "the Galaxy please", "2", "the gallaxy"]
)
async def test_one_of_two_devices_is_picked(
    answer: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    model = Many({"selfie": "<nexa_0>('front')<nexa_end>"})
    async with rig(tmp_path, catalogue, model) as hub:
        two_phones(hub)
        async with asked(hub, command("selfie")) as told:
            wanted = told.options.index("Galaxy")
            if answer in ("the second one", "2") and wanted == 0:
                answer = "the first one"
            assert (await say(hub, answer))[0] == "succeeded"
        record = await hub.journal.get("c1")
        assert record is not None
        assert [step.device for step in record.steps] == ["p2"]


async def test_both_of_two_devices_run_together(tmp_path: Path, catalogue: Catalogue) -> None:
    together = asyncio.Barrier(2)

    async def meet(_: Invocation) -> Done:
        await together.wait()
        return Done(evidence=Evidence.VERIFIED)

    model = Many({"selfie": "<nexa_0>('front')<nexa_end>"})
    async with rig(tmp_path, catalogue, model, call=meet) as hub:
        two_phones(hub)
        async with asked(hub, command("selfie")):
            assert (await say(hub, "both"))[0] == "succeeded"


PEOPLE = People(
    users={"ann": Speaker(relations={"mom": "Margaret Smith"})},
    contacts=(
        Contact(name="Margaret Smith", numbers=(("mobile", "+1 202 555 0100"),)),
        Contact(name="Jo Miller",
                numbers=(("mobile", "+1 202 555 0101"), ("work", "+1 202 555 0102"))),
        Contact(name="Jo Adams", numbers=(("mobile", "+1 202 555 0103"),)),
    ),
)  # fmt: skip


async def test_a_relation_is_the_speakers_own(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, Many(CALL), policy=FREELY, people=PEOPLE) as hub:
        assert (await say(hub, "call mom", "c1"))[0] == "succeeded"
        assert hub.adapter.calls[0].arguments == {"phone_number": "Margaret Smith <+12025550100>"}


@pytest.mark.parametrize(
    ("answer", "number"),
    [("Jo Adams", "+12025550103"), ("Adams", "+12025550103"), ("the last one", "+12025550103"),
     ("Miller's work number", "+12025550102"), ("Jo Miller at work", "+12025550102")],
)  # fmt: skip
async def test_one_of_two_people_is_picked(
    answer: str, number: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, Many(CALL), policy=FREELY, people=PEOPLE) as hub:
        async with asked(hub, command("call Jo")) as told:
            assert told.text.startswith("which Jo:")
            state, said = await say(hub, answer)
            assert state == "succeeded", said
        assert f"<{number}>" in str(hub.adapter.calls[0].arguments["phone_number"])


@pytest.mark.parametrize(
    "said", ["take a selfie", "what is scheduled", "unlock the car", "both", "don't call Jo Adams"]
)
async def test_what_names_nobody_is_no_answer(
    said: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    model = Many(CALL | {"take a selfie": "<nexa_0>('front')<nexa_end>"})
    async with rig(tmp_path, catalogue, model, policy=FREELY, people=PEOPLE) as hub:
        async with asked(hub, command("call Jo")):
            await say(hub, said)
            assert hub.pipeline.awaited("c1") is not None
        assert "make_phone_call" not in [call.function for call in hub.adapter.calls]


async def test_a_number_answers_who_is_meant(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, Many(CALL), policy=FREELY, people=PEOPLE) as hub:
        async with asked(hub, command("call Jo")):
            assert (await say(hub, "+1 202 555 0119"))[0] == "succeeded"
        assert hub.adapter.calls[0].arguments == {"phone_number": "+12025550119"}


async def test_stop_after_a_yes_stops_what_was_confirmed(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    sent = asyncio.Event()
    async with rig(tmp_path, catalogue, Many(CALL), people=PEOPLE, call=never(sent)) as hub:
        async with asked(hub, command("call mom"), "awaiting_confirmation"):
            await hub.pipeline.submit(command("yes", "c2"))
            await sent.wait()
            assert (await say(hub, "stop", "c3"))[0] == "succeeded"
        assert (await ended(hub, "c1"))[0] == "needs_attention"


async def test_the_sentence_may_say_which_number(tmp_path: Path, catalogue: Catalogue) -> None:
    model = Many({"call Jo Miller on his work number": "<nexa_8>('Jo Miller')<nexa_end>"})
    async with rig(tmp_path, catalogue, model, policy=FREELY, people=PEOPLE) as hub:
        assert (await say(hub, "call Jo Miller on his work number", "c1"))[0] == "succeeded"
        assert hub.adapter.calls[0].arguments == {"phone_number": "Jo Miller <+12025550102>"}


async def test_an_answer_is_shown_with_who_is_called_before_a_confirmation(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, Many(CALL), people=PEOPLE) as hub:
        async with asked(hub, command("call Jo")):
            state, said = await say(hub, "Jo Adams")
        assert state == "succeeded"
        assert "Jo Adams <+12025550103>" in said
        assert hub.adapter.calls == []
        assert (await say(hub, "yes", "c3"))[0] == "succeeded"
        assert (await ended(hub, "c1"))[0] == "succeeded"
        assert len(hub.adapter.calls) == 1


@pytest.mark.parametrize("said", ["yes but only if he is awake", "yes, call Bob instead", "maybe"])
async def test_half_a_yes_confirms_nothing(said: str, tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, Many(CALL), people=PEOPLE) as hub:
        async with asked(hub, command("call mom"), "awaiting_confirmation"):
            assert (await say(hub, said))[0] == "refused"
            assert hub.adapter.calls == []
            assert (await say(hub, "no", "c3"))[0] == "cancelled"
        assert (await ended(hub, "c1"))[0] == "cancelled"


async def test_a_yes_to_two_confirmations_confirms_neither(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, Many(CALL), people=PEOPLE) as hub:
        async with (
            asked(hub, command("call mom"), "awaiting_confirmation"),
            asked(hub, command("call mom", "c2"), "awaiting_confirmation"),
        ):
            state, said = await say(hub, "yes", "c3")
            assert (state, "several" in said) == ("refused", True)
        assert hub.adapter.calls == []


async def test_it_is_the_thing_of_the_last_command(tmp_path: Path, catalogue: Catalogue) -> None:
    model = Many(
        {
            "turn on the hall lamp": "<nexa_43>('hall lamp')<nexa_end>",
            "turn hall lamp off": "<nexa_44>('hall lamp')<nexa_end>",
        }
    )
    async with rig(tmp_path, catalogue, model) as hub:
        lamp = Device(id="l", kind=Kind.HOME, name="Hall lamp", protocol="test",
                      functions=("turn_on", "turn_off"))  # fmt: skip
        hub.registry.load((lamp,))
        assert (await say(hub, "turn on the hall lamp", "c1"))[0] == "succeeded"
        assert (await say(hub, "and turn it off again", "c2", user="bob"))[0] == "refused"
        assert (await say(hub, "and turn it off again", "c3"))[0] == "succeeded"
        assert [call.function for call in hub.adapter.calls] == ["turn_on", "turn_off"]


async def test_louder_is_reckoned_from_how_loud_it_is(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Many({"a bit louder": "<nexa_13>('a bit louder', 'media')<nexa_end>"})
    async with rig(tmp_path, catalogue, model) as hub:
        levels = iter((5, 10))

        async def present(call: Invocation) -> Restore:
            kept = {**call.arguments, "level": next(levels)}
            return Restore(function="set_volume", arguments=kept)

        monkeypatch.setattr(hub.adapter, "present", present)
        assert (await say(hub, "a bit louder", "c1"))[0] == "succeeded"
        assert hub.adapter.calls[0].arguments == {"level": 6, "volume_type": "media"}


async def test_a_change_of_what_cannot_be_seen_is_not_guessed(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    model = Many({"a bit louder": "<nexa_13>('a bit louder', 'media')<nexa_end>"})
    async with rig(tmp_path, catalogue, model) as hub:
        state, said = await say(hub, "a bit louder", "c1")
        assert (state, "say a number" in said) == ("refused", True)
        assert hub.adapter.calls == []


PICK = Question(
    text="which one?", place="device 0",
    options=(Option(label="Golf", value="g"), Option(label="ID.4", value="i"),
             Option(label="Office PC", value="o")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("the golf", "g"), ("Golf", "g"), ("the first", "g"), ("number 2", "i"), ("id 4", "i"),
        ("the last one", "o"), ("office", "o"), ("the PC", "o"), ("third", "o"),
        ("the 3rd one", "o"),
        ("i meant the golf", "g"), ("take the office pc please", "o"), ("uh the second", "i"),
    ],
)  # fmt: skip
def test_options_are_picked(said: str, value: str) -> None:
    reply = questions.reply(said, PICK)
    assert reply is not None
    assert [option.value for option in reply.picked] == [value]


@pytest.mark.parametrize(
    "said",
    ["the fourth one", "yes", "turn on the lamp", "the tesla", "5", "both", "", "golf or office"],
)
def test_what_picks_nothing(said: str) -> None:
    reply = questions.reply(said, PICK)
    assert reply is None or not reply.picked


def test_all_picks_all() -> None:
    assert questions.reply("all of them", PICK) == Reply(picked=PICK.options)


@pytest.mark.parametrize(
    "said", ["yes", "Yes please", "ok", "do it", "sure, go ahead", "yep", "Yeah!"]
)
def test_a_yes(said: str) -> None:
    assert questions.consent(said) == Reply()


@pytest.mark.parametrize(
    "said", ["no", "Nope.", "don't", "never mind", "stop", "no thanks", "cancel"]
)
def test_a_no(said: str) -> None:
    assert questions.consent(said) == Reply(no=True)


@pytest.mark.parametrize(
    "said", ["yes and no", "yes if it rains", "nobody", "okay google", "not sure"]
)
def test_neither_yes_nor_no(said: str) -> None:
    assert questions.consent(said) is None
