"""What a person may have a phone do, who may, which phone, and what is left of it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.managers import NotAllowed
from orchestrator.people import LOCAL
from orchestrator.phones.tasks import TASKS, BadTask, PhoneTasks, WhichPhone
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, HubError
from schemas.outcome import Done, Evidence
from tests.hubkit import Rig, ScriptedAdapter, rig, sql

SAID = [{"app": "org.mail", "title": "Bank", "text": "your code is 4711"}]
TABLET = Device(id="p2", kind=Kind.PHONE, name="Tab", aliases=("kitchen",), protocol="test")


async def answer(invocation: Invocation) -> Done:
    match invocation.function:
        case "list_notifications":
            return Done(evidence=Evidence.VERIFIED, result=json.dumps(SAID), detail="1")
        case "battery_status":
            return Done(evidence=Evidence.VERIFIED, result="no JSON")
        case "ring_phone":
            return Done(evidence=Evidence.UNVERIFIED, detail="Ringing")
        case "pull_file":
            raise DeviceRefused(f"no file {invocation.arguments['path']}")
    return Done(evidence=Evidence.VERIFIED, result="/files/screen.png", detail="Screenshot taken")


@pytest.fixture
async def hub(tmp_path: Path, catalogue: Catalogue) -> AsyncIterator[Rig]:
    async with rig(tmp_path, catalogue, {}, call=answer) as made:
        yield made


@pytest.fixture
def tasks(hub: Rig) -> PhoneTasks:
    return tasks_of(hub)


def tasks_of(hub: Rig, denied: str = "") -> PhoneTasks:
    """For this machine's own command line; `denied` is the policy's reason."""
    return PhoneTasks(hub.registry, hub.journal, frozenset({LOCAL}), lambda *_: denied)


async def test_the_only_phone_does_it_and_says_what_came_of_it(hub: Rig, tasks: PhoneTasks) -> None:
    done = await tasks.do(LOCAL, {"do": "take_screenshot"})
    assert done == {
        "device": "Pixel", "did": "take_screenshot", "result": "/files/screen.png",
        "detail": "Screenshot taken", "evidence": "verified",
    }  # fmt: skip
    [sent] = hub.adapter.calls
    assert (sent.function, sent.arguments) == ("take_screenshot", {})
    assert sent.timeout == TASKS["take_screenshot"].timeout


async def test_nobody_else_may_whatever_they_ask_for(hub: Rig, tasks: PhoneTasks) -> None:
    for user in ("ann", "", "LOCAL"):
        with pytest.raises(NotAllowed, match=r"hub\.managers"):
            await tasks.do(user, {"do": "take_screenshot"})
    assert not hub.adapter.calls


async def test_what_sentences_ask_for_goes_through_the_policy(
    hub: Rig, tasks: PhoneTasks, catalogue: Catalogue
) -> None:
    assert set(TASKS) & {function.name for function in catalogue} == {"take_screenshot"}
    with pytest.raises(NotAllowed, match="the policy denies"):
        await tasks_of(hub, "the policy denies it").do(LOCAL, {"do": "take_screenshot"})
    for what in ("make_phone_call", "take_a_photo", "ask_person", "open_url", None, 7, ""):
        with pytest.raises(BadTask, match="there are: battery_status"):
            await tasks.do(LOCAL, {"do": what})
    assert not hub.adapter.calls


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "path: a text"),
        ({"path": 7}, "path: a text"),
        ({"path": ""}, "path: a text"),
        ({"path": "x" * 5000}, "at most 4096"),
        ({"path": "/sdcard/a\0b"}, "NUL"),
        ({"path": "/sdcard/a", "user": "root"}, "no 'user'"),
        (["path"], "an object"),
    ],
)
async def test_arguments_are_checked_before_anything_is_sent(
    hub: Rig, tasks: PhoneTasks, arguments: object, says: str
) -> None:
    with pytest.raises(BadTask, match=says):
        await tasks.do(LOCAL, {"do": "pull_file", "arguments": arguments})
    assert not hub.adapter.calls


async def test_the_journal_says_who_had_which_phone_do_what_and_nothing_it_said(
    hub: Rig, tasks: PhoneTasks, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    done = await tasks.do(LOCAL, {"do": "list_notifications"})
    assert done["result"] == SAID
    with pytest.raises(DeviceRefused):
        await tasks.do(LOCAL, {"do": "pull_file", "arguments": {"path": "/sdcard/diary.txt"}})
    noted = await sql(hub.journal, "select * from events")
    assert [row for row in noted if "list_notifications" in row], "who, which, when"
    assert [row for row in noted if "pull_file" in row], "also what went wrong"
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("journal.db*"))
    for private in ("4711", "Bank", "org.mail", "diary"):
        assert private.encode() not in kept
        assert private not in caplog.text


async def test_a_result_that_is_no_json_is_told_so(tasks: PhoneTasks) -> None:
    with pytest.raises(HubError, match="cannot be read"):
        await tasks.do(LOCAL, {"do": "battery_status"})


async def test_of_several_phones_the_connected_one_else_the_named_one(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    other = ScriptedAdapter(frozenset(), answer)
    async with rig(tmp_path, catalogue, {}, call=answer, more=[(TABLET, other)]) as hub:
        tasks = tasks_of(hub)
        with pytest.raises(WhichPhone, match=r"which phone: Pixel, Tab\?"):
            await tasks.do(LOCAL, {"do": "ring_phone"})
        for name in ("Tab", "tab", "kitchen", "p2"):
            done = await tasks.do(LOCAL, {"do": "ring_phone", "device": name})
            assert (done["device"], done["evidence"]) == ("Tab", "unverified")
        assert (await tasks.do(LOCAL, {"do": "ring_phone"}))["device"] == "Tab", "it is connected"
        for name in ("Pixle", "octopus"):
            with pytest.raises(WhichPhone, match=rf"no phone is '{name}': Pixel, Tab"):
                await tasks.do(LOCAL, {"do": "ring_phone", "device": name})


async def test_without_a_phone_it_says_where_to_look(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, {}) as hub:
        await hub.registry.approve("p1")
        hub.registry._approved.pop("p1")
        with pytest.raises(WhichPhone, match="octopus devices"):
            await tasks_of(hub).do(LOCAL, {"do": "ring_phone"})
