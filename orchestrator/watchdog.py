"""The sign of life that systemd wants: given only while every part of the hub gives one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

log = logging.getLogger(__name__)

Sign = Callable[[], Awaitable[bool]]
"""Whether a part lives; one that does not answer in time does not."""


class Watchdog:
    """Asks the parts twice in every `limit` seconds, and calls `ping` where all of them live.

    It runs in the event loop, so a loop that is blocked gives no sign either.
    """

    def __init__(self, parts: Mapping[str, Sign], limit: float, ping: Callable[[], None]) -> None:
        self.parts = parts
        self._every = limit / 2
        self._ping = ping
        self._silent: list[str] = []

    async def keep(self) -> None:
        """Ask for as long as this runs."""
        while True:
            lives = await self.look()
            # One that was late has another chance before the time is up.
            await asyncio.sleep(self._every if lives else self._every / 5)

    async def look(self) -> bool:
        """Ask each part once, all at the same time; whether all live."""
        asked = dict(self.parts)  # a hub that stops has none any more
        signs = await asyncio.gather(*(self._lives(*part) for part in asked.items()))
        silent = [name for name, lives in zip(asked, signs, strict=True) if not lives]
        if silent != self._silent:
            said = f"no sign of life from {', '.join(silent)}" if silent else "all parts live again"
            log.log(logging.ERROR if silent else logging.WARNING, said)
        self._silent = silent
        if not silent:
            self._ping()
        return not silent

    async def _lives(self, name: str, sign: Sign) -> bool:
        try:
            async with asyncio.timeout(self._every / 2):
                return await sign()
        except TimeoutError:
            return False
        except Exception:
            log.exception("%s broke when it was asked for a sign of life", name)
            return False
