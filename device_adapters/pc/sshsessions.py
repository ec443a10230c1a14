"""The programs run over one SSH connection: a few at a time, none left behind."""

import asyncio
import contextlib
import os
import socket

import asyncssh
from asyncssh.constants import OPEN_REQUEST_SESSION_FAILED

from device_adapters.pc.runner import Answer, printed
from schemas.errors import DeviceUnavailable, DeviceUncertain

_AT_ONCE = 5
"""Sessions of one connection; OpenSSH allows ten, where nobody says otherwise."""
_WINDOW = 32 * 1024
"""Bytes that a computer may send ahead: a flood of tiny packets must not hold the event loop."""
_TURN_WITHIN = 3.0
"""Seconds to wait for one of them."""

Process = asyncssh.SSHClientProcess[bytes]


class Sessions:
    """The sessions of one connection; each holds its place until the computer has closed it."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self._connection = connection
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._ending: set[asyncio.Task[None]] = set()

    async def run(self, line: str, said: bytes, most: int) -> Answer:
        """Run what `line` says, with `said` to read. Raises as `Runner.run`; cancelled, it ends the
        program where the computer lets it."""
        try:
            async with asyncio.timeout(_TURN_WITHIN):
                await self._places.acquire()
        except TimeoutError as exc:
            raise DeviceUnavailable("it is busy with other calls; nothing was sent") from exc
        opening = asyncio.create_task(self._opened(line), name="SSH session")
        try:
            return await self._ran(opening, said, most)
        finally:
            ending = asyncio.create_task(self._end(opening), name="SSH session's end")
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def ended(self) -> None:
        """Wait for what is left, once the connection is closed."""
        await asyncio.gather(*self._ending)

    async def _opened(self, line: str) -> Process:
        return await self._connection.create_process(line, encoding=None, window=_WINDOW)

    async def _ran(self, opening: asyncio.Task[Process], said: bytes, most: int) -> Answer:
        try:
            process = await asyncio.shield(opening)  # cancelled, it would be left open there
        except (asyncssh.Error, OSError) as exc:
            if not said and _asked(exc):  # the line itself may have been run
                raise DeviceUncertain(f"the connection broke meanwhile: {reason_of(exc)}") from exc
            raise DeviceUnavailable(f"no program can be run: {reason_of(exc)}") from exc
        try:
            with contextlib.suppress(BrokenPipeError):  # it may have ended without reading
                process.stdin.write(said)
                process.stdin.write_eof()
            output, complaint = await printed(process.stdout, process.stderr, most)
            await process.wait_closed()
        except (asyncssh.Error, OSError) as exc:
            raise DeviceUncertain(f"the connection broke meanwhile: {reason_of(exc)}") from exc
        except asyncio.CancelledError:
            with contextlib.suppress(asyncssh.Error, OSError):
                process.kill()
            raise
        if process.returncode is None:
            raise DeviceUncertain("the connection broke before the program ended")
        return Answer(process.returncode, output, complaint)

    async def _end(self, opening: asyncio.Task[Process]) -> None:
        try:
            process = await opening
            process.close()
            await process.wait_closed()
        except (asyncssh.Error, OSError):
            pass
        finally:
            self._places.release()


def _asked(exc: Exception) -> bool:
    """Whether a session failed after the computer was asked to run something in it."""
    return not isinstance(exc, asyncssh.ChannelOpenError) or exc.code == OPEN_REQUEST_SESSION_FAILED


def reason_of(exc: Exception) -> str:
    """An error's own words, bounded: a part of them may come from the other side."""
    number = exc.errno if isinstance(exc, OSError) else None
    text = os.strerror(number) if number and number > 0 else str(exc)
    if isinstance(exc, socket.gaierror):  # it counts errors of its own
        text = exc.strerror or ""
    text = text or type(exc).__name__
    return "".join(c for c in text if c.isprintable())[:200]
