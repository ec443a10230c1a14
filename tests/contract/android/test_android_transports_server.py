"""The hub's own adb server: private, with the hub's key, there when it is needed, gone with it."""

import asyncio
import os
import signal
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from device_adapters.adb import adbprocess, server
from device_adapters.adb.adbprocess import find_adb
from device_adapters.adb.adbserver import AdbServerTransport
from device_adapters.adb.adbshell import AdbShell
from device_adapters.adb.server import AdbServer
from device_adapters.adb.tcp import TcpBulk
from device_adapters.simulated.phone import SimulatedPhone, Trust
from schemas.errors import DeviceNeedsPerson, DeviceRefused, DeviceUnavailable

VERSION = "host:version"


@pytest.fixture
def short_path() -> Iterator[Path]:
    """An empty folder whose path leaves room for that of a Unix socket."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
async def adb(
    key: Path, short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AdbServer]:
    """A server whose folder is made in `short_path`."""
    monkeypatch.setattr("tempfile.tempdir", str(short_path))
    made = AdbServer(key)
    yield made
    await made.close()


def process() -> int:
    """The adb server that runs as a child of this process."""
    tasks = Path("/proc/self/task").iterdir()
    children = [int(pid) for task in tasks for pid in (task / "children").read_text().split()]
    (found,) = (pid for pid in children if b"nodaemon" in _line(pid))
    return found


def _line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_it_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = find_adb()
    assert packaged is not None
    assert packaged.parts[-3:] == ("adbutils", "binaries", "adb")
    monkeypatch.setattr(adbprocess, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    program = tmp_path / "adb"
    for version, found in (("29.0.6-debian", None), ("34.0.5", program), ("?", None)):
        program.write_text(f"#!/bin/sh\necho Version {version}\n")
        program.chmod(0o700)
        assert find_adb() == found


async def test_only_this_user_can_talk_to_it(adb: AdbServer, key: Path, short_path: Path) -> None:
    assert int(await adb.ask(VERSION, within=10), 16) >= 40
    (folder,) = short_path.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_ISSOCK((folder / "socket").stat().st_mode)
    sockets = {str(link.readlink()) for link in Path(f"/proc/{process()}/fd").iterdir()}
    listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/udp").read_text()
    for number in (one[8:-1] for one in sockets if one.startswith("socket:")):
        assert f" {number} " not in listening
    await adb.close()
    assert list(short_path.iterdir()) == []


async def test_both_transports_show_the_same_key(adb: AdbServer, key: Path) -> None:
    async with SimulatedPhone(trust=Trust.ACCEPT) as phone:
        through = AdbServerTransport(adb, f"127.0.0.1:{phone.port}", network=True)
        assert (await through.shell("true", within=10)).code == 0
        directly = AdbShell(TcpBulk("127.0.0.1", phone.port), key)
        assert (await directly.shell("true", within=10)).code == 0
        assert len(phone.keys.known) == 1
        await directly.close()
        await through.close()
    assert sorted(file.name for file in key.parent.iterdir()) == ["adbkey", "adbkey.pub"]


async def test_one_that_died_is_started_again(adb: AdbServer) -> None:
    await adb.ask(VERSION, within=10)
    before = process()
    os.kill(before, signal.SIGKILL)
    assert await adb.ask(VERSION, within=10)
    assert process() != before


async def test_one_that_hangs_is_replaced(adb: AdbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adbprocess, "ALIVE_WITHIN", 0.2)
    await adb.ask(VERSION, within=10)
    before = process()
    os.kill(before, signal.SIGSTOP)
    with pytest.raises(DeviceUnavailable, match="did not answer"):
        await adb.ask(VERSION, within=0.2)
    assert await adb.ask(VERSION, within=10)
    assert process() != before


async def test_many_at_once_start_one(adb: AdbServer) -> None:
    said = await asyncio.gather(*(adb.ask(VERSION, within=10) for _ in range(20)))
    assert len(set(said)) == 1
    assert process()


async def test_a_long_path_to_the_folder_for_such_things_is_no_obstacle(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    adb = AdbServer(key)
    assert await adb.ask(VERSION, within=10)
    await adb.close()


async def test_it_ends_with_a_hub_that_is_killed(key: Path, short_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from device_adapters.adb.server import AdbServer\n"
        "async def main():\n"
        "    server = AdbServer(pathlib.Path(sys.argv[1]))\n"
        "    await server.ask('host:version', within=10)\n"
        "    print('started', flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    hub = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(key),
        stdout=asyncio.subprocess.PIPE, env=os.environ | {"TMPDIR": str(short_path)},
    )  # fmt: skip
    try:
        assert hub.stdout
        assert await hub.stdout.readline() == b"started\n"
        (folder,) = short_path.iterdir()
        reader, writer = await asyncio.open_unix_connection(folder / "socket")
    finally:
        hub.kill()
        await hub.wait()
    with pytest.raises((EOFError, ConnectionError)):
        await reader.readexactly(1)  # its end is the connection's end
    writer.transport.abort()


async def test_what_it_refuses(adb: AdbServer) -> None:
    with pytest.raises(DeviceRefused, match="unknown host service"):
        await adb.ask("host:nonsense", within=10)
    with pytest.raises(DeviceRefused, match="no pairing code"):
        await adb.pair("127.0.0.1", 1, "12:34", within=10)
    with pytest.raises(DeviceNeedsPerson, match=r"127\.0\.0\.1:1 was not paired"):
        await adb.pair("127.0.0.1", 1, "123456", within=10)


async def test_without_an_adb(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "find_adb", lambda: None)
    adb = AdbServer(key)
    assert not adb.available
    with pytest.raises(DeviceUnavailable, match=r"pip install 'octopus-hub\[adb-server\]'"):
        await adb.ask(VERSION, within=1)
    await adb.close()


async def test_one_that_does_not_start(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "adb"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setattr(server, "find_adb", lambda: program)
    adb = AdbServer(key)
    with pytest.raises(DeviceUnavailable, match="does not start"):
        await adb.ask(VERSION, within=5)
    await adb.close()
