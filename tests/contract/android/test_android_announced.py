"""A simulated phone is announced by mDNS as a real one is, and only for what it offers now."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from zeroconf import IPVersion, ServiceStateChange
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from device_adapters.simulated.phone import SimulatedPhone
from device_adapters.simulated.phone.adbd.announce import PAIRING_TYPE, TLS_TYPE, TYPE, announced


class Neighbours:
    """The names that are announced on loopback now."""

    def __init__(self, zeroconf: AsyncZeroconf) -> None:
        self.zeroconf = zeroconf
        self.names: set[str] = set()
        self._changed = asyncio.Event()

    def changed(self, name: str, state_change: ServiceStateChange, **_: object) -> None:
        """What the browser reports."""
        if state_change is ServiceStateChange.Removed:
            self.names.discard(name)
        else:
            self.names.add(name)
        self._changed.set()

    async def until(self, name: str, *, there: bool = True) -> None:
        """Wait until a name is there, or is not."""
        while (name in self.names) is not there:
            self._changed.clear()
            await self._changed.wait()

    async def port(self, kind: str, name: str) -> int | None:
        """Where a name is served."""
        info = AsyncServiceInfo(kind, name)
        assert await info.async_request(self.zeroconf.zeroconf, 3000)
        assert info.parsed_addresses() == ["127.0.0.1"]
        return info.port


@asynccontextmanager
async def looking() -> AsyncIterator[Neighbours]:
    zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    seen = Neighbours(zeroconf)
    kinds = [TYPE, TLS_TYPE, PAIRING_TYPE]
    browser = AsyncServiceBrowser(zeroconf.zeroconf, kinds, handlers=[seen.changed])
    try:
        yield seen
    finally:
        await browser.async_cancel()
        await zeroconf.async_close()


@pytest.fixture
def serial() -> str:
    """Loopback is shared with whatever else is tested on this machine."""
    return uuid.uuid4().hex[:10]


async def test_what_a_phone_offers_is_announced(serial: str) -> None:
    async with SimulatedPhone(serial=serial, wireless=True) as phone, looking() as seen:
        assert phone.wireless
        secure = f"{phone.wireless.guid}.{TLS_TYPE}"
        pairing = f"octopus-{serial}.{PAIRING_TYPE}"
        async with announced(phone) as info:
            assert info.name == f"adb-{serial}.{TYPE}"
            assert await seen.port(TYPE, info.name) == phone.port
            await seen.until(secure)
            assert await seen.port(TLS_TYPE, secure) == phone.tls_port

            offer = await phone.scan(f"WIFI:T:ADB;S:octopus-{serial};P:word;;")
            await seen.until(pairing)
            assert await seen.port(PAIRING_TYPE, pairing) == offer.port
            await phone.wireless.close_pairing()
            await seen.until(pairing, there=False)

            await phone.unplug()
            await seen.until(secure, there=False)
            await phone.plug()
            await seen.until(secure)
            assert await seen.port(TLS_TYPE, secure) == phone.tls_port
        await seen.until(secure, there=False)
        await seen.until(info.name, there=False)


async def test_a_code_on_the_screen_is_announced_under_the_name_of_the_phone(serial: str) -> None:
    async with SimulatedPhone(serial=serial, wireless=True) as phone, looking() as seen:
        assert phone.wireless
        async with announced(phone):
            offer = await phone.open_pairing()
            assert len(offer.code) == 6
            assert offer.code.isdigit()
            await seen.until(f"{phone.wireless.guid}.{PAIRING_TYPE}")


async def test_a_phone_without_wireless_debugging_announces_none(serial: str) -> None:
    async with SimulatedPhone(serial=serial) as phone, looking() as seen, announced(phone) as info:
        await seen.until(info.name)
        assert not {name for name in seen.names if serial in name} - {info.name}
        with pytest.raises(RuntimeError, match="wireless debugging is off"):
            await phone.open_pairing()
