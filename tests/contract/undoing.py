"""What the tests of `present` share."""

from __future__ import annotations

from device_adapters.base import Adapter
from schemas.call import Invocation, Restore
from schemas.outcome import Done


async def undo(adapter: Adapter, restore: Restore) -> Done:
    """Run what `present` said before a call."""
    return await adapter.call(
        Invocation(function=restore.function, arguments=restore.arguments, key="undo", timeout=3.0)
    )
