"""Who says a sentence hears what came of it."""

import asyncio
from pathlib import Path

import pytest

from orchestrator import texts
from orchestrator.catalogue import Catalogue
from orchestrator.conversation import Conversation
from schemas.call import Invocation
from schemas.errors import BadCommand
from schemas.event import Event
from schemas.outcome import Done, Evidence
from tests.hubkit import rig

CALL = "call 5551234567"
MODEL = {"selfie": "<nexa_0>('front')<nexa_end>", CALL: "<nexa_8>('5551234567')<nexa_end>"}


async def test_a_sentence_is_answered_with_its_end(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        heard = await Conversation(hub.service, hub.bus).say("selfie", "ann", "http")
        assert (heard.state, heard.asks) == ("succeeded", False)
        record = await hub.journal.get(heard.id)
        assert record is not None
        assert (heard.text, record.command.door) == (record.answer, "http")


async def test_what_waits_for_a_person_is_said_and_goes_on_with_their_yes(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        talk = Conversation(hub.service, hub.bus)
        heard = await talk.say(CALL, "ann", "http")
        assert heard.asks
        assert heard.token
        assert hub.adapter.calls == []
        said = await talk.say("yes", "ann", "http")
        assert said.state == "succeeded"
        assert len(hub.adapter.calls) == 1


async def test_the_same_id_hears_the_same_end(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        talk, fields = Conversation(hub.service, hub.bus), {"text": "selfie", "id": "c1"}
        first = await talk.send("command", fields, "ann", "http")
        again = await talk.send("command", fields, "ann", "http")
        assert first == again
        assert len(hub.adapter.calls) == 1


async def test_the_same_id_hears_what_it_is_asked(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        talk, fields = Conversation(hub.service, hub.bus), {"text": CALL, "id": "c1"}
        first = await talk.send("command", fields, "ann", "http")
        assert first.token
        assert await talk.send("command", fields, "ann", "http") == first


async def test_who_lost_the_event_of_the_end_hears_it_all_the_same(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        monkeypatch.setattr("orchestrator.bus.QUEUE", 1)
        publish = hub.bus.publish

        def in_a_crowd(event: Event) -> None:
            publish(event)
            publish(event.model_copy(update={"id": "another"}))

        monkeypatch.setattr(hub.bus, "publish", in_a_crowd)
        heard = await Conversation(hub.service, hub.bus).say("selfie", "ann", "http", within=1)
        record = await hub.journal.get(heard.id)
        assert record is not None
        assert hub.bus.dropped
        assert (heard.state, heard.text) == ("succeeded", record.answer)


async def test_nobody_waits_longer_than_they_want_to(tmp_path: Path, catalogue: Catalogue) -> None:
    over = asyncio.Event()

    async def slow(_: Invocation) -> Done:
        await over.wait()
        return Done(evidence=Evidence.UNVERIFIED)

    async with rig(tmp_path, catalogue, MODEL, call=slow) as hub:
        heard = await Conversation(hub.service, hub.bus).say("selfie", "ann", "http", within=0)
        over.set()
        assert (heard.state, heard.text) == ("running", texts.NOT_YET)


async def test_what_is_not_taken_is_said_at_once(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        with pytest.raises(BadCommand, match="empty"):
            await Conversation(hub.service, hub.bus).say(" ", "ann", "http")
