"""A long-lived token, made by Home Assistant's own code before it starts."""

from __future__ import annotations

import asyncio
from pathlib import Path

# The hub's user is no administrator, as the howto says.
_TOKEN = """
import asyncio, sys
from datetime import timedelta
from homeassistant import auth, core
from homeassistant.auth.const import GROUP_ID_USER
from homeassistant.auth.models import TOKEN_TYPE_LONG_LIVED_ACCESS_TOKEN
from homeassistant.helpers import area_registry, device_registry, entity_registry

async def main(folder):
    hass = core.HomeAssistant(folder)
    for registry in (area_registry, device_registry, entity_registry):
        await registry.async_load(hass)
    manager = await auth.auth_manager_from_config(hass, [{"type": "homeassistant"}], [])
    await manager.async_create_user("owner")  # whoever is first owns it
    user = await manager.async_create_user("hub", group_ids=[GROUP_ID_USER])
    token = await manager.async_create_refresh_token(
        user, client_name="hub", token_type=TOKEN_TYPE_LONG_LIVED_ACCESS_TOKEN,
        access_token_expiration=timedelta(days=1),
    )
    print(manager.async_create_access_token(token))
    await hass.async_stop(force=True)

asyncio.run(main(sys.argv[1]))
"""


async def token_of(python: str, folder: Path) -> str:
    """A token for this configuration's folder; `python` is one that has Home Assistant."""
    process = await asyncio.create_subprocess_exec(
        python, "-c", _TOKEN, str(folder), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().strip()
