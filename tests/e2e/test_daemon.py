"""The daemon as a process: a day with it, and what kills it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from device_adapters.mqtt import Message
from device_adapters.simulated.phone.adbd.faults import Fault, Manner
from orchestrator.broker import LOCAL, Login, passwords
from orchestrator.client import HubClient, Refused, connected
from tests.e2e.daemon import READY_WITHIN, Devices, Site, devices, eventually

SELFIE = "Take a selfie with the front camera"
NESTED = "Text John the weather in Seoul"


def client_of(site: Site) -> AbstractAsyncContextManager[HubClient]:
    """What the command line uses."""
    login = Login("127.0.0.1", site.port, LOCAL, passwords(site.state)[LOCAL])
    return connected(login, "octopus", LOCAL)


async def approve_all(site: Site, there: Devices) -> None:
    """Wait until every device is found, and approve it."""
    async with client_of(site) as client, asyncio.timeout(15):
        for name in there.names:
            while True:
                with contextlib.suppress(Refused):
                    await client.request("device/approve", device=name)
                    break
                await asyncio.sleep(0.05)


async def test_a_day_with_the_hub(site: Site) -> None:
    assert await site.start() <= READY_WITHIN
    async with devices(site) as there:
        refused = await site.octopus("send", SELFIE)
        assert refused.status == 1, "nothing is usable before somebody approved it"
        await approve_all(site, there)
        ran = await site.octopus("devices", "approve", "Family car")
        assert (ran.status, ran.err) == (0, "")
        assert "Family car may be used now: 7 functions" in ran.out
        listed = await site.octopus("devices")
        assert "office-pc" in listed.out
        assert listed.out.count("connected") >= 3
        assert there.names[0] in listed.out

        ran = await site.octopus("send", SELFIE)
        assert (ran.status, ran.err) == (0, "")
        assert "verified" in ran.out

        ran = await site.octopus("send", "--json", NESTED)
        record = json.loads(ran.out)
        assert (ran.status, record["state"]) == (0, "succeeded")
        inner, outer = record["steps"]
        assert (inner["function"], outer["function"]) == (
            "get_weather_forecast",
            "send_text_message",
        )
        assert inner["ended"] <= outer["started"]
        assert "Seoul" in there.phone.state.sent[-1][1]
        ran = await site.octopus("executions", "show", record["id"][:8])
        assert (ran.status, ran.err) == (0, "")
        assert "2 send_text_message on Pixel 8" in ran.out
        assert "message: the result of step 1" in ran.out
        ran = await site.octopus("executions", "list", "--state", "refused")
        assert record["id"][:8] not in ran.out
        assert SELFIE in ran.out, "before the phone was approved"

        assert (await site.octopus("send", "who won the world cup in 2014")).status == 1
        assert (await site.octopus("send", "   ")).status == 2
    assert await site.stop() == 0


async def test_a_command_is_watched_and_called_off(site: Site) -> None:
    await site.start()
    async with devices(site) as there, client_of(site) as client:
        await approve_all(site, there)
        there.phone.inject(Fault("content://media", Manner.DELAY, seconds=30))
        await client.send(SELFIE, "selfie-1")
        async with asyncio.timeout(10):
            while (await client.events.get()).state != "dispatched":
                pass
        watching = asyncio.create_task(site.octopus("executions", "watch", "self"))
        ran = await site.octopus("executions", "cancel", "selfie")
        assert (ran.status, ran.err) == (0, "")
        assert "it is not known whether it happened" in ran.out
        watched = await watching
        assert (watched.status, watched.out.splitlines()[-1]) == (1, ran.out.rstrip())
        assert (await site.octopus("cancel", "selfie")).status == 2, "it has ended"
    assert await site.stop() == 0


async def test_an_id_may_be_cut_as_long_as_it_says_which(site: Site) -> None:
    await site.start()
    async with client_of(site) as client:
        for identity in ("lamp", "lamp-1", "lamp-2", "door-1"):
            await client.send("what is the meaning of life", identity)
        for beginning, found in (("door", "door-1"), ("lamp", "lamp"), ("lamp-2", "lamp-2")):
            assert (await client.find(beginning))["id"] == found
        for beginning, why in (
            ("lamp-", "2 of your latest"),
            ("doo", "no command"),
            ("x" * 9, "no"),
        ):
            with pytest.raises(Refused, match=why):
                await client.find(beginning)
    ran = await site.octopus("executions", "show", "lamp-")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "octopus: 2 of your latest commands begin with 'lamp-'\n"


async def test_a_broker_killed_under_a_running_daemon(site: Site) -> None:
    await site.start()
    async with devices(site) as there:
        await approve_all(site, there)
        before = site.broker
        os.kill(before, signal.SIGKILL)
        ran = await site.octopus("send", SELFIE)
        assert (ran.status, ran.err) == (0, "")
        assert site.broker != before
        assert len(there.phone.state.photos) == 1
    assert await site.stop() == 0


async def test_a_broker_killed_under_a_running_command(site: Site) -> None:
    await site.start()
    async with devices(site) as there:
        await approve_all(site, there)
        there.phone.inject(Fault("content://media", Manner.DELAY, seconds=1.5))
        sending = asyncio.create_task(site.octopus("send", SELFIE))
        await eventually(lambda: bool(there.phone.state.photos), 20, site)
        os.kill(site.broker, signal.SIGKILL)
        ran = await sending
        assert (ran.status, ran.err) == (0, "")
        assert len(there.phone.state.photos) == 1


async def test_a_killed_daemon_comes_back_with_its_record(site: Site) -> None:
    await site.start()
    async with devices(site) as there:
        await approve_all(site, there)
        assert (await site.octopus("send", SELFIE)).status == 0
        orphan = site.broker
        assert await site.stop(signal.SIGKILL) == -signal.SIGKILL
        assert await site.start() <= READY_WITHIN
        assert site.broker != orphan
        ran = await site.octopus("executions", "list", "--json")
        (record,) = json.loads(ran.out)
        assert (record["command"]["text"], record["state"]) == (SELFIE, "succeeded")
        assert (await site.octopus("send", SELFIE)).status == 0, "approval lasts"


async def test_sigterm_ends_it_with_a_goodbye(site: Site) -> None:
    await site.start()
    async with site.client() as client:
        heard: asyncio.Queue[bytes] = asyncio.Queue()

        async def hear(message: Message) -> None:
            heard.put_nowait(message.payload)

        client.subscribe("octopus/status", hear)
        async with asyncio.timeout(10):
            assert await heard.get() == b"online"
            broker = site.broker
            assert await site.stop() == 0
            assert await heard.get() == b"offline"
    assert "Traceback" not in site.log
    assert not Path(f"/proc/{broker}").exists()


async def test_two_hubs_on_one_folder(site: Site) -> None:
    await site.start()
    second = await site.octopus("run")
    assert second.status == 2
    assert "another hub runs with this folder" in second.err
    assert (await site.octopus("devices")).status == 0, "the first one goes on"
