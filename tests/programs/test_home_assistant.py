"""The Home Assistant adapter against a real Home Assistant with its demo devices.

Runs where OCTOPUS_HOME_ASSISTANT names the Python of an environment with it:
docs/howto/home-assistant.md says how to make one.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from device_adapters.hass.access import Access
from device_adapters.hass.adapter import HassAdapter
from device_adapters.hass.client import HassClient
from device_adapters.hass.driver import device_of
from schemas.device import Device
from schemas.errors import DeviceNeedsPerson, DeviceRefused
from schemas.outcome import Evidence
from tests.broker import invocation
from tests.programs.hass import token_of

PYTHON = os.environ["OCTOPUS_HOME_ASSISTANT"]

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),
]

_CONFIGURATION = """
homeassistant: {{name: Test, unit_system: metric, time_zone: UTC, media_dirs: {{local: {media}}}}}
http: {{server_host: 127.0.0.1, server_port: {port}}}
config:
media_source:
demo:
"""

Adapters = Callable[[str], HassAdapter]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HassClient]:
    folder = tmp_path_factory.mktemp("home-assistant")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (folder / "media").mkdir()
    text = _CONFIGURATION.format(port=port, media=folder / "media")
    (folder / "configuration.yaml").write_text(text)
    token = folder / "token"
    token.write_text(await token_of(PYTHON, folder))
    process = await asyncio.create_subprocess_exec(
        PYTHON, "-m", "homeassistant", "--skip-pip", "-c", str(folder),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        access = Access(f"http://127.0.0.1:{port}", token, pause=0.2, longest=0.5)
        async with HassClient(access) as client:
            assert await client.until(lambda: "lock.front_door" in client.states, 120)
            await client.until(lambda: client.trouble is None, 20)
            yield client
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@pytest.fixture
def adapter(client: HassClient) -> Adapters:
    def one(name: str) -> HassAdapter:
        return HassAdapter(known(client)[name], client)

    return one


def known(client: HassClient) -> dict[str, Device]:
    found = (device_of(device, client.states) for device in client.devices.values())
    return {device.name: device for device in found if device}


async def test_its_devices_are_found_with_what_they_can_do(client: HassClient) -> None:
    devices = known(client)
    assert {"turn_on", "turn_off", "set_light", "get_state"} == set(devices["Bed Light"].functions)
    assert "open_or_lock_door" in devices["Front Door"].functions
    assert "set_nest_temperature" in devices["Hvac"].functions
    assert "media_control" in devices["Walkman"].functions
    assert "Sun" not in devices


async def test_a_lamp_a_lock_and_a_thermostat_obey(adapter: Adapters) -> None:
    lamp = adapter("Bed Light")
    done = await lamp.call(invocation("turn_on", name="bed light"))
    assert done.evidence is Evidence.VERIFIED
    done = await lamp.call(invocation("set_light", name="bed light", brightness=40, color="blue"))
    assert done.evidence is Evidence.VERIFIED
    door = adapter("Front Door")
    done = await door.call(invocation("open_or_lock_door", status="open", timeout=10))
    assert (done.evidence, done.detail) == (Evidence.VERIFIED, "Unlocked Front Door")
    done = await adapter("Hvac").call(invocation("set_nest_temperature", target_temperature=70))
    assert done.evidence is Evidence.VERIFIED
    done = await adapter("Hvac").call(invocation("get_state", name="hvac"))
    assert "set to 21.1 °C" in str(done.result)


async def test_a_jammed_lock_is_told(adapter: Adapters) -> None:
    door = adapter("Poorly Installed Door")
    with pytest.raises(DeviceRefused, match="jammed"):
        await door.call(invocation("open_or_lock_door", status="lock", timeout=10))


async def test_a_cover_moves_to_its_end(adapter: Adapters) -> None:
    window = adapter("Kitchen Window")
    done = await window.call(
        invocation("set_cover", name="kitchen window", position="open", timeout=20)
    )
    assert done.evidence is Evidence.VERIFIED


async def test_a_player_is_paused_and_skips(adapter: Adapters) -> None:
    player = adapter("Walkman")
    for action in ("pause", "play", "next"):
        done = await player.call(invocation("media_control", action=action))
        assert (action, done.evidence) == (action, Evidence.VERIFIED)


async def test_music_without_a_search_is_refused_with_what_is_missing(adapter: Adapters) -> None:
    call = invocation("play_music_on_nest_hub", music_name="jazz", music_service=None)
    with pytest.raises(DeviceRefused, match="Music Assistant"):
        await adapter("Walkman").call(call)


async def test_a_wrong_token_is_told(client: HassClient, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("nonsense")
    access = client.access._replace(token_file=tmp_path / "token")
    async with HassClient(access) as other:
        await other.until(lambda: isinstance(other.trouble, DeviceNeedsPerson), 10)
        with pytest.raises(DeviceNeedsPerson, match="does not accept the token"):
            await other.ready(0)
