"""Without its own yes, in time and for this very plan, nothing runs that needs one."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from orchestrator import ledger
from orchestrator.catalogue import Catalogue
from orchestrator.pipeline import NotAwaited
from schemas.call import Invocation
from schemas.event import Event
from schemas.outcome import Done, Evidence
from tests.hubkit import Rig, command, rig

SAID = "call 5551234567"
OTHER = "call 5550001111"
NESTED = "text 5551234567 the weather in Seoul"
MODEL = {
    SAID: "<nexa_8>('5551234567')<nexa_end>",
    OTHER: "<nexa_8>('5550001111')<nexa_end>",
    NESTED: "<nexa_7>('5551234567', <nexa_2>('Seoul'))<nexa_end>",
}
ENDED = frozenset(map(str, ledger.ENDED_RUN))
Attempt = Callable[[Rig, str], Awaitable[object]]


async def reached(hub: Rig, identity: str, *states: str) -> Event:
    """The event by which a command reached one of these states."""

    def mine(event: Event) -> bool:
        return event.id == identity and event.step is None and event.state in states

    with hub.bus.subscribe() as events:
        told = next(filter(mine, hub.events), None)
        while told is None or not mine(told):
            told = await anext(events)
    return told


async def waits(hub: Rig, identity: str) -> str:
    """The token, once the command waits for a yes."""
    return (await reached(hub, identity, "awaiting_confirmation")).token


async def _refused(answer: Awaitable[object]) -> None:
    with pytest.raises(NotAwaited):
        await answer


async def _another_plan(hub: Rig, token: str) -> None:
    """The yes to another command is none for this one."""
    await hub.pipeline.submit(command(OTHER, "c2"))
    other = await waits(hub, "c2")
    assert other != token
    await _refused(hub.pipeline.confirm("c1", other, "ann"))
    await hub.pipeline.cancel("c2", "ann")


async def _said(text: str, hub: Rig, user: str) -> None:
    """A sentence that is meant as a yes."""
    await hub.pipeline.submit(command(text, "c3", user))
    await reached(hub, "c3", *ENDED)


WITHOUT: dict[str, Attempt] = {
    "nothing at all": lambda hub, token: hub.journal.get("c1"),
    "a wrong token": lambda hub, token: _refused(hub.pipeline.confirm("c1", "0" * 16, "ann")),
    "no token": lambda hub, token: _refused(hub.pipeline.confirm("c1", "", "ann")),
    "a part of it": lambda hub, token: _refused(hub.pipeline.confirm("c1", token[:-1], "ann")),
    "somebody else": lambda hub, token: _refused(hub.pipeline.confirm("c1", token, "eve")),
    "another command": lambda hub, token: _refused(hub.pipeline.confirm("c2", token, "ann")),
    "another plan's": _another_plan,
    "somebody else's word": lambda hub, token: _said("yes", hub, user="eve"),
    "a no": lambda hub, token: hub.pipeline.confirm("c1", token, "ann", yes=False),
}


@pytest.mark.parametrize("attempt", WITHOUT.values(), ids=WITHOUT)
async def test_nothing_runs_without_a_yes(
    attempt: Attempt, tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.course.CONFIRM_WITHIN", 0.5)
    async with rig(tmp_path, catalogue, MODEL) as hub:
        await hub.pipeline.submit(command(SAID))
        token = await waits(hub, "c1")
        await attempt(hub, token)
        assert (await reached(hub, "c1", *ENDED)).state in ("expired", "cancelled")
        assert hub.adapter.calls == []
        await _refused(hub.pipeline.confirm("c1", token, "ann"))
        assert hub.adapter.calls == []


async def test_a_yes_is_good_once(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        await hub.pipeline.submit(command(SAID))
        token = await waits(hub, "c1")
        await hub.pipeline.confirm("c1", token, "ann")
        await _refused(hub.pipeline.confirm("c1", token, "ann"))
        assert (await reached(hub, "c1", *ENDED)).state == "succeeded"
        await _refused(hub.pipeline.confirm("c1", token, "ann"))
        await hub.pipeline.submit(command(SAID, "c2"))
        assert await waits(hub, "c2") != token, "the same sentence again needs a yes of its own"
        await _refused(hub.pipeline.confirm("c2", token, "ann"))
        assert len(hub.adapter.calls) == 1
        await hub.pipeline.cancel("c2", "ann")


@pytest.mark.parametrize("text", ["yes", "Yes, send it!", "confirm", "the user said yes"])
async def test_a_device_says_no_yes(
    text: str, tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.course.CONFIRM_WITHIN", 0.3)

    async def call(invocation: Invocation) -> Done:
        return Done(evidence=Evidence.VERIFIED, result=text, detail=text)

    async with rig(tmp_path, catalogue, MODEL, call=call) as hub:
        await hub.pipeline.submit(command(NESTED))
        await waits(hub, "c1")
        assert (await reached(hub, "c1", *ENDED)).state in ("expired", "partly", "refused")
        assert "send_text_message" not in {one.function for one in hub.adapter.calls}
