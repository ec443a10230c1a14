"""Voice assistants hand over what they heard, by the Wyoming protocol, with its own client."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event, Eventable
from wyoming.handle import Handled, NotHandled
from wyoming.info import Describe, Info, SelectProgram
from wyoming.ping import Ping, Pong

from orchestrator.catalogue import Catalogue
from orchestrator.conversation import Conversation
from orchestrator.doors.wyoming import door, events
from orchestrator.doors.wyoming.door import WyomingDoor
from orchestrator.policy import Policy, Rule, Verdict
from schemas.errors import InvalidSettings
from tests.hubkit import Rig, rig

CALL, VOLUME = "call 5551234567", "set the volume"
MODEL = {
    "selfie": "<nexa_0>('front')<nexa_end>",
    CALL: "<nexa_8>('5551234567')<nexa_end>",
    VOLUME: "<nexa_13>(None, 'media')<nexa_end>",
    "8": "<nexa_20>()<nexa_end>",
    "sing": "<nexa_20>()<nexa_end>",
}


@asynccontextmanager
async def served(hub: Rig, user: str = "ann") -> AsyncIterator[int]:
    made = WyomingDoor(Conversation(hub.service, hub.bus), user, "octopus")
    async with made.serving("127.0.0.1", 0) as port:
        yield port


async def asked(port: int, *sent: Eventable) -> Event:
    """What is answered to the last event, on a connection of its own, as Home Assistant does it."""
    async with AsyncTcpClient("127.0.0.1", port) as client:
        for event in sent:
            await client.write_event(event.event())
        async with asyncio.timeout(20):
            answer = await client.read_event()
    assert answer is not None
    return answer


async def heard(port: int, text: str, **more: Any) -> tuple[str, str]:
    """What is spoken in answer to a sentence, and as what."""
    answer = await asked(port, Transcript(text=text, **more))
    return answer.type, answer.data["text"]


async def test_it_says_what_it_is(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub, served(hub) as port:
        info = Info.from_event(await asked(port, Describe()))
        (program,) = info.handle
        assert (program.name, program.installed) == ("octopus", True)
        assert program.supports_home_control
        assert program.attribution.name
        assert program.version
        assert [model.languages for model in program.models] == [["en"]]
        assert info.asr == info.tts == info.wake == info.intent == []
        assert Pong.from_event(await asked(port, Ping(text="x"))).text == "x"


async def test_a_sentence_is_done_and_what_came_of_it_is_spoken(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub, served(hub) as port:
        context = {"conversation_id": "c-1"}
        answer = await asked(
            port, SelectProgram(name="octopus"), Transcribe(language="en"),
            AudioChunk(rate=16000, width=2, channels=1, audio=bytes(4096)),
            Transcript(text="selfie", context=context, language="en"),
        )  # fmt: skip
        assert Handled.is_type(answer.type)
        told = Handled.from_event(answer)
        assert (told.text, told.context) == ("Pixel: ok", context)
        (record,) = await hub.journal.latest(1, "ann")
        assert (record.command.door, record.command.text) == ("wyoming", "selfie")


async def test_what_is_not_done_is_said_as_that(tmp_path: Path, catalogue: Catalogue) -> None:
    denied = Policy(rules=(Rule(function=("take_a_photo",), verdict=Verdict.DENY),))
    async with rig(tmp_path, catalogue, MODEL, policy=denied) as hub, served(hub) as port:
        kind, said = await heard(port, "selfie")
        assert NotHandled.is_type(kind)
        assert said == "the policy denies take a photo (rule 1)"
        assert NotHandled.is_type((await heard(port, "sing"))[0])
        assert await heard(port, " ") == ("not-handled", "the sentence is empty")
        answer = await asked(port, _Raw(Event("transcript", {"text": 7})))
        assert answer.data["text"] == "the sentence is empty"
        assert hub.adapter.calls == []


class _Raw(Eventable):
    """An event as it is."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def event(self) -> Event:
        return self._event

    @staticmethod
    def is_type(_: str) -> bool:
        return True

    @staticmethod
    def from_event(event: Event) -> "_Raw":
        return _Raw(event)


