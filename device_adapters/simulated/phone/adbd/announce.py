"""Tells the network about a simulated phone, as adbd on a real one does."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from device_adapters.simulated.phone.adbd.server import HOST, SimulatedPhone

TYPE = "_adb._tcp.local."
TLS_TYPE = "_adb-tls-connect._tcp.local."
PAIRING_TYPE = "_adb-tls-pairing._tcp.local."

_VERSION = {"v": "1"}


@asynccontextmanager
async def announced(phone: SimulatedPhone) -> AsyncIterator[ServiceInfo]:
    """Announce a phone on the loopback interface while the block runs.

    Gives what it says of plain adb. Wireless debugging and an open pairing screen are announced
    as well, and taken back when they close.
    """
    zeroconf = AsyncZeroconf(interfaces=[HOST], ip_version=IPVersion.V4Only)
    plain = _info(phone, TYPE, f"adb-{phone.state.serial}", phone.port)
    try:
        await (await zeroconf.async_register_service(plain))
        following = asyncio.create_task(_follow(phone, zeroconf))
        try:
            yield plain
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
    finally:
        await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()


async def _follow(phone: SimulatedPhone, zeroconf: AsyncZeroconf) -> None:
    """Keep what is announced of wireless debugging as the phone is, until cancelled."""
    said: dict[tuple[str, str, int], ServiceInfo] = {}
    while True:
        phone.changed.clear()
        now = set(_wireless(phone))
        for gone in said.keys() - now:
            await (await zeroconf.async_unregister_service(said.pop(gone)))
        for new in now - said.keys():
            said[new] = _info(phone, *new)
            await (await zeroconf.async_register_service(said[new]))
        await phone.changed.wait()


def _wireless(phone: SimulatedPhone) -> list[tuple[str, str, int]]:
    """Type, name and port of what wireless debugging offers now."""
    wireless = phone.wireless
    if wireless is None or not wireless.listening:
        return []
    offered = [(TLS_TYPE, wireless.guid, wireless.port)]
    if wireless.pairing is not None and not wireless.pairing.over.is_set():
        offered.append((PAIRING_TYPE, wireless.pairing.name, wireless.pairing.port))
    return offered


def _info(phone: SimulatedPhone, kind: str, name: str, port: int) -> ServiceInfo:
    return ServiceInfo(
        kind,
        f"{name}.{kind}",
        addresses=[socket.inet_aton(HOST)],
        port=port,
        properties=_VERSION,
        server=f"{phone.state.serial}.local.",
    )
