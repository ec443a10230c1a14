"""A voice assistant finds the running hub on the network, and has it do what it heard."""

import asyncio
import socket

from wyoming.asr import Transcript
from wyoming.client import AsyncTcpClient
from wyoming.handle import Handled
from wyoming.info import Describe, Info

from orchestrator.discovery import Announced
from orchestrator.doors.wyoming.door import SERVICE
from tests.e2e.daemon import Site


async def test_a_voice_assistant_finds_the_hub_and_speaks_with_it(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    name = f"hub{port}"  # loopback is shared with whatever else is tested on this machine
    file = site.config / "hub.toml"
    said = file.read_text().replace("[hub]", f'[hub]\nname = "{name}"')
    file.write_text(f"{said}\n[wyoming]\nport = {port}\n")
    await site.start()
    async with Announced((SERVICE,), loopback_only=True) as network, asyncio.timeout(20):
        found = await network.first(lambda service: service.name.startswith(name))
    assert found.port == port
    async with AsyncTcpClient(found.host, port) as client, asyncio.timeout(20):
        await client.write_event(Describe().event())
        told = await client.read_event()
        assert told
        assert Info.from_event(told).handle[0].name == name
        await client.write_event(Transcript(text="what's the weather in Seoul").event())
        told = await client.read_event()
        assert told
        assert Handled.is_type(told.type)
        assert "sunny" in told.data["text"]
        assert await site.stop() == 0  # with the connection open
        assert await client.read_event() is None