async def test_questions_and_confirmations_are_answered_by_voice_from_any_satellite(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub, served(hub) as port:
        kitchen = {"conversation_id": "kitchen"}
        bedroom = {"conversation_id": "bedroom"}
        assert await heard(port, VOLUME, context=kitchen) == (
            "handled", "set volume: which level?",
        )  # fmt: skip
        assert (await heard(port, "8", context=bedroom))[0] == "handled"
        assert [call.arguments["level"] for call in hub.adapter.calls] == [8]
        kind, said = await heard(port, CALL, context=kitchen)
        assert kind == "handled"
        assert "(phone number: 5551234567)" in said
        assert said.endswith("Say yes or no.")
        assert len(hub.adapter.calls) == 1
        assert (await heard(port, "yes", context=bedroom))[0] == "handled"
        assert [call.function for call in hub.adapter.calls] == ["set_volume", "make_phone_call"]
        await heard(port, CALL)
        assert await heard(port, "no") == ("handled", "the answer was no")
        assert len(hub.adapter.calls) == 2


async def test_what_comes_in_is_bounded(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "IDLE", 0.3)
    monkeypatch.setattr(door, "MOST_AT_ONCE", 3)
    too_long = [
        b"x" * (2 * events.MOST_LINE) + b"\n",
        b'{"type": "transcript", "data_length": %d}\n' % (events.MOST_DATA + 1),
        b'{"type": "audio-chunk", "payload_length": %d}\n' % (events.MOST_PAYLOAD + 1),
        b'{"type": "transcript", "data_length": -1}\n',
        b'{"type": "transcript", "data_length": "9"}\n',
        b'{"type": "%s"}\n' % (b"t" * 65),
        b"[]\n", b"no JSON\n", b"[" * 10_000 + b"\n", b'{"data": {}}\n',
        b'{"type": "transcript", "data_length": 4}\nnull',
        b'{"type": "transcript", "data": {"text": "\\ud800"}}\n',
    ]  # fmt: skip
    async with rig(tmp_path, catalogue, MODEL) as hub, served(hub) as port:
        for sent in too_long:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            async with asyncio.timeout(10):
                line = await reader.readline()
                assert json.loads(line)["type"] == Error("").event().type, sent[:60]
                await reader.read()  # and then it is closed
            writer.close()
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        async with asyncio.timeout(10):
            # The one too many at once, the others once they have said nothing for a while.
            for reader, writer in reversed(silent):
                assert await reader.read() == b""
                writer.close()
        assert (await heard(port, "selfie"))[0] == "handled"


async def test_two_thousand_hostile_events_break_nothing(
    tmp_path: Path, catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(9)
    junk: list[Any] = [
        None, 7, -1, 2**70, 1e308, "", "x" * 3_000, "\udc80", [], {}, True, "selfie", [[]] * 50,
    ]  # fmt: skip
    types = ["transcript", "describe", "ping", "recognize", "audio-chunk", "synthesize", "x"]

    def event() -> bytes:
        data = {"text": dice.choice(junk), "context": dice.choice(junk), "x": dice.choice(junk)}
        said = {"type": dice.choice([*types, dice.choice(junk)]), "data": data}
        if dice.random() < 0.3:
            said[dice.choice(["data", "data_length", "payload_length", "version"])] = dice.choice(
                [*junk, 3, 50]
            )
        if dice.random() < 0.1:
            return dice.randbytes(dice.randrange(200))
        return json.dumps(said).encode() + b"\n" + dice.randbytes(dice.choice([0, 0, 0, 3, 60]))

    async with rig(tmp_path, catalogue, MODEL) as hub, served(hub) as port:
        for _ in range(250):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"".join(event() for _ in range(8)))
            writer.write_eof()
            async with asyncio.timeout(20):
                while line := await reader.readline():
                    answer = json.loads(line)
                    assert answer["type"] in ("info", "pong", "handled", "not-handled", "error")
                    await reader.readexactly(answer.get("data_length", 0))
            writer.close()
        assert (await heard(port, "selfie"))[0] == "handled"
    assert [r for r in caplog.records if r.levelname in ("ERROR", "CRITICAL")] == []


async def test_a_port_that_is_taken_is_named(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub, served(hub) as port:
        taken = WyomingDoor(Conversation(hub.service, hub.bus), "ann", "octopus")
        with pytest.raises(InvalidSettings, match=rf"port {port} cannot be used .*wyoming\.port"):
            async with taken.serving("127.0.0.1", port):
                pass
