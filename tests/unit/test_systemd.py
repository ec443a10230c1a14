"""What systemd is told, and when it gets its sign of life."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.systemd import Systemd
from orchestrator.watchdog import Sign, Watchdog


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as made:
        made.bind(str(tmp_path / "notify@socket"))
        yield made


def test_it_is_told_and_its_environment_is_not_passed_on(listening: socket.socket) -> None:
    environment = {
        "NOTIFY_SOCKET": listening.getsockname(), "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()), "PATH": "/bin",
    }  # fmt: skip
    systemd = Systemd(environment)
    assert environment == {"PATH": "/bin"}, "the broker would answer in the hub's name"
    assert systemd.limit == 30
    systemd.tell("READY=1", status="ready; a broker\nis away")
    assert listening.recv(200) == b"READY=1\nSTATUS=ready; a broker is away"
    systemd.tell_start(30)
    assert listening.recv(200) == b"EXTEND_TIMEOUT_USEC=30000000\nSTATUS=starts"
    systemd.tell_reload("reads")
    assert listening.recv(200).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    systemd.live()
    assert listening.recv(200) == b"WATCHDOG=1"


def test_without_it_nothing_is_told_and_nothing_wanted() -> None:
    systemd = Systemd({})
    systemd.tell("READY=1")
    assert systemd.limit == 0


def test_one_that_does_not_listen_holds_up_nothing(listening: socket.socket) -> None:
    systemd = Systemd({"NOTIFY_SOCKET": listening.getsockname()})
    for _ in range(2_000):  # more than its queue takes
        systemd.live()
    gone = Systemd({"NOTIFY_SOCKET": f"{listening.getsockname()}.gone"})
    gone.tell("READY=1")


@pytest.mark.parametrize(
    "said",
    [
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_PID": str(os.getpid())},
    ],
)
def test_a_sign_of_life_for_somebody_else_is_not_wanted(said: dict[str, str]) -> None:
    assert Systemd(said).limit == 0


async def alive() -> bool:
    return True


async def dead() -> bool:
    return False


async def hangs() -> bool:
    await asyncio.sleep(60)
    return True


async def broken() -> bool:
    raise RuntimeError("what it was asked is a bug")


@pytest.mark.parametrize("sign", [dead, hangs, broken])
async def test_one_part_that_does_not_live_is_enough(
    sign: Sign, caplog: pytest.LogCaptureFixture
) -> None:
    pings: list[None] = []
    watchdog = Watchdog({"this": alive, "that": sign}, 0.2, lambda: pings.append(None))
    assert not await watchdog.look()
    assert not await watchdog.look()
    assert not pings
    said = [r.message for r in caplog.records if "sign of life from" in r.message]
    assert said == ["no sign of life from that"], "said once"
    watchdog.parts = {"this": alive}
    assert await watchdog.look()
    assert len(pings) == 1
    assert caplog.records[-1].message == "all parts live again"


async def test_a_hub_that_stops_while_it_is_asked_is_no_bug(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pings: list[None] = []
    watchdog = Watchdog({"this": alive}, 10, lambda: pings.append(None))
    looking = asyncio.ensure_future(watchdog.look())
    asyncio.get_running_loop().call_soon(setattr, watchdog, "parts", {})  # before "this" answers
    assert await looking
    assert (len(pings), caplog.records) == (1, [])


async def test_it_asks_more_often_than_is_wanted() -> None:
    loop = asyncio.get_running_loop()
    pings: list[float] = []
    watchdog = Watchdog({}, 0.2, lambda: pings.append(loop.time()))
    keeping = asyncio.create_task(watchdog.keep())
    async with asyncio.timeout(10):
        while len(pings) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert pings[3] - pings[0] >= 0.25, "and not all the time"
