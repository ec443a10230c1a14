"""One hub in four ways: its journal in SQLite or PostgreSQL, its model in a process beside it or
behind a server. Only settings differ, and everything ends the same."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device_adapters.simulated.phone.adbd.server import SimulatedPhone
from orchestrator import ledger, settings
from orchestrator.broker import LOCAL, Login, passwords
from orchestrator.catalogue import Catalogue
from orchestrator.client import HubClient, connected
from orchestrator.model_setup import model_start
from orchestrator.octopus.loading import load
from orchestrator.tokens import END
from tests.broker import MOSQUITTO
from tests.e2e.daemon import Site, eventually
from tests.modelserver import serving, vllm

pytestmark = pytest.mark.skipif(not MOSQUITTO, reason="needs mosquitto")
SAID = (
    ("What is the weather in Seoul?", "succeeded", ["get_weather_forecast"]),
    ("Take a selfie with the front camera", "succeeded", ["take_a_photo"]),
    ("Set the media volume on my phone to 3", "succeeded", ["set_volume"]),
    ("Text John the weather in Seoul", "succeeded", ["get_weather_forecast", "send_text_message"]),
    ("call John", "awaiting_confirmation", ["make_phone_call"]),
    ("don't take a photo", "refused", []),
    ("set the media volume on my phone to 4 at 7 pm tomorrow", "scheduled", []),
)
"""What is said, where the command stands then, and which functions it came to."""
WEATHER = "Seoul: sunny, 75 °F, today 64 to 81 °F"
_STANDS = {*map(str, ledger.ENDED_RUN), "awaiting_answer", "awaiting_confirmation"}


@pytest.fixture(scope="module", params=["process", "server"])
def model(request: pytest.FixtureRequest, catalogue: Catalogue) -> Iterator[str]:
    """The section [model]: the packaged weights, or the same ones behind a completions server."""
    if request.param == "process":
        yield ""
        return
    start = model_start(settings.Settings(), catalogue)
    weights = load(start.model, catalogue, start.embedded)

    def written(sentence: str) -> str:
        [decoded] = weights.decode_all([sentence])
        return decoded.text.removesuffix(END)

    with serving(vllm(written)) as server:
        yield f'[model]\nurl = "{server.url}"\nparallel = true\n'
        assert server.completions, "the server was asked"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest) -> str:
    """The section [store]: a file in the state folder, or a real PostgreSQL."""
    if request.param == "sqlite":
        return ""
    url = request.getfixturevalue("postgres").url(Path(uuid.uuid4().hex))
    return f'[store]\nurl = "{url}"\n'


async def test_everything_ends_the_same(site: Site, model: str, kept: str) -> None:
    async with SimulatedPhone(serial=f"SIM{uuid.uuid4().hex[:8]}") as phone:
        with (site.config / "hub.toml").open("a") as more:
            more.write(f"{model}{kept}")
        (site.config / "people.toml").write_text(
            '[[contact]]\nname = "John"\nnumbers = { mobile = "+1 650 253 0100" }\n'
        )
        (site.config / "devices.toml").write_text(
            '[[device]]\nid = "pixel"\nkind = "phone"\nname = "Pixel 8"\nprotocol = "adb"\n'
            f'default = true\naddress = {{ host = "127.0.0.1", port = "{phone.port}" }}\n'
        )
        await site.spawn()
        await eventually(lambda: "ready after" in site.log, 30, site)
        login = Login("127.0.0.1", site.port, LOCAL, passwords(site.state)[LOCAL])
        async with connected(login, "octopus", LOCAL) as client:
            await reached(client)
            for text, state, called in SAID:
                identity = uuid.uuid4().hex  # a database outlives a hub, and knows its commands
                await client.send(text, identity, devices=["pixel", "hub"])
                record = await stands(client, identity)
                assert record["state"] == state, (text, record["answer"])
                assert [step["function"] for step in record["steps"]] == called, text
        assert [message.body for message in phone.state.sent] == [WEATHER]
        assert await site.stop() == 0
        assert "Traceback" not in site.log
    assert (site.state / "journal.db").exists() is (not kept)


async def reached(client: HubClient) -> None:
    """Wait until the phone is connected."""
    async with asyncio.timeout(20):
        while True:
            devices = {d["id"]: d["state"] for d in await client.request("device/list")}
            if devices["pixel"] == "connected":
                return
            await asyncio.sleep(0.05)


async def stands(client: HubClient, identity: str) -> dict[str, Any]:
    """A command's record, once it has ended or waits for a person."""
    async with asyncio.timeout(40):
        while True:
            event = await client.events.get()
            if event.id == identity and event.step is None and event.state in _STANDS:
                break
    return dict(await client.request("execution/get", execution=identity))
