"""A program calls a function by its name: no model reads it, and the policy holds all the same."""

import re
from pathlib import Path
from typing import Any

import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.policy import Policy, Rule, Verdict
from schemas.call import NamedCall
from schemas.errors import BadCommand
from schemas.execution import Execution
from tests.hubkit import Rig, command, rig

ALLOWED = Policy(rules=(Rule(verdict=Verdict.ALLOW),))


async def called(hub: Rig, function: str, arguments: dict[str, Any], **more: Any) -> Execution:
    """Call by name, and wait for the end."""
    fields = {"function": function, "arguments": arguments, "id": "c1"}
    await hub.service.request("call", "ann", fields | more)
    await hub.pipeline.drain(10)
    record = await hub.journal.get("c1")
    assert record is not None
    return record


@pytest.mark.parametrize(
    ("function", "arguments", "given"),
    [
        ("take_a_photo", {}, {"camera": "back"}),
        ("take_a_photo", {"camera": "front"}, {"camera": "front"}),
        ("set_volume", {"level": 7, "volume_type": "ring"}, {"level": 7, "volume_type": "ring"}),
        ("set_volume", {"level": "70 %"}, {"level": 7, "volume_type": "media"}),
        (
            "create_calendar_event",
            {"title": "Lunch", "start_time": "2031-05-04T12:00", "end_time": "2031-05-04-13-00"},
            {"title": "Lunch", "start_time": "2031-05-04-12-00", "end_time": "2031-05-04-13-00"},
        ),
        ("set_timer_alarm", {"time": "PT300S", "label": "a, b"}, {"time": "PT300S"}),
        ("set_timer_alarm", {"time": "07:30", "label": None}, {"time": "07:30", "label": "alarm"}),
        (
            "send_text_message",
            {"contact_name": "+4917712345678", "message": "don't unlock the door tomorrow at 5"},
            {"message": "don't unlock the door tomorrow at 5"},
        ),
    ],
)
async def test_a_call_gets_the_arguments_that_were_given(
    tmp_path: Path,
    catalogue: Catalogue,
    function: str,
    arguments: dict[str, Any],
    given: dict[str, Any],
) -> None:
    async with rig(tmp_path, catalogue, {}, policy=ALLOWED) as hub:
        record = await called(hub, function, arguments)
        assert record.state == "succeeded", record.answer
        (sent,) = hub.adapter.calls
        assert sent.function == function
        assert given.items() <= sent.arguments.items()
        assert record.model_text == ""


@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        ("take_a_foto", {}, "function: there is no 'take_a_foto'; did you mean take_a_photo?"),
        ("irrelevant", {}, "function: there is no 'irrelevant'"),
        ("take_a_photo", {"lens": 1}, "arguments: take_a_photo takes no 'lens'; it takes: camera"),
        ("set_volume", {}, "arguments: level is needed by set_volume"),
        ("set_volume", {"level": [7]}, "arguments.level"),
        (" ", {}, "function: a text is needed"),
    ],
)
async def test_a_call_that_is_none_is_refused_before_it_is_taken(
    tmp_path: Path, catalogue: Catalogue, function: str, arguments: dict[str, Any], said: str
) -> None:
    async with rig(tmp_path, catalogue, {}) as hub:
        with pytest.raises(BadCommand, match="^" + re.escape(said)):
            await called(hub, function, arguments)
        assert await hub.journal.get("c1") is None


@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        ("set_volume", {"level": 11}, "set volume: which level? (from 0 to 10)"),
        ("set_volume", {"level": 1.5}, "set volume: which level? (a whole number is needed)"),
        (
            "set_volume",
            {"level": True},
            "set volume: which level? (True cannot be read as 0 to 10)",
        ),
        ("set_timer_alarm", {"time": "whenever"}, "which time?"),
        ("take_a_photo", {"camera": "side"}, "take a photo: which camera?"),
    ],
)
async def test_a_value_that_cannot_be_read_is_refused_and_nobody_is_asked(
    tmp_path: Path, catalogue: Catalogue, function: str, arguments: dict[str, Any], said: str
) -> None:
    async with rig(tmp_path, catalogue, {}) as hub:
        record = await called(hub, function, arguments)
        assert record.state == "refused"
        assert said in record.answer
        assert hub.adapter.calls == []


async def test_a_call_is_the_policys_as_any_sentence_is(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    denied = Policy(rules=(Rule(function=("take_a_photo",), verdict=Verdict.DENY),))
    async with rig(tmp_path, catalogue, {}, policy=denied) as hub:
        record = await called(hub, "take_a_photo", {})
        assert (record.state, hub.adapter.calls) == ("refused", [])


async def test_a_dangerous_call_waits_for_a_person(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, {}) as hub:
        with hub.bus.subscribe() as events:
            arguments = {"contact_name": "+4917712345678", "message": "hi"}
            fields = {"function": "send_text_message", "arguments": arguments, "id": "c1"}
            await hub.service.request("call", "ann", fields)
            async for event in events:
                if event.token:
                    break
        assert hub.adapter.calls == []
        await hub.service.request("confirm", "ann", {"execution": "c1", "token": event.token})
        await hub.pipeline.drain(10)
        assert [one.function for one in hub.adapter.calls] == ["send_text_message"]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("x" * 1_001, "the call has 10.. characters; at most 1000 are read"),
        ("a\nb", "the call has control characters; send plain text, in one line"),
    ],
)
async def test_what_is_too_much_for_a_call_is_said_of_the_call(
    tmp_path: Path, catalogue: Catalogue, message: str, said: str
) -> None:
    async with rig(tmp_path, catalogue, {}) as hub:
        with pytest.raises(BadCommand, match=said):
            await called(hub, "send_text_message", {"contact_name": "bob", "message": message})


async def test_a_call_that_is_none_any_more_after_a_restart_says_so(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, {}) as hub:
        call = NamedCall(function="take_a_foto")
        await hub.journal.accept(command(call.spoken, call=call))
        await hub.pipeline.recover()
        await hub.pipeline.drain(10)
        record = await hub.journal.get("c1")
        assert record is not None
        assert record.state == "refused"
        assert "did you mean take_a_photo?" in record.answer


@pytest.mark.parametrize(
    ("named", "answer"),
    [
        (["pixel"], None),
        (["Pixle"], "no approved device is called Pixle; did you mean Pixel?"),
        (["Pixel", "the fridge"], "no approved device is called the fridge"),
    ],
)
async def test_a_device_that_is_named_is_known_or_said_to_be_unknown(
    tmp_path: Path, catalogue: Catalogue, named: list[str], answer: str | None
) -> None:
    async with rig(tmp_path, catalogue, {}, policy=ALLOWED) as hub:
        record = await called(hub, "take_a_photo", {}, devices=named)
        assert record.state == ("refused" if answer else "succeeded")
        assert answer is None or record.answer == answer
