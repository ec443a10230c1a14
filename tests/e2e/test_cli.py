"""The command line as a process, beside a daemon: typed, read from a file, and looked at."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.e2e.daemon import CLI, ROOT, Site, devices
from tests.e2e.test_daemon import approve_all
from tests.e2e.test_dialogue import media

ASKS = "set the volume of my phone"
WITHIN = 30.0


class Terminal:
    """A person at a terminal, in front of one command."""

    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self.process = process
        self._master = master
        self._seen = ""
        self._more = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    def _read(self) -> None:
        try:
            self._seen += os.read(self._master, 4096).decode(errors="replace")
        except OSError:  # nobody is at the other end any more
            asyncio.get_running_loop().remove_reader(self._master)
        self._more.set()

    async def see(self, text: str) -> None:
        """Wait until it is shown, and forget what was shown up to there."""
        try:
            async with asyncio.timeout(WITHIN):
                while text not in self._seen:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError as error:
            raise AssertionError(f"{text!r} is not in {self._seen!r}") from error
        self._seen = self._seen.partition(text)[2]

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def leave(self) -> None:
        """Go away."""
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)


@asynccontextmanager
async def terminal(site: Site, *words: str) -> AsyncIterator[Terminal]:
    """A command at a terminal of 80 columns; it is ended in the end."""
    master, its = os.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, *CLI, *words, "--config", str(site.config), cwd=ROOT,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "80"}, stdin=its, stdout=its, stderr=its,
        start_new_session=True,
    )  # fmt: skip
    os.close(its)
    made = Terminal(process, master)
    try:
        yield made
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        made.leave()


async def test_a_person_talks_at_a_terminal(site: Site) -> None:
    await site.start()
    async with devices(site) as there, terminal(site, "send") as person:
        await approve_all(site, there)
        await person.see("octopus> ")
        person.type(f"{ASKS}\n")
        await person.see("awaiting_answer")
        await person.see("> ")
        person.type("4\n")
        await person.see("succeeded")
        assert media(there) == 6, "4 of 10, on a phone that counts to 15"
        await person.see("octopus> ")
        person.type("\x1b[A\n")  # what was typed before comes back
        await person.see(ASKS)
        await person.see("awaiting_answer")
        await person.see("> ")
        person.type("never mind\n")
        await person.see("cancelled")
        await person.see("octopus> ")
        person.type("\x04")
        async with asyncio.timeout(WITHIN):
            assert await person.process.wait() == 0
    assert await site.stop() == 0


async def test_a_script_calls_reads_and_looks(site: Site) -> None:
    away = await site.octopus("devices", "--json")
    assert (away.status, json.loads(away.out)["code"]) == (3, "no_hub")
    await site.start()
    async with devices(site) as there:
        await approve_all(site, there)
        volume = ("call", "set_volume", "volume_type=media", "--device", "Pixel 8")
        ran = await site.octopus(*volume, "level=6")
        assert (ran.status, ran.err, media(there)) == (0, "", 9), ran.out
        ran = await site.octopus(*volume, "loudness=6", "--json")
        assert (ran.status, json.loads(ran.out)["code"]) == (2, "bad_command")
        lines = "set the media volume on my phone to 10\nwho won the world cup in 2014\n"
        ran = await site.octopus("send", "--json", typed=lines)
        ended = [json.loads(line)["state"] for line in ran.out.splitlines()]
        assert (ran.status, ended, media(there)) == (1, ["succeeded", "refused"], 15)
        ran = await site.octopus("devices", "discover", "--json")
        assert ran.status == 0, ran.err
        assert there.phone.state.serial in json.dumps(json.loads(ran.out))
        ran = await site.octopus("doctor", "--json")
        looked_at = {check["name"]: check for check in json.loads(ran.out)}
        assert looked_at["broker"]["said"].startswith(f"a hub answers at 127.0.0.1:{site.port}")
        assert [name for name, one in looked_at.items() if one["level"] == "wrong"] == []
        assert ran.status == 0
    assert await site.stop() == 0
