"""npm's mobile-mcp, installed once as `tests/clients` pins it, and spoken to over its stdio."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests import npm
from tests.contract.android.adb_kit import Adb

PROGRAM = npm.CLIENTS / "node_modules/@mobilenext/mobile-mcp/lib/index.js"
LINE = 16 * 1024 * 1024
"""Bytes of the longest answer: a screenshot."""


class McpServer:
    """A running MCP server: calls one tool at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin
        assert process.stdout
        self._to, self._from = process.stdin, process.stdout
        self._number = 0

    async def ask(self, method: str, **params: object) -> dict[str, Any]:
        """The result of one request."""
        self._number += 1
        await self._say({"id": self._number, "method": method, "params": params})
        while True:
            said = json.loads(await self._from.readline())
            if said.get("id") == self._number:
                assert "result" in said, said
                return dict(said["result"])

    async def greet(self) -> None:
        """MCP's first words."""
        client = {"name": "tests", "version": "1"}
        version = "2025-06-18"
        await self.ask("initialize", protocolVersion=version, capabilities={}, clientInfo=client)
        await self._say({"method": "notifications/initialized"})

    async def call(self, tool: str, **arguments: object) -> list[dict[str, str]]:
        """What a tool answers; a tool that fails fails the test."""
        result = await self.ask("tools/call", name=tool, arguments=arguments)
        content: list[dict[str, str]] = result["content"]
        assert not result.get("isError"), content
        return content

    async def _say(self, message: dict[str, object]) -> None:
        self._to.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        await self._to.drain()


@asynccontextmanager
async def mobile_mcp(adb: Adb, *, legacy: bool) -> AsyncIterator[McpServer]:
    """mobile-mcp on this adb's server: by its own adb commands (`legacy`) or by its mobilecli."""
    tools = adb.home / "sdk/platform-tools"
    tools.mkdir(parents=True)
    (tools / "adb").symlink_to(adb.program)
    node = shutil.which("node")
    assert node
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "HOME": str(adb.home),
        "TMPDIR": str(adb.home),
        "ANDROID_HOME": str(tools.parent),
        "ADB_SERVER_SOCKET": f"localfilesystem:{adb.home}/adb",
        "MOBILEMCP_DISABLE_TELEMETRY": "1",
        "MOBILEMCP_LEGACY_ROBOT": str(int(legacy)),
    }
    process = await asyncio.create_subprocess_exec(
        node,
        str(PROGRAM),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=LINE,
    )
    try:
        server = McpServer(process)
        await server.greet()
        yield server
    finally:
        process.terminate()
        await process.communicate()
