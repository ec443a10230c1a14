"""An assistant starts `octopus mcp` and talks to the running hub by it."""

import asyncio
import json
import random
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client, StdioServerParameters

from orchestrator.broker import LOCAL
from orchestrator.doors.http.access import Tokens
from tests.e2e.daemon import CLI, ROOT, Site
from tests.mcpkit import Person, assistant, hostile, yes


def _program(site: Site) -> tuple[str, ...]:
    return (*CLI, "mcp", "--config", str(site.config))


@asynccontextmanager
async def _assistant(site: Site, person: Person) -> AsyncIterator[Client]:
    started = StdioServerParameters(command=sys.executable, args=[*_program(site)], cwd=ROOT)
    async with Client(started, elicitation_callback=person) as client:
        yield client


async def test_assistants_call_functions_a_person_confirms_and_nothing_else_is_written(
    site: Site,
) -> None:
    rule = '[[rule]]\nfunction = "get_weather_forecast"\nverdict = "confirm"\n'
    (site.config / "policy.toml").write_text(rule)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    with (site.config / "hub.toml").open("a") as file:
        file.write(f"\n[http]\nport = {port}\n[mcp]\nhttp = true\n")
    await site.start()
    token = Tokens(site.state).issue(LOCAL)
    at_http = assistant(f"http://127.0.0.1:{port}/mcp", token, person=Person(yes(False)))
    for way, state in ((_assistant(site, Person(yes())), "succeeded"), (at_http, "cancelled")):
        async with way as client:
            told = await client.call_tool("run_sentence", {"text": "what's the weather in Seoul"})
            assert told.structured_content["state"] == state
            said = told.structured_content["steps"][0]["said_by_device"]
            assert ("sunny" in said) == (state == "succeeded")
    await _only_the_protocol(site)
    assert await site.stop() == 0


async def _only_the_protocol(site: Site) -> None:
    """A program that is no library's: what it sends may be anything, and its end is the end."""
    begin = {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }  # fmt: skip
    call = {"name": "devices", "arguments": {}}
    dice = random.Random(9)
    said = [
        _line(id=1, method="initialize", params=begin), _line(method="notifications/initialized"),
        *(hostile(dice).replace(b"\n", b" ") for _ in range(2_000)),
        _line(id="last", method="tools/call", params=call),
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, *_program(site), cwd=ROOT, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, limit=2**20,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    heard: list[dict[str, Any]] = []
    async with asyncio.timeout(40):
        process.stdin.write(b"\n".join(said) + b"\n")
        while not heard or heard[-1].get("id") != "last":
            heard.append(json.loads(await process.stdout.readline()))
        process.stdin.close()
        rest, _ = await process.communicate()
    assert (process.returncode, rest) == (0, b"")
    assert {one["jsonrpc"] for one in heard} == {"2.0"}
    assert heard[-1]["result"]["structuredContent"]["devices"][0]["id"] == "hub"


def _line(**message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


async def test_without_a_hub_it_says_so_in_a_line_and_nothing_on_standard_output(
    site: Site,
) -> None:
    ran = await site.octopus("mcp")
    assert ran.status != 0
    assert ran.out == ""
    assert ran.err.startswith("octopus: no hub runs with ")
    assert len(ran.err.splitlines()) == 1
