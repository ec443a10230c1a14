"""A hub with a simulated phone, PC and car on loopback, over the protocols of real ones."""

import asyncio
import os
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from device_adapters.hub import Sources
from device_adapters.simulated.car import SimulatedCar
from device_adapters.simulated.pc import SimulatedPc
from device_adapters.simulated.phone.adbd.announce import announced
from device_adapters.simulated.phone.adbd.server import SimulatedPhone
from device_adapters.simulated.weather import SimulatedWeb
from orchestrator import app, settings
from orchestrator.broker import DEVICES, LOCAL, Login, passwords
from orchestrator.catalogue import Catalogue
from orchestrator.client import HubClient, connected
from orchestrator.follow import follow
from orchestrator.policy import Policy, Rule, Verdict
from orchestrator.watch import Record
from schemas.errors import HubError
from schemas.execution import RunState

SENTENCES = (
    "Take a selfie with the front camera",
    "Set the media volume on my phone to 3 and start charging the car",
    "Text John the weather in Seoul",
)
FOUND_WITHIN = 15.0


class NotFound(HubError):
    """A simulated device was not found."""

    code = "not_found"


async def demonstrate(sentence: str | None, console: Console, record: Record | None = None) -> bool:
    """Whether every sentence succeeded; without one, three are sent. `record` gets the record of
    each, in the place of its life on the console."""
    with tempfile.TemporaryDirectory(prefix="octopus-demo-") as folder:
        async with AsyncExitStack() as stack:
            web = await stack.enter_async_context(SimulatedWeb())
            loaded = _settings(Path(folder), web)
            catalogue = Catalogue.load(settings.PACKAGED / "functions")
            hub = await stack.enter_async_context(app.running(loaded, catalogue))
            console.print(f"hub and broker are up, MQTT on 127.0.0.1:{hub.broker.port}")
            secrets = passwords(loaded.state)
            names = await _devices(stack, hub.broker, secrets[DEVICES])
            login = Login(hub.broker.host, hub.broker.port, LOCAL, secrets[LOCAL])
            client = await stack.enter_async_context(connected(login, loaded.broker.topic, LOCAL))
            await _approve(client, names, console)
            said = (sentence,) if sentence else SENTENCES
            states = [await _say(client, one, console, record) for one in said]
            return all(state is RunState.SUCCEEDED for state in states)


def _settings(folder: Path, web: SimulatedWeb) -> settings.Settings:
    return settings.Settings(
        hub=settings.Hub(state=str(folder)),
        broker=settings.BrokerSettings(port=0),
        discovery=settings.Discovery(loopback_only=True),
        home=Sources(
            location="Seoul", forecast_url=web.url, geocoding_url=web.url,
            news_url=web.news_url, headlines_url=web.news_url,
        ),
        # Nobody is at the keyboard of a demo, and no message leaves this machine.
        policy=Policy(rules=(Rule(function=("send_text_message",), verdict=Verdict.ALLOW),)),
    )  # fmt: skip


async def _devices(stack: AsyncExitStack, broker: Login, password: str) -> list[str]:
    """Start the three devices; returns the names they announce themselves with."""
    phone = await stack.enter_async_context(
        SimulatedPhone(name="Pixel 8", serial=f"SIM{os.getpid()}")
    )
    phone.state.provider.add_contact("John", "+15550100")
    await stack.enter_async_context(announced(phone))
    login = (DEVICES, password)
    pc = await stack.enter_async_context(SimulatedPc(broker.host, broker.port, login=login))
    car = await stack.enter_async_context(SimulatedCar(broker.host, broker.port, login=login))
    return [phone.state.serial, pc.name, car.name]


async def _approve(client: HubClient, names: list[str], console: Console) -> None:
    """Wait until every device is found, and say yes for the person a real hub would ask."""
    try:
        async with asyncio.timeout(FOUND_WITHIN):
            while True:
                found = {d["name"]: d for d in await client.request("device/list")}
                if set(names) <= set(found):
                    break
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        missing = ", ".join(sorted(set(names) - set(found)))
        raise NotFound(f"not found within {FOUND_WITHIN:g} s: {missing}") from error
    for name in names:
        device = await client.request("device/approve", device=found[name]["id"])
        count = len(device["functions"])
        known = f"{device['name']} ({device['kind']}, {count} functions)"
        console.print(f"found and approved for this demo: {known}", highlight=False)


async def _say(
    client: HubClient, sentence: str, console: Console, record: Record | None
) -> RunState:
    console.rule(f"[bold]{escape(sentence)}")
    return await follow(client, sentence, console, record=record)
