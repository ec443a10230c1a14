"""The hub as a device of a real Home Assistant, over a real broker: found, shown, and obeyed.

Runs where OCTOPUS_HOME_ASSISTANT_MQTT names the Python of an environment with one that knows MQTT
discovery of whole devices (2024.11): docs/howto/home-assistant.md says how to make one.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from device_adapters.hass.access import Access
from device_adapters.hass.client import HassClient
from device_adapters.mqtt import MqttClient
from orchestrator.catalogue import Catalogue
from orchestrator.doors.mqtt import HomeAssistant
from schemas.errors import HubError
from tests.broker import Broker, running_broker
from tests.hubkit import Rig, rig
from tests.programs.hass import token_of

PYTHON = os.environ["OCTOPUS_HOME_ASSISTANT_MQTT"]
SELFIE = "Take a selfie with the front camera"
CALL = "call 5551234567"
MODEL = {SELFIE: "<nexa_0>('front')<nexa_end>", CALL: "<nexa_8>('5551234567')<nexa_end>"}
LONG = "and on " * 200
"""More than a text of Home Assistant's may have, and more than the hub takes."""

pytestmark = pytest.mark.timeout(180)


def _entry(broker: Broker) -> dict[str, Any]:
    """The MQTT integration, as Home Assistant keeps it once somebody has set it up."""
    entry = {
        "entry_id": "mqtt", "domain": "mqtt", "title": "MQTT", "version": 1, "minor_version": 2,
        "data": {"broker": broker.host, "port": broker.port, "protocol": "5"},
        "options": {"discovery": True}, "source": "user", "unique_id": None, "disabled_by": None,
        "pref_disable_new_entities": False, "pref_disable_polling": False, "discovery_keys": {},
        "created_at": "2025-01-01T00:00:00+00:00", "modified_at": "2025-01-01T00:00:00+00:00",
        "subentries": [],
    }  # fmt: skip
    return {
        "version": 1, "minor_version": 5, "key": "core.config_entries", "data": {"entries": [entry]}
    }  # fmt: skip


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with running_broker(tmp_path) as running:
        yield running


@pytest.fixture
async def assistant(broker: Broker, tmp_path: Path) -> AsyncIterator[HassClient]:
    folder = tmp_path / "home-assistant"
    (folder / ".storage").mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (folder / "configuration.yaml").write_text(
        f"http: {{server_host: 127.0.0.1, server_port: {port}}}\napi:\nconfig:\n"
    )
    (folder / ".storage/core.config_entries").write_text(json.dumps(_entry(broker)))
    token = tmp_path / "token"
    token.write_text(await token_of(PYTHON, folder))
    with (tmp_path / "log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            PYTHON, "-m", "homeassistant", "--skip-pip", "-c", str(folder), stdout=log, stderr=log
        )
    try:
        access = Access(f"http://127.0.0.1:{port}", token, pause=0.2, longest=0.5)
        async with HassClient(access) as client:
            yield client
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@pytest.fixture
async def hub(broker: Broker, tmp_path: Path, catalogue: Catalogue) -> AsyncIterator[Rig]:
    async with (
        rig(tmp_path, catalogue, MODEL) as parts,
        MqttClient(broker.host, broker.port, client_id="hub") as client,
    ):
        await client.wait_connected(10)
        shown = HomeAssistant(
            client, parts.service, parts.bus, base="octopus", prefix="homeassistant", name="attic",
            user="ann",
        )  # fmt: skip
        async with shown.telling():
            with shown.listening():
                await client.publish("octopus/status", b"online", retain=True)
                yield parts
            await parts.pipeline.drain(5)
            parts.bus.close()


class Shown:
    """What Home Assistant shows of the hub now."""

    def __init__(self, client: HassClient) -> None:
        self._client = client
        self.entities: dict[str, dict[str, Any]] = {}

    async def until(self, entity: str, key: str, wanted: str, within: float = 30) -> Any:
        """Wait until an entity's state, or an attribute of it, is as wanted; the attributes."""
        try:
            async with asyncio.timeout(within):
                while self._value(entity, key) != wanted:
                    await asyncio.sleep(0.1)
                    with suppress(HubError):  # it is not there yet
                        listed = await self._client.ask("get_states")
                        self.entities = {
                            one["entity_id"]: one for one in listed if "attic" in one["entity_id"]
                        }
        except TimeoutError as error:
            raise AssertionError(f"{entity} is no {wanted}: {self.entities}") from error
        return self.entities[entity]["attributes"]

    def _value(self, entity: str, key: str) -> object:
        known = self.entities.get(entity, {"attributes": {}})
        return known.get("state") if key == "state" else known["attributes"].get(key)


async def test_it_is_found_shown_and_obeyed(
    hub: Rig, assistant: HassClient, tmp_path: Path
) -> None:
    shown, last = Shown(assistant), "sensor.attic_last_command"
    await shown.until("binary_sensor.attic_connection", "state", "on", 90)
    await shown.until("event.attic_command_state", "state", "unknown")
    assert set(shown.entities) == {
        "binary_sensor.attic_connection", "button.attic_cancel", "button.attic_undo",
        "event.attic_command_state", "notify.attic_say", last, "text.attic_command",
    }  # fmt: skip
    await assistant.order("text.set_value", "text.attic_command", {"value": SELFIE})
    told = await shown.until(last, "state", "succeeded")
    assert told["sentence"] == SELFIE
    assert [step["function"] for step in told["steps"]] == ["take_a_photo"]
    await shown.until("event.attic_command_state", "event_type", "succeeded")
    await assistant.order("notify.send_message", "notify.attic_say", {"message": CALL})
    await shown.until("event.attic_command_state", "event_type", "awaiting_confirmation")
    await assistant.order("button.press", "button.attic_cancel", {})
    await shown.until(last, "sentence", "cancel that")
    states = {e.command.text: e.state for e in await hub.journal.latest(9, "ann")}
    assert states[CALL] == "cancelled"
    assert len(hub.adapter.calls) == 1
    await assistant.order("notify.send_message", "notify.attic_say", {"message": LONG})
    await shown.until(last, "state", "refused")
    said = (tmp_path / "log").read_text().splitlines()
    assert not [line for line in said if "components.mqtt" in line], "it has nothing to complain of"
