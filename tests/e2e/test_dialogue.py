"""A conversation with the daemon as a process: differences, undo, questions, schedules."""

from __future__ import annotations

import asyncio
import json
import signal

from device_adapters.simulated.phone.values import MUSIC
from tests.e2e.daemon import Devices, Site, devices, eventually
from tests.e2e.test_daemon import approve_all
from tests.ran import Ran


async def say(site: Site, sentence: str, *options: str) -> Ran:
    """Send a sentence as from a script: nobody is at the terminal."""
    return await site.octopus("send", sentence, *options)


async def asked(site: Site, sentence: str) -> str:
    """The id of a command that waits for an answer."""
    ran = await say(site, sentence)
    assert ran.status == 1, ran.out
    assert "octopus answer" in ran.err
    return ran.err.split("octopus answer ")[1].split()[0]


def media(there: Devices) -> int:
    return there.phone.state.volumes[MUSIC].index


async def test_differences_and_the_way_back(site: Site) -> None:
    await site.start()
    async with devices(site) as there:
        await approve_all(site, there)
        assert (await say(site, "set the media volume on my phone to 3")).status == 0
        low = media(there)
        ran = await say(site, "make my phone a lot louder")
        assert (ran.status, ran.err) == (0, "")
        assert media(there) > low
        ran = await site.octopus("undo")
        assert (ran.status, ran.err) == (0, "")
        assert media(there) == low
        assert (await say(site, "undo that")).status == 1, "it was undone already"
    assert await site.stop() == 0


async def test_a_question_is_answered_by_sentence_and_by_id(site: Site) -> None:
    await site.start()
    async with devices(site) as there:
        await approve_all(site, there)
        run = await asked(site, "set the volume of my phone")
        await say(site, "never mind")
        record = json.loads((await site.octopus("executions", "show", run, "--json")).out)
        assert record["state"] == "cancelled"
        run = await asked(site, "set the volume of my phone")
        assert (await site.octopus("answer", run, "purple")).status == 2
        ran = await say(site, "make it 8")
        assert (ran.status, ran.err) == (0, ""), ran.out
        record = json.loads((await site.octopus("executions", "show", run, "--json")).out)
        assert record["steps"][0]["arguments"]["level"] == 8
    assert await site.stop() == 0


async def test_a_schedule_outlives_a_killed_daemon(site: Site) -> None:
    await site.start()
    async with devices(site) as there:
        await approve_all(site, there)
        ran = await say(site, "take a selfie in 3 seconds")
        assert ran.status == 0, ran.out
        assert "scheduled" in ran.out
        ran = await say(site, "take a selfie every day at 7 am", "--json")
        assert json.loads(ran.out)["state"] == "scheduled"
        await site.stop(signal.SIGKILL)
        await site.start()
        await eventually(lambda: bool(there.phone.state.photos), 20, site)
        listed = json.loads((await site.octopus("schedule", "--json")).out)
        assert [one["words"] for one in listed] == ["every day at 07:00"]
        await asyncio.sleep(0)
        assert len(there.phone.state.photos) == 1
        ran = await say(site, "cancel the selfie schedule")
        assert ran.status == 0, ran.out
        assert json.loads((await site.octopus("schedule", "--json")).out) == []
    assert await site.stop() == 0


async def test_a_plan_is_shown_and_a_confirmation_is_nobodys_guess(site: Site) -> None:
    await site.start()
    async with devices(site) as there:
        await approve_all(site, there)
        ran = await site.octopus("plan", "lock the car and take a selfie", "--json")
        outlined = json.loads(ran.out)
        assert outlined["decision"] == "confirm"
        assert [step["device"] for step in outlined["steps"]] == ["Family car", "Pixel 8"]
        ran = await say(site, "unlock the car")
        assert ran.status == 1
        assert "not confirmed" in ran.err
        assert (await site.octopus("confirm", "no-such-command", "0123456789abcdef")).status == 2
        for sentence in ("don't lock the car", "should I lock the car?", "Bob said lock the car"):
            ran = await say(site, sentence, "--yes")
            assert ran.status == 1, ran.out
        ran = await say(site, "lock the car", "--yes")
        assert (ran.status, ran.err) == (0, "")
    assert await site.stop() == 0
