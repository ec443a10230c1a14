"""A port of the phone leads back to the hub, whichever way the phone is reached."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device_adapters.adb.server import AdbServer
from device_adapters.android import AndroidAdapter
from device_adapters.simulated.phone import SimulatedPhone
from schemas.errors import DeviceRefused, HubError
from tests.contract.android.android_kit import ADB_SERVER, ADB_SHELL, adapter_for, invocation


@pytest.fixture(params=[ADB_SHELL, ADB_SERVER])
async def either(
    request: pytest.FixtureRequest, phone: SimulatedPhone, key: Path, server: AdbServer
) -> AsyncIterator[AndroidAdapter]:
    """An adapter with an adb server, on the hub's own connection or on the server's."""
    made = adapter_for(phone, key, server=server)
    if request.param == ADB_SHELL:
        at = {"host": "127.0.0.1", "port": str(phone.port)}
        made = adapter_for(phone, key, server=server, **at)
    yield made
    await made.close()


@pytest.fixture
async def page() -> AsyncIterator[int]:
    """The port of something of the hub's that answers."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"the hub")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as serving:
        yield serving.sockets[0].getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def said(port: int) -> bytes:
    """What answers on the phone's own loopback."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_it_leads_back_and_says_whether_it_did_before(
    either: AndroidAdapter, page: int
) -> None:
    remote = free_port()
    assert await either.forward_back(remote, page)
    assert await said(remote) == b"the hub"
    assert not await either.forward_back(remote, page)
    assert await said(remote) == b"the hub"
    await either.call(invocation("battery_status"))
    assert not await either.forward_back(remote, page), "calls do not take it away"


async def test_it_goes_with_the_connection_and_is_made_again(
    either: AndroidAdapter, phone: SimulatedPhone, page: int
) -> None:
    remote = free_port()
    await either.forward_back(remote, page)
    await phone.unplug()
    with pytest.raises(OSError):  # noqa: PT011
        await said(remote)
    with pytest.raises(HubError):
        await either.forward_back(remote, page)
    await phone.plug()
    assert await either.forward_back(remote, page), "who had the port meanwhile is not known"
    assert await said(remote) == b"the hub"


async def test_a_port_that_an_app_has_is_told(either: AndroidAdapter, page: int) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as app,
        pytest.raises(DeviceRefused, match="cannot bind"),
    ):
        await either.forward_back(app.getsockname()[1], page)


async def test_without_an_adb_server_it_says_what_is_missing(
    phone: SimulatedPhone, key: Path, page: int
) -> None:
    adapter = adapter_for(phone, key)
    with pytest.raises(DeviceRefused, match=r"octopus-hub\[adb-server\]"):
        await adapter.forward_back(free_port(), page)
    await adapter.close()
