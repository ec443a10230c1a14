"""docs/howto/own-device-over-mqtt.md: its program is a device, and its rules keep devices apart."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from device_adapters.driver import Site
from device_adapters.mqtt import Message, MqttClient
from device_adapters.native import NativeDriver
from orchestrator.catalogue import Catalogue
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused
from schemas.outcome import Evidence
from tests.broker import Broker, hub_on, invocation, running_broker

PAGE = Path(__file__).parents[2] / "docs/howto/own-device-over-mqtt.md"


def block(beginning: str) -> str:
    """The code block of the page that begins so."""
    [found] = re.findall(rf"```\w*\n({re.escape(beginning)}.*?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


async def test_the_program_of_the_page_is_a_device(
    broker: Broker, tmp_path: Path, catalogue: Catalogue
) -> None:
    kinds = {f.name: frozenset(map(Kind, f.kinds)) for f in catalogue}
    found: asyncio.Queue[Device] = asyncio.Queue()
    program = tmp_path / "lamp.py"
    program.write_text(block("import json"))

    def propose(device: Device) -> bool:
        found.put_nowait(device)
        return True

    async with hub_on(broker) as ha:
        driver = NativeDriver(Site(ha.mqtt, ha, tmp_path, functions=kinds))
        async with driver.finding(propose, lambda _: None), asyncio.timeout(20):
            process = await asyncio.create_subprocess_exec(
                sys.executable, str(program), broker.host, str(broker.port)
            )
            try:
                device = await found.get()
                assert (device.id, device.name) == ("mqtt-desk_lamp", "Desk lamp")
                adapter = driver.adapter(device)
                assert await adapter.connect() == {"turn_on", "turn_off", "get_state"}
                done = await adapter.call(invocation("turn_on", name="Desk lamp"))
                assert done.evidence is Evidence.UNVERIFIED
                assert await adapter.call(invocation("turn_on", name="Desk lamp")) == done
                now = await adapter.call(invocation("get_state", name="Desk lamp"))
                assert (now.result, now.evidence) == ("on", Evidence.VERIFIED)
                with pytest.raises(DeviceRefused, match="Desk lamp cannot set_light"):
                    await adapter.call(invocation("set_light").model_copy(update={"key": "2"}))
                gone = asyncio.Event()
                adapter.noticed = gone.set
            finally:
                process.kill()
                await process.wait()
            await gone.wait()
            assert adapter.notice is not None, "its last will says so"
            await adapter.close()


async def test_the_rules_of_the_page_keep_devices_apart(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text(block("user hub"))
    heard: asyncio.Queue[Message] = asyncio.Queue()
    async with running_broker(tmp_path, f"allow_anonymous true\nacl_file {acl}") as broker:

        def client(user: str) -> MqttClient:
            return MqttClient(broker.host, broker.port, client_id=user, username=user)

        async with client("hub") as hub, client("lamp") as lamp, asyncio.timeout(20):
            await hub.wait_connected(10)
            await lamp.wait_connected(10)
            hub.subscribe("octopus/#", heard.put)
            await hub.publish("octopus/ready", b"")
            assert (await heard.get()).topic == "octopus/ready"
            for topic in (
                "octopus/device/other/config", "octopus/device/other/result",
                "octopus/device/other/set", "octopus/device/lamp/set", "octopus/command/local",
                "homeassistant/switch/x/config",
            ):  # fmt: skip
                with pytest.raises(DeviceRefused):
                    await lamp.publish(topic, b"forged")
            for name in ("config", "availability", "state", "result"):
                await lamp.publish(f"octopus/device/lamp/{name}", b"mine")
                assert (await heard.get()).topic == f"octopus/device/lamp/{name}"
            orders: asyncio.Queue[Message] = asyncio.Queue()
            lamp.subscribe("octopus/device/#", orders.put)
            await lamp.publish("octopus/device/lamp/state", b"")  # its subscription is in place
            for identifier in ("other", "lamp"):
                await hub.publish(f"octopus/device/{identifier}/set", b"{}")
            assert (await orders.get()).topic == "octopus/device/lamp/set"
