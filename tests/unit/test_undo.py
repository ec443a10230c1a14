"""What was done is taken back from how the devices said they were before, and once."""

import asyncio
from pathlib import Path

import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.policy import Policy, Rule, Verdict
from schemas.call import Invocation, Restore
from schemas.device import Device, Kind
from schemas.errors import DeviceUnavailable
from schemas.execution import Decision
from schemas.outcome import Done, Evidence
from tests.hubkit import Rig, command, never, rig
from tests.unit.test_dialogue import Many, asked, ended, say

pytestmark = pytest.mark.both_stores

MODEL = Many(
    {
        "volume 3": "<nexa_13>('3', 'media')<nexa_end>",
        "volume 3 and do not disturb": "<nexa_13>('3', 'media');<nexa_15>(True)<nexa_end>",
        "selfie": "<nexa_0>('front')<nexa_end>",
        "lock the car": "<nexa_26>('lock')<nexa_end>",
    }
)


class Remembering:
    """How the devices are, by function; a call changes it."""

    def __init__(self, hub: Rig, **now: dict[str, object]) -> None:
        self.now = dict(now)
        self._adapter = hub.adapter
        hub.adapter.present = self.present  # type: ignore[method-assign]
        hub.adapter._call = self.call

    async def present(self, call: Invocation) -> Restore | None:
        known = self.now.get(call.function)
        if known is None:
            return None
        return Restore(function=call.function, arguments={**call.arguments, **known})  # type: ignore[dict-item]

    async def call(self, call: Invocation) -> Done:
        if call.function in self.now:
            self.now[call.function] = dict(call.arguments)
        return Done(evidence=Evidence.VERIFIED, detail="ok")


async def test_what_was_before_is_set_again(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        home = Remembering(hub, set_volume={"level": 7}, enable_do_not_disturb={"enabled": False})
        assert (await say(hub, "volume 3 and do not disturb", "c1"))[0] == "succeeded"
        assert home.now["set_volume"]["level"] == 3
        assert (await say(hub, "undo that", "c2"))[0] == "succeeded"
        assert home.now["set_volume"]["level"] == 7
        assert home.now["enable_do_not_disturb"] == {"enabled": False}
        record = await hub.journal.get("c2")
        assert record is not None
        assert (record.undoes, record.decision) == ("c1", Decision.ACT)
        state, said = await say(hub, "undo that", "c3")
        assert (state, said) == ("refused", "that was undone already")


async def test_what_changed_nothing_is_not_undone(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        Remembering(hub, set_volume={"level": 3})
        await say(hub, "volume 3", "c1")
        state, said = await say(hub, "undo that", "c2")
        assert (state, "cannot be undone" in said) == ("refused", True)


@pytest.mark.parametrize("sentence", ["selfie"])
async def test_what_has_no_inverse_is_not_undone(
    sentence: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        await say(hub, sentence, "c1")
        state, said = await say(hub, "undo that", "c2")
        assert (state, "take a photo" in said) == ("refused", True)
        assert len(hub.adapter.calls) == 1


async def test_nobody_undoes_what_somebody_else_did(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        home = Remembering(hub, set_volume={"level": 7})
        await say(hub, "volume 3", "c1")
        for identity, fields in (("c2", {"user": "bob"}), ("c3", {"door": "cli"})):
            state, said = await say(hub, "undo that", identity, **fields)
            assert (state, said) == ("refused", "there is nothing to undo")
        assert home.now["set_volume"]["level"] == 3


async def test_an_undo_asks_where_the_call_would(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        car = Device(id="g", kind=Kind.CAR, name="Golf", protocol="test", functions=("lock_doors",))
        hub.registry.load((car,))
        home = Remembering(hub, lock_doors={"action": "unlock"})
        async with asked(hub, command("lock the car"), "awaiting_confirmation") as told:
            await hub.pipeline.confirm("c1", told.token, "ann")
        assert (await ended(hub, "c1"))[0] == "succeeded"
        async with asked(hub, command("undo that", "c2"), "awaiting_confirmation") as told:
            assert "action: unlock" in told.text
            assert home.now["lock_doors"] == {"action": "lock"}
            await hub.pipeline.confirm("c2", told.token, "ann", yes=False)
        assert (await ended(hub, "c2"))[0] == "cancelled"
        assert home.now["lock_doors"] == {"action": "lock"}


async def test_a_device_that_does_not_say_how_it_is_is_changed_all_the_same(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        for broken in (DeviceUnavailable("gone"), RuntimeError("bug"), TimeoutError()):

            async def present(_: Invocation, error: Exception = broken) -> Restore | None:
                raise error

            monkeypatch.setattr(hub.adapter, "present", present)
            name = type(broken).__name__
            assert (await say(hub, "volume 3", name))[0] == "succeeded"
        assert len(hub.adapter.calls) == 3


async def test_an_order_calls_off_what_is_under_way(tmp_path: Path, catalogue: Catalogue) -> None:
    sent = asyncio.Event()
    async with rig(tmp_path, catalogue, MODEL, call=never(sent)) as hub:
        await hub.pipeline.submit(command("selfie"))
        await sent.wait()
        assert (await say(hub, "stop", "c2", user="bob"))[0] == "refused"
        state, _ = await say(hub, "stop", "c3")
        assert state == "succeeded"
        # The camera may have taken it: nobody claims that it did not.
        assert (await ended(hub, "c1"))[0] == "needs_attention"


async def test_with_nothing_to_call_off_nothing_happens(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    policy = Policy(rules=(Rule(verdict=Verdict.ALLOW),))
    async with rig(tmp_path, catalogue, MODEL, policy=policy) as hub:
        for number, order in enumerate(("forget it", "undo that", "cancel all schedules")):
            assert (await say(hub, order, f"c{number}"))[0] == "refused"
        assert hub.adapter.calls == []


async def test_what_cannot_be_taken_back_is_said(tmp_path: Path, catalogue: Catalogue) -> None:
    model = Many({"volume 3 and a selfie": "<nexa_13>('3', 'media');<nexa_0>('front')<nexa_end>"})
    async with rig(tmp_path, catalogue, model) as hub:
        home = Remembering(hub, set_volume={"level": 7})
        await say(hub, "volume 3 and a selfie", "c1")
        state, said = await say(hub, "undo that", "c2")
        assert (state, home.now["set_volume"]["level"]) == ("succeeded", 7)
        assert "take a photo on Pixel (camera: front) cannot be taken back" in said


async def test_what_was_never_done_hides_nothing(tmp_path: Path, catalogue: Catalogue) -> None:
    model = Many(MODEL | {"call 5551234567": "<nexa_8>('5551234567')<nexa_end>"})
    async with rig(tmp_path, catalogue, model) as hub:
        home = Remembering(hub, set_volume={"level": 7})
        await say(hub, "volume 3", "c1")
        async with asked(hub, command("call 5551234567", "c2"), "awaiting_confirmation"):
            await say(hub, "no", "c3")
        assert (await say(hub, "undo that", "c4"))[0] == "succeeded"
        assert home.now["set_volume"]["level"] == 7


async def test_what_runs_is_not_undone_but_called_off(tmp_path: Path, catalogue: Catalogue) -> None:
    sent = asyncio.Event()
    async with rig(tmp_path, catalogue, MODEL, call=never(sent)) as hub:
        await hub.pipeline.submit(command("selfie"))
        await sent.wait()
        state, said = await say(hub, "undo that", "c2")
        assert (state, said) == ("refused", "'selfie' is still under way: say stop to call it off")
        await say(hub, "stop", "c3")
