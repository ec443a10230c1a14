"""More than a hub can take: everybody is answered, and who sends little does not notice."""

import asyncio
import json
import time
from collections import Counter
from pathlib import Path

import pytest

from orchestrator import lanes
from orchestrator.admission import Limits
from orchestrator.catalogue import Catalogue
from schemas.call import Invocation
from schemas.outcome import Done, Evidence
from tests.broker import running_broker
from tests.doorkit import User, door, people, told

SELFIE = "Take a selfie with the front camera"
MODEL = {SELFIE: "<nexa_0>('front')<nexa_end>"}
ROOMY = "allow_anonymous true\nmax_queued_messages 10000"
"""As the hub's own broker: one that keeps less drops the rest of a burst without a word."""
LIMITS = Limits()


async def test_a_burst_is_answered_command_by_command(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "LONGEST", LIMITS.under_way)  # so that they stay under way
    names, let_go = [f"user{number}" for number in range(50)], asyncio.Event()

    async def hold(_: Invocation) -> Done:
        await let_go.wait()
        return Done(evidence=Evidence.VERIFIED)

    async with (
        running_broker(tmp_path, ROOMY) as broker,
        people(broker, *names) as users,
        door(broker, tmp_path, catalogue, MODEL, call=hold) as hub,
    ):
        await told(users[0], "octopus/status", b"online")
        async with asyncio.timeout(30):
            counted = await asyncio.gather(*(sent(user, 100) for user in users))
        busy = 5_000 - LIMITS.under_way
        assert sum(counted, Counter()) == {"accepted": LIMITS.under_way, "busy": busy}
        let_go.set()
        await hub.pipeline.drain(20)
        assert len({call.key for call in hub.adapter.calls}) == LIMITS.under_way
        assert len(hub.adapter.calls) == LIMITS.under_way


async def test_who_floods_is_held_back_and_nobody_else_is(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with (
        running_broker(tmp_path, ROOMY) as broker,
        people(broker, "ann", "bob") as (ann, bob),
        door(broker, tmp_path, catalogue, MODEL),
    ):
        await told(ann, "octopus/status", b"online")
        began = time.monotonic()
        flood = asyncio.create_task(sent(ann, 1_000))
        calm = await sent(bob, 1)
        while not flood.done() and calm.total() < LIMITS.burst:  # what bob has for himself
            calm += await sent(bob, 1, calm.total())
        answers, seconds = await flood, time.monotonic() - began
    assert calm == {"accepted": calm.total()}
    most = LIMITS.burst + LIMITS.a_minute / 60 * seconds + 1
    assert LIMITS.burst <= answers["accepted"] <= most
    assert answers["busy"] == 1_000 - answers["accepted"]


async def sent(user: User, count: int, first: int = 0) -> Counter[str]:
    """Send so many commands, as fast as the broker takes them; what became of each, counted."""
    ids = [f"{user.name}-{number}" for number in range(first, first + count)]
    for identity in ids:
        payload = json.dumps({"text": SELFIE, "id": identity})
        await user.client.publish(f"octopus/command/{user.name}", payload)
    answers = [json.loads((await user.answers.get()).payload) for _ in ids]
    assert {answer["id"] for answer in answers} == set(ids), "each is answered"
    return Counter(answer["code"] if answer["error"] else "accepted" for answer in answers)
