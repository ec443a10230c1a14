"""The simulated phone satisfies Google's own adb client, as Debian ships it."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from device_adapters.simulated.phone import SimulatedPhone, Trust
from device_adapters.simulated.phone.announce import TYPE, announced

Adb = Callable[..., Awaitable[tuple[int, str]]]

needs_adb = pytest.mark.skipif(shutil.which("adb") is None, reason="adb is not installed")


def free_port() -> int:
    """A port for a private adb server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def adb(tmp_path: Path) -> AsyncIterator[Adb]:
    """An adb client with its own server and keys; the server ends with the test."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    environment["ANDROID_ADB_SERVER_PORT"] = str(free_port())

    async def run(*words: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            "adb",
            *words,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    yield run
    await run("kill-server")


@needs_adb
@pytest.mark.parametrize("trust", [Trust.NONE, Trust.ACCEPT])
async def test_debians_adb(phone: SimulatedPhone, adb: Adb, tmp_path: Path, trust: Trust) -> None:
    phone.keys.trust = trust
    serial = f"127.0.0.1:{phone.port}"
    await adb("connect", serial)
    assert (await adb("-s", serial, "wait-for-device")) == (0, "")
    assert f"{serial}\tdevice" in (await adb("devices"))[1]

    here = ("-s", serial)
    assert await adb(*here, "shell", "getprop", "ro.build.version.sdk") == (0, "34\n")
    assert await adb(*here, "shell", "false") == (1, "")
    assert (await adb(*here, "shell", "nosuch"))[0] == 127
    assert await adb(*here, "exec-out", "echo", "hi") == (0, "hi\n")

    local = tmp_path / "file"
    local.write_bytes(os.urandom(300_000))
    assert (await adb(*here, "push", str(local), "/sdcard/Download/"))[0] == 0
    assert phone.state.files.read("/sdcard/Download/file") == local.read_bytes()
    back = tmp_path / "back"
    assert (await adb(*here, "pull", "/sdcard/Download/file", str(back)))[0] == 0
    assert back.read_bytes() == local.read_bytes()
    assert (await adb(*here, "pull", "/sdcard/Download", str(tmp_path / "all")))[0] == 0
    assert (await adb(*here, "push", str(local), "/system/x"))[0] == 1
    assert (await adb(*here, "pull", "/sdcard/none", str(back)))[0] == 1
    assert "Download" in (await adb(*here, "ls", "/sdcard"))[1]


async def test_a_phone_can_announce_itself(phone: SimulatedPhone) -> None:
    async with announced(phone) as info:
        assert info.name == f"adb-SIM0001.{TYPE}"
        assert (info.port, info.parsed_addresses()) == (phone.port, ["127.0.0.1"])
