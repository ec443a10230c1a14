"""`octopus mcp`: an assistant's own way to the running hub."""

import uuid
from typing import Any

from orchestrator import settings
from orchestrator.cli.connection import Config, with_hub
from orchestrator.client import HubClient
from orchestrator.extras import extra
from orchestrator.operations import SENDING


def mcp(config: Config = settings.PACKAGED) -> None:
    """Serve an assistant that speaks MCP on the standard streams.

    It starts this itself; its tools are the running hub's functions. Ends when the assistant does.
    """
    confirms = settings.hub_of(config).mcp.confirm
    with extra("mcp"):
        from orchestrator.doors.mcp import stdio  # an extra: only where it is needed

    async def work(client: HubClient) -> None:
        async def ask(operation: str, **fields: Any) -> Any:
            if operation not in SENDING:
                return await client.request(operation, **fields)
            identity = uuid.uuid4().hex
            await client.begin(operation, identity, **fields)
            return {"id": identity}

        await stdio.serve(ask, client.events.get, confirms=confirms)

    with_hub(config, work)
