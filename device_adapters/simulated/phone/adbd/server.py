"""The simulated phone itself: a TCP server that speaks the adbd protocol."""

import asyncio
from typing import TYPE_CHECKING, Self

from device_adapters.simulated.phone.adbd.auth import Keys, Trust
from device_adapters.simulated.phone.adbd.connection import Connection, Secure
from device_adapters.simulated.phone.adbd.faults import Fault, Faults
from device_adapters.simulated.phone.adbd.link import PlainLink
from device_adapters.simulated.phone.adbd.listener import HOST, Listener
from device_adapters.simulated.phone.state import Phone

if TYPE_CHECKING:
    from device_adapters.simulated.phone.adbd.wireless import Offer, Wireless

__all__ = ["HOST", "SimulatedPhone"]


class SimulatedPhone:
    """`async with SimulatedPhone() as phone`: real adb clients reach it at 127.0.0.1:phone.port.

    `state` is what the phone is and did; `port=0` takes a free one. With `wireless=True` wireless
    debugging is on as well, at `phone.tls_port`; that alone needs pyOpenSSL.
    """

    def __init__(
        self,
        name: str = "Pixel 8",
        serial: str = "SIM0001",
        port: int = 0,
        *,
        trust: Trust = Trust.NONE,
        state: Phone | None = None,
        wireless: bool = False,
    ) -> None:
        self.state = state or Phone(name=name, serial=serial)
        self.keys = Keys(trust, self.state.computers)
        self.port = port
        self.changed = asyncio.Event()
        self._faults = Faults()
        self._listener = Listener(self._serve)
        self.wireless = self._with_wireless() if wireless else None

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.unplug()
        self.state.provider.close()

    @property
    def tls_port(self) -> int:
        """Where paired computers connect; raises `RuntimeError` without wireless debugging."""
        return self._on().port

    async def plug(self) -> None:
        """Listen, on the same port as before if there was one; wireless debugging on a new one."""
        await self._listener.open(self.port)
        self.port = self._listener.port
        if self.wireless is not None:
            await self.wireless.open()
        self.changed.set()

    async def unplug(self) -> None:
        """Drop every connection and stop listening."""
        await self._listener.close()
        if self.wireless is not None:
            await self.wireless.close()
        self.changed.set()

    async def open_pairing(self, code: str | None = None) -> "Offer":
        """Open the screen that shows a code; it closes when a computer knew the code."""
        return await self._on().open_pairing(code)

    async def scan(self, text: str) -> "Offer":
        """Scan a computer's QR code, which says what to be announced as and the password."""
        return await self._on().scan(text)

    def inject(self, fault: Fault) -> None:
        """Misbehave at the next service that contains the fault's `match`."""
        self._faults.add(fault)

    async def _serve(self, link: PlainLink, secure: Secure | None = None) -> None:
        await Connection(link, self.state, self.keys, self._faults, secure).serve()

    def _on(self) -> "Wireless":
        if self.wireless is None:
            raise RuntimeError("wireless debugging is off")
        return self.wireless

    def _with_wireless(self) -> "Wireless":
        # pyOpenSSL is a library of tests and demos: only who asks for this needs it
        from device_adapters.simulated.phone.adbd.wireless import Wireless

        return Wireless(self.state.serial, self.keys, self._serve, self.changed.set)
