"""The simulated phone satisfies adb 36: wireless debugging, pairing, `reverse`, sync version 2."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import adbutils
import httpx
import pytest

from device_adapters.simulated.phone import Phone, SimulatedPhone, Trust
from tests.contract.android.adb_kit import Adb, check_everyday_use, started

PROGRAM = Path(adbutils.__file__).parent / "binaries" / "adb"
MANY = 300
"""adb 36 may start TLS before it said that it will: one TLS connection in four fails on two
processor cores, nearly all of them on one."""

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="this adbutils brings no adb")


@pytest.fixture
async def phone() -> AsyncIterator[SimulatedPhone]:
    """A phone with wireless debugging."""
    async with SimulatedPhone(wireless=True) as running:
        yield running


@pytest.fixture
async def adb(tmp_path: Path) -> AsyncIterator[Adb]:
    """adb 36."""
    async with started(str(PROGRAM), tmp_path) as running:
        yield running


async def pair(phone: SimulatedPhone, adb: Adb) -> None:
    """Pair with the code that the phone shows."""
    offer = await phone.open_pairing()
    code, said = await adb("pair", f"{offer.host}:{offer.port}", offer.code)
    assert (code, "Successfully paired" in said) == (0, True), said
    assert phone.wireless
    assert phone.wireless.pairing
    await phone.wireless.pairing.over.wait()


async def connected(phone: SimulatedPhone, adb: Adb, tries: int = MANY) -> str | None:
    """Connect over TLS; the serial, or None where no try worked."""
    serial = f"127.0.0.1:{phone.tls_port}"
    for _ in range(tries):
        if (await adb("connect", serial))[1].startswith("connected"):
            return serial
    return None


@pytest.mark.parametrize("trust", [Trust.NONE, Trust.ACCEPT])
async def test_plain_tcp(phone: SimulatedPhone, adb: Adb, tmp_path: Path, trust: Trust) -> None:
    phone.keys.trust = trust
    serial = f"127.0.0.1:{phone.port}"
    await adb("connect", serial)
    assert (await adb("-s", serial, "wait-for-device")) == (0, "")
    await check_everyday_use(adb, serial, phone, tmp_path)


async def test_a_paired_computer_connects_over_tls(
    phone: SimulatedPhone, adb: Adb, tmp_path: Path
) -> None:
    await pair(phone, adb)
    assert len(phone.state.computers) == 1
    serial = await connected(phone, adb)
    assert serial
    await check_everyday_use(adb, serial, phone, tmp_path)


async def test_a_stranger_is_refused(phone: SimulatedPhone, adb: Adb) -> None:
    assert await connected(phone, adb, tries=5) is None
    await pair(phone, adb)
    assert await connected(phone, adb)
    await adb("disconnect")
    phone.state.computers.clear()  # the person forgets the computer
    assert await connected(phone, adb, tries=5) is None


async def test_a_phone_remembers_a_computer_when_it_starts_again(
    phone: SimulatedPhone, adb: Adb
) -> None:
    await pair(phone, adb)
    state = Phone(computers=phone.state.computers)
    async with SimulatedPhone(state=state, wireless=True, trust=Trust.ASK) as again:
        assert await connected(again, adb)
        await adb("connect", f"127.0.0.1:{again.port}")  # the same trust without TLS
        assert f"127.0.0.1:{again.port}\tdevice" in (await adb("devices"))[1]


async def test_a_wrong_code_pairs_nobody(phone: SimulatedPhone, adb: Adb) -> None:
    offer = await phone.open_pairing("123456")
    at = f"{offer.host}:{offer.port}"
    assert (await adb("pair", at, "654321"))[0] == 1
    assert not phone.state.computers
    assert (await adb("pair", at, "123456"))[0] == 0  # the screen is still there
    assert (await adb("pair", at, "123456"))[0] == 1  # and now it is not


async def test_too_many_wrong_codes_close_the_screen(phone: SimulatedPhone, adb: Adb) -> None:
    offer = await phone.open_pairing("123456")
    at = f"{offer.host}:{offer.port}"
    for number in range(20):
        assert (await adb("pair", at, f"{number:06}"))[0] == 1
    assert (await adb("pair", at, "123456"))[0] == 1
    assert not phone.state.computers


async def test_pairing_by_qr_code(phone: SimulatedPhone, adb: Adb) -> None:
    with pytest.raises(ValueError, match="not a QR code of adb"):
        await phone.scan("https://example.org")
    offer = await phone.scan("WIFI:T:ADB;S:octopus-1a2b;P:s3cret-word;;")
    assert phone.wireless
    assert phone.wireless.pairing
    assert phone.wireless.pairing.name == "octopus-1a2b"
    assert (await adb("pair", f"{offer.host}:{offer.port}", "s3cret-word"))[0] == 0


async def test_a_new_screen_replaces_the_old_one(phone: SimulatedPhone, adb: Adb) -> None:
    old = await phone.open_pairing("111111")
    new = await phone.open_pairing("222222")
    assert (await adb("pair", f"{old.host}:{old.port}", "111111"))[0] == 1
    assert (await adb("pair", f"{new.host}:{new.port}", "222222"))[0] == 0


async def test_version_2_of_sync_is_used(
    phone: SimulatedPhone, adb: Adb, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="device_adapters.simulated.phone.adbd.sync")
    serial = f"127.0.0.1:{phone.port}"
    await adb("connect", serial)
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "empty").write_bytes(b"")
    (folder / "large").write_bytes(bytes(200_000))
    assert (await adb("-s", serial, "push", str(folder), "/sdcard/new"))[0] == 0
    assert phone.state.files.read("/sdcard/new/inner/empty") == b""
    assert (await adb("-s", serial, "pull", "/sdcard/new/large", str(tmp_path)))[0] == 0
    assert (tmp_path / "large").read_bytes() == bytes(200_000)
    assert "inner" in (await adb("-s", serial, "ls", "/sdcard/new"))[1]
    asked = {record.args[0] for record in caplog.records if isinstance(record.args, tuple)}
    assert {b"SND2", b"RCV2", b"STA2", b"LIS2"} <= asked
    assert not {b"RECV", b"STAT", b"LIST"} & asked  # small files still go by SEND


@asynccontextmanager
async def web_server(answer: bytes) -> AsyncIterator[int]:
    """A server of the computer that says one thing; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def get(port: int) -> bytes:
    """What a browser on the phone sees."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        return (await browser.get(f"http://127.0.0.1:{port}/")).content


@pytest.mark.parametrize("secure", [False, True])
async def test_reverse_carries_http(phone: SimulatedPhone, adb: Adb, secure: bool) -> None:
    if secure:
        await pair(phone, adb)
        serial = await connected(phone, adb)
        assert serial
    else:
        serial = f"127.0.0.1:{phone.port}"
        await adb("connect", serial)
    here = ("-s", serial, "reverse")
    page = b"<p>Hello</p>" * 100_000
    async with web_server(page) as first, web_server(b"other") as second:
        code, port = await adb(*here, "tcp:0", f"tcp:{first}")
        assert code == 0
        assert await asyncio.gather(*(get(int(port)) for _ in range(5))) == [page] * 5

        at = f"tcp:{int(port)}"
        assert (await adb(*here, "--list"))[1].split()[-2:] == [at, f"tcp:{first}"]
        assert (await adb(*here, "--no-rebind", at, f"tcp:{second}"))[0] == 1
        assert await adb(*here, at, f"tcp:{second}") == (0, "")
        assert await get(int(port)) == b"other"
        assert await adb(*here, "--remove", at) == (0, "")
        with pytest.raises(httpx.ConnectError):
            await get(int(port))
        assert (await adb(*here, "--remove", at))[0] == 1

        code, port = await adb(*here, "tcp:0", f"tcp:{first}")
        assert await adb(*here, "--remove-all") == (0, "")
        with pytest.raises(httpx.ConnectError):
            await get(int(port))


async def test_reverse_to_nobody_ends_the_connection(phone: SimulatedPhone, adb: Adb) -> None:
    serial = f"127.0.0.1:{phone.port}"
    await adb("connect", serial)
    async with web_server(b"") as closed:
        pass
    _, port = await adb("-s", serial, "reverse", "tcp:0", f"tcp:{closed}")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_a_reverse_port_goes_with_its_connection(phone: SimulatedPhone, adb: Adb) -> None:
    serial = f"127.0.0.1:{phone.port}"
    await adb("connect", serial)
    async with web_server(b"hello") as local:
        _, port = await adb("-s", serial, "reverse", "tcp:0", f"tcp:{local}")
        assert await get(int(port)) == b"hello"
        await phone.unplug()
        with pytest.raises(httpx.ConnectError):
            await get(int(port))
        await phone.plug()


async def test_a_taken_port_is_refused(phone: SimulatedPhone, adb: Adb) -> None:
    serial = f"127.0.0.1:{phone.port}"
    await adb("connect", serial)
    async with web_server(b"hello") as local:
        code, said = await adb("-s", serial, "reverse", f"tcp:{local}", f"tcp:{local}")
    assert (code, "cannot bind listener" in said) == (1, True)
