"""Everybody, on every device, with every function, through a real broker: nothing runs that the
policy does not allow, and nobody comes in without a login."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from device_adapters.mqtt import MqttClient
from orchestrator import broker
from orchestrator.broker import HUB, LOCAL, own_broker
from orchestrator.catalogue import Catalogue
from orchestrator.doors.mqtt import MqttDoor
from orchestrator.policy import Policy, Rule
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable
from tests.broker import MOSQUITTO
from tests.doorkit import User
from tests.hubkit import Rig, ScriptedAdapter, rig

pytestmark = pytest.mark.skipif(not MOSQUITTO, reason="needs mosquitto")

USERS = (LOCAL, "ann", "guest")
DEVICES = {
    "golf": Kind.CAR, "mini": Kind.CAR, "office": Kind.PC, "den": Kind.PC, "tablet": Kind.PHONE,
}  # fmt: skip
CALLS: dict[str, tuple[tuple[Kind, ...], tuple[dict[str, Any], ...]]] = {
    "lock_doors": ((Kind.CAR,), ({"action": "lock"}, {"action": "unlock"})),
    "start_charging": ((Kind.CAR,), ({},)),
    "honk_and_flash": ((Kind.CAR,), ({},)),
    "get_vehicle_status": ((Kind.CAR,), ({"item": "all"},)),
    "shutdown": ((Kind.PC,), ({},)),
    "get_pc_status": ((Kind.PC,), ({"item": "all"},)),
    "lock_screen": ((Kind.PC, Kind.PHONE), ({},)),
    "set_volume": ((Kind.PC, Kind.PHONE), ({"level": 3, "volume_type": "media"},)),
    "take_a_photo": ((Kind.PHONE,), ({"camera": "back"},)),
}
"""Each function: the kinds that serve it, and what it is called with."""
RULES: tuple[dict[str, Any], ...] = (
    {"user": "guest", "device": "car", "verdict": "deny"},
    {"user": "guest", "function": ["shutdown", "lock_screen"], "verdict": "deny"},
    {"function": "lock_doors", "arguments": {"action": "lock"}, "verdict": "allow"},
    {"function": "lock_doors", "device": "mini", "verdict": "deny"},
    {"user": "ann", "device": "office", "verdict": "confirm"},
    {"user": "local", "function": "shutdown", "device": "den", "verdict": "allow"},
    {"user": "guest", "device": "tablet", "function": "take_a_photo", "verdict": "confirm"},
)
Asked = tuple[str, str, str, dict[str, Any]]


def expected(asked: Asked, catalogue: Catalogue) -> str:
    """What the rules say, read a second time."""
    user, device, function, arguments = asked
    if DEVICES[device] not in CALLS[function][0]:
        return "deny"  # it has no such function
    for rule in RULES:
        functions = rule.get("function", function)
        if (
            rule.get("user", user) == user
            and rule.get("device", device) in (device, DEVICES[device])
            and function in ([functions] if isinstance(functions, str) else functions)
            and rule.get("arguments", {}).items() <= arguments.items()
        ):
            return str(rule["verdict"])
    own = {"safe": "allow", "confirm": "confirm", "locked": "deny"}
    return own[catalogue[function].risk]


def every() -> Iterator[Asked]:
    for user, device, function in product(USERS, DEVICES, CALLS):
        yield from ((user, device, function, variant) for variant in CALLS[function][1])


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[tuple[Path, int]]:
    async with own_broker(tmp_path, 0, "octopus", users=("ann", "guest")) as running:
        yield tmp_path, running.login.port


async def test_nothing_runs_that_is_not_allowed(
    state: tuple[Path, int], catalogue: Catalogue
) -> None:
    folder, port = state
    passwords = broker.passwords(folder, ("ann", "guest"))
    adapters = {}
    for name, kind in DEVICES.items():
        served = tuple(f for f, (kinds, _) in CALLS.items() if kind in kinds)
        device = Device(id=name, kind=kind, name=name, protocol="test", functions=served)
        adapters[name] = (device, ScriptedAdapter(frozenset(served)))
    rules = Policy(rules=tuple(Rule.model_validate(rule, strict=False) for rule in RULES))
    async with AsyncExitStack() as stack:

        async def client(user: str) -> MqttClient:
            login = {"username": user, "password": passwords[user]}
            made = MqttClient("127.0.0.1", port, client_id=f"test-{user}", **login)
            await stack.enter_async_context(made)
            await made.wait_connected(10)
            return made

        hub = await stack.enter_async_context(
            rig(folder, catalogue, {}, policy=rules, more=[*adapters.values()])
        )
        door = MqttDoor(await client(HUB), hub.service, hub.bus, "octopus", {"name": "test"})
        await stack.enter_async_context(door.telling())
        users = {user: User(await client(user), user) for user in USERS}
        await users[LOCAL].listen("octopus/status")
        stack.enter_context(door.listening())
        async with asyncio.timeout(10):
            while (await users[LOCAL].heard.get()).payload != b"online":
                pass
        asked = list(every())
        told = [await decided(hub, users[one[0]], one, adapters[one[1]][1]) for one in asked]
        hub.bus.close()
    wanted = [_OUTCOME[expected(one, catalogue)] for one in asked]
    assert [(a, t, w) for a, t, w in zip(asked, told, wanted, strict=True) if t != w] == []
    assert len(asked) == len(USERS) * len(DEVICES) * (len(CALLS) + 1)
    assert {expected(one, catalogue) for one in asked} == {"allow", "confirm", "deny"}


_OUTCOME = {
    "allow": ("succeeded", 1), "confirm": ("awaiting_confirmation", 0), "deny": ("refused", 0),
}  # fmt: skip


async def decided(hub: Rig, user: User, asked: Asked, adapter: ScriptedAdapter) -> tuple[str, int]:
    """Where a call stands once it ran, was refused or waits for a yes; how often it ran by then."""
    _, device, function, arguments = asked
    before, identity = len(adapter.calls), f"{user.name}-{device}-{function}-{len(hub.events)}"
    with hub.bus.subscribe() as events:
        fields = {"function": function, "arguments": arguments, "devices": [device]}
        answer = await user.request("call", id=identity, **fields)
        assert answer["error"] is None, answer
        async with asyncio.timeout(10):
            async for event in events:
                if event.id == identity and event.step is None and event.state in _SETTLED:
                    break
    ran = len(adapter.calls) - before
    if event.state == "awaiting_confirmation":
        await user.request("cancel", execution=identity)
    return event.state, ran


_SETTLED = {state for state, _ in _OUTCOME.values()} | {"failed", "partly", "cancelled"}


@pytest.mark.parametrize(
    "login",
    [
        {},
        {"username": LOCAL, "password": "wrong"},
        {"username": "ann", "password": ""},
        {"username": "nobody", "password": "x"},
        {"username": HUB},
    ],
)
async def test_nobody_comes_in_without_a_login(
    login: dict[str, str], state: tuple[Path, int]
) -> None:
    _, port = state
    async with MqttClient("127.0.0.1", port, client_id="stranger", **login) as stranger:
        with pytest.raises((DeviceRefused, DeviceUnavailable, TimeoutError)):
            await stranger.wait_connected(1)
        assert not stranger.connected
