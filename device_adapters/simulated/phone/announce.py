"""Tells the network about a simulated phone, as `adb tcpip` does on a real one."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from device_adapters.simulated.phone.server import HOST, SimulatedPhone

TYPE = "_adb._tcp.local."


@asynccontextmanager
async def announced(phone: SimulatedPhone) -> AsyncIterator[ServiceInfo]:
    """Announce a listening phone on the loopback interface while the block runs."""
    info = ServiceInfo(
        TYPE,
        f"adb-{phone.state.serial}.{TYPE}",
        addresses=[socket.inet_aton(HOST)],
        port=phone.port,
        server=f"{phone.state.serial}.local.",
    )
    zeroconf = AsyncZeroconf(interfaces=[HOST], ip_version=IPVersion.V4Only)
    try:
        await (await zeroconf.async_register_service(info))
        yield info
    finally:
        await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()
