"""Google's own adb clients, each with a server, a socket and keys of its own."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from device_adapters.simulated.phone import SimulatedPhone

# no emulators, no USB and no mDNS: only the phones of the test
_ALONE = {"ADB_EMU": "0", "ADB_USB": "0", "ADB_MDNS": "0"}


@dataclass(frozen=True)
class Adb:
    """An adb program; `await adb("devices")` gives its exit code and all it said."""

    program: str
    home: Path

    async def __call__(self, *words: str, stdin: bytes = b"") -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            self.program,
            "-L",
            f"localfilesystem:{self.home}/adb",
            *words,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), "TMPDIR": str(self.home)}
            | _ALONE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate(stdin)
        return process.returncode or 0, said.decode()


@asynccontextmanager
async def started(program: str, home: Path) -> AsyncIterator[Adb]:
    """The client; its server ends with the block."""
    adb = Adb(program, home)
    try:
        await adb("start-server")
        yield adb
    finally:
        await adb("kill-server")


async def check_everyday_use(adb: Adb, serial: str, phone: SimulatedPhone, folder: Path) -> None:
    """Whatever an adb client does every day, it does with this phone: `serial` is connected."""
    here = ("-s", serial)
    assert f"{serial}\tdevice" in (await adb("devices"))[1]

    assert await adb(*here, "shell", "getprop", "ro.build.version.sdk") == (0, "34\n")
    assert await adb(*here, "shell", "false") == (1, "")
    assert (await adb(*here, "shell", "nosuch"))[0] == 127
    assert await adb(*here, "shell", "echo", "hi", stdin=b"typed\n" * 100_000) == (0, "hi\n")
    assert await adb(*here, "exec-out", "echo", "hi") == (0, "hi\n")
    assert (await adb(*here, "root"))[1] == "adbd cannot run as root in production builds\n"
    for missing in ("jdwp", "shell"):  # no debugger, and no shell for a person
        assert (await adb(*here, missing))[0] != 0

    local = folder / "file"
    local.write_bytes(os.urandom(3_000_000))
    assert (await adb(*here, "push", str(local), "/sdcard/Download/"))[0] == 0
    assert phone.state.files.read("/sdcard/Download/file") == local.read_bytes()
    back = folder / "back"
    assert (await adb(*here, "pull", "/sdcard/Download/file", str(back)))[0] == 0
    assert back.read_bytes() == local.read_bytes()
    assert (await adb(*here, "pull", "/sdcard/Download", str(folder / "all")))[0] == 0
    assert (folder / "all" / "file").read_bytes() == local.read_bytes()
    assert (await adb(*here, "push", str(local), "/system/x"))[0] == 1
    assert (await adb(*here, "pull", "/sdcard/none", str(back)))[0] == 1
    assert "Download" in (await adb(*here, "ls", "/sdcard"))[1]
