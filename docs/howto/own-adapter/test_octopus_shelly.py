"""The adapter against a relay that is played here, by the contract that every adapter keeps."""

import asyncio
import json
from contextlib import asynccontextmanager, closing, suppress
from urllib.parse import parse_qs, urlsplit

from octopus_shelly import ShellyDriver

from device_adapters.driver import Service
from device_adapters.testing import AdapterContract, Bench, bare_site
from schemas.device import Device, Kind

LAMP = {"name": "Hall lamp"}


class PlayedRelay:
    """Answers as a relay does."""

    def __init__(self) -> None:
        self.on, self.port, self.server = False, 0, None

    async def start(self) -> None:
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            request = urlsplit((await reader.readuntil(b"\r\n\r\n")).split()[1].decode())
            was, asked = self.on, parse_qs(request.query)
            if request.path == "/rpc/Switch.Set":
                self.on = asked["on"] == ["true"]
            said = {"was_on": was} if "on" in asked else {"id": 0, "output": self.on}
            body = json.dumps(said).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()


class TestShelly(AdapterContract):
    driver, protocol = ShellyDriver, "shelly"
    calls = {"turn_on": LAMP, "turn_off": LAMP}

    @asynccontextmanager
    async def bench(self, folder):
        relay = PlayedRelay()
        await relay.start()
        device = Device(
            id="shelly",
            kind=Kind.HOME,
            name="Hall lamp",
            protocol="shelly",
            approved=True,
            address={"host": "127.0.0.1", "port": str(relay.port)},
        )
        try:
            yield Bench(device, bare_site(folder), leave=relay.stop, come_back=relay.start)
        finally:
            await relay.stop()


def test_a_relay_that_announces_itself_is_recognised(tmp_path):
    found = ShellyDriver(bare_site(tmp_path)).recognise(
        Service("_shelly._tcp.local.", "ShellyPlus1-A8032ABE54DC", "192.0.2.7", 80)
    )
    assert (found.id, found.address["host"]) == ("shellyplus1-a8032abe54dc", "192.0.2.7")
