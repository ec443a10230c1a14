"""A phone is paired, managed from the command line, and manages the hub: over adb's own server."""

from __future__ import annotations

import asyncio
import json
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from device_adapters.simulated.phone.adbd.announce import announced
from device_adapters.simulated.phone.adbd.server import SimulatedPhone
from device_adapters.simulated.phone.values import Notification
from orchestrator.broker import LOCAL, Login, passwords
from orchestrator.client import connected
from tests.e2e.daemon import Site, eventually
from tests.webkit import browsing

CALL = "call 5551234567"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody listens on a port of this machine, which is the phone as well."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@asynccontextmanager
async def paired(site: Site) -> AsyncIterator[SimulatedPhone]:
    """A phone with wireless debugging that the hub was paired with."""
    serial = f"SIM{uuid.uuid4().hex[:8]}"
    async with SimulatedPhone("Pixel 8", serial, wireless=True) as phone, announced(phone):
        offer = await phone.open_pairing()
        ran = await site.octopus("pair", f"{offer.host}:{offer.port}", "--code", offer.code)
        assert (ran.status, ran.err) == (0, ""), ran.out
        yield phone


def shown(phone: SimulatedPhone, tag: str) -> Notification | None:
    return next((one for one in phone.state.notifications if one.tag == tag), None)


async def test_a_question_is_answered_on_the_phone_over_the_forwarded_port(site: Site) -> None:
    port = free_port()
    with (site.config / "hub.toml").open("a") as file:
        file.write(f'[[console]]\ndevice = "Pixel 8"\nport = {port}\n')
    await site.start()
    login = Login("127.0.0.1", site.port, LOCAL, passwords(site.state)[LOCAL])
    async with paired(site) as phone, connected(login, "octopus", LOCAL) as client:
        await client.send(CALL, "c1")
        await eventually(lambda: shown(phone, "octopus-c1") is not None, 20, site)
        note = shown(phone, "octopus-c1")
        assert note is not None
        assert note.intent is not None
        assert "5551234567" not in f"{note.title} {note.text}"
        async with browsing() as browser:
            assert await browser.open(str(note.intent.data)) == 200
            assert browser.url.startswith(f"http://127.0.0.1:{port}/")
            assert "5551234567" in browser.text
            assert await browser.press("Yes, do it") == 200
            home = browser.url.partition("run/")[0]
            await eventually(
                lambda: (one := shown(phone, "octopus-c1")) is not None
                and one.text == "Answered", 20, site,
            )  # fmt: skip
            record = await client.find("c1")
            assert record["state"] == "succeeded", record
            assert record["steps"][0]["outcome"]["evidence"] == "verified"

            await phone.unplug()
            assert not listens(port), "it went with the connection"
            await phone.plug()
            await eventually(lambda: listens(port), 20, site)
            assert await browser.open(home) == 403, "another app may have had the port meanwhile"
            ran = await site.octopus("phone", "open")
            assert (ran.status, ran.err) == (0, ""), ran
            page = shown(phone, "octopus-page")
            assert page is not None
            assert page.intent is not None
            assert await browser.open(str(page.intent.data)) == 200
            assert CALL in browser.text
    assert await site.stop() == 0


async def test_a_phone_is_looked_after_from_the_command_line(site: Site, tmp_path: Path) -> None:
    await site.start()
    async with paired(site) as phone:
        phone.state.files.write("/sdcard/Download/list.txt", b"milk")

        async def said(*words: str) -> str:
            ran = await site.octopus("phone", *words)
            assert (ran.status, ran.err) == (0, ""), ran
            return ran.out

        status = json.loads(await said("battery", "--json"))["result"]
        assert f"{status['level']} %" in await said("battery")
        assert "GB" in await said("storage")
        picture = Path((await said("screenshot")).strip())
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.is_relative_to(site.state / "files")
        target = tmp_path / "here.txt"
        assert (await said("pull", "/sdcard/Download/list.txt", "--to", str(target))).strip() == (
            str(target)
        )
        assert target.read_bytes() == b"milk"
        again = await site.octopus(
            "phone", "pull", "/sdcard/Download/list.txt", "--to", str(target)
        )
        assert again.status == 2
        assert "there already" in again.err
        none = await site.octopus("phone", "pull", "/sdcard/none")
        assert none.status == 2
        assert "No such file" in none.err
        phone.state.files.write("/data/local/tmp/key", b"secret")
        for path in ("/sdcard/../data/local/tmp/key", "/storage/a/../../data/local/tmp/key"):
            outside = await site.octopus("phone", "pull", path)
            assert (outside.status, outside.out) == (2, "")
            assert "files of /sdcard and /storage are copied" in outside.err
        await said("ring")
        await said("quiet")
        await said("media", "pause")
        await said("notifications")
        ran = await site.octopus("phone", "open")
        assert (ran.status, ran.out) == (2, "")
        assert "[[console]]" in ran.err
        ran = await site.octopus("phone", "battery", "--device", "Pixel 9")
        assert "Pixel 8" in ran.err
    assert "milk" not in site.log


async def test_the_page_on_this_machine_takes_a_token(site: Site) -> None:
    port = free_port()
    with (site.config / "hub.toml").open("a") as file:
        file.write(f"[http]\nport = {port}\n")
    await site.start()
    made = await site.octopus("token", "new", "local")
    assert (made.status, made.err) == (0, "")
    async with browsing() as browser:
        await browser.open(f"http://127.0.0.1:{port}/")
        assert await browser.press("Come in", token=made.out.strip()) == 200
        assert await browser.press("Send", text="who won the world cup in 2014") == 200
        async with asyncio.timeout(20):
            while "refused" not in browser.text:
                await browser.open(browser.url)
        home = browser.url.partition("run/")[0]
        listed = json.loads((await site.octopus("token", "list", "--json")).out)
        assert (await site.octopus("token", "revoke", listed[0]["id"])).status == 0
        assert await browser.open(home) == 403
    assert made.out.strip() not in site.log
    assert await site.stop() == 0
