"""`adb reverse`: ports of the phone that lead to the computer (AOSP adb_listeners.cpp)."""

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from device_adapters.simulated.phone.adbd.link import PlainLink
from device_adapters.simulated.phone.adbd.listener import Listener
from device_adapters.simulated.phone.adbd.stream import Stream

PIECE = 64 * 1024

Dial = Callable[[str], AbstractAsyncContextManager[Stream]]
"""A stream to a service of the computer; raises `ConnectionRefusedError` where it has none."""


class RefusedError(Exception):
    """What the phone answers with FAIL."""


class Reverse:
    """The ports that one computer opened; they go when it goes."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._ports: dict[str, tuple[str, Listener]] = {}

    async def serve(self, stream: Stream, request: str) -> None:
        """Answer one `reverse:` request, named here without that word."""
        try:
            answer = await self._answer(*request.partition(":")[::2])
        except RefusedError as exc:
            answer = "FAIL" + _framed(str(exc))
        await stream.write(answer.encode(errors="surrogateescape"))

    async def close(self) -> None:
        """Give all ports back."""
        ports, self._ports = self._ports, {}
        await asyncio.gather(*(listener.close() for _, listener in ports.values()))

    async def _answer(self, verb: str, rest: str) -> str:
        if verb == "forward":
            return "OKAY" + await self._forward(rest)
        if verb == "list-forward":
            lines = [f"(reverse) {at} {target}\n" for at, (target, _) in self._ports.items()]
            return _framed("".join(lines))
        if verb == "killforward":
            await self._kill(rest)
        elif verb == "killforward-all":
            await self.close()
        else:
            raise RefusedError(f"unknown reverse service '{verb}'")
        return "OKAY"

    async def _forward(self, rest: str) -> str:
        """Open a port, or lead an open one elsewhere; says which port a new one is."""
        fixed = rest.startswith("norebind:")
        at, semicolon, target = rest.removeprefix("norebind:").partition(";")
        if not semicolon or not target:
            raise RefusedError(f"bad forward: {rest}")
        if at in self._ports:
            if fixed:
                raise RefusedError("cannot rebind existing socket")
            self._ports[at] = (target, self._ports[at][1])
            return ""
        listener = Listener(lambda link: self._bridge(f"tcp:{listener.port}", link))
        try:
            await listener.open(_port(at))
        except OSError as exc:
            raise RefusedError(f"cannot bind listener: {exc.strerror}") from exc
        self._ports[f"tcp:{listener.port}"] = (target, listener)
        return _framed(str(listener.port))

    async def _kill(self, at: str) -> None:
        if at not in self._ports:
            raise RefusedError(f"listener '{at}' not found")
        _, listener = self._ports.pop(at)
        await listener.close()

    async def _bridge(self, at: str, link: PlainLink) -> None:
        """Carry one connection of the phone to the computer, until either side closes."""
        if at not in self._ports:  # given back just now
            return
        with contextlib.suppress(ConnectionError):
            async with self._dial(self._ports[at][0]) as stream:
                up = asyncio.create_task(_up(link, stream))
                try:
                    while data := await stream.read_some():
                        await link.write(data)
                finally:
                    up.cancel()
                    await asyncio.wait([up])


async def _up(link: PlainLink, stream: Stream) -> None:
    """What the phone's side says, to the computer; adb has no half-closed streams."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while data := await link.reader.read(PIECE):
            await stream.write(data)
        await stream.close()


def _port(at: str) -> int:
    """The port of `tcp:PORT`; others than TCP the simulated phone does not have."""
    kind, _, number = at.partition(":")
    if kind != "tcp" or not number.isascii() or not number.isdigit() or int(number) > 65535:
        raise RefusedError(f"cannot bind listener: unknown socket specification: {at}")
    return int(number)


def _framed(text: str) -> str:
    """adb's own way to say how long a text is."""
    return f"{len(text.encode(errors='surrogateescape')):04x}{text}"
