"""Which services announce themselves by mDNS, and where; zeroconf's only door."""

import asyncio
import ipaddress
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Self

from zeroconf import InterfaceChoice, IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

RESOLVE_WITHIN = 3_000
"""Milliseconds to ask for a service's address, where its announcement did not hold it."""
SETTLE = 0.1
"""Seconds to wait for the rest of what a service says: it comes in several packets."""
MAX_PENDING, MAX_ASKED = 1_000, 50
"""Services that settle, and that are asked for their address, at once; a flood ends here."""
LONGEST = 63
"""Bytes that a name may have (RFC 1035)."""
_NAME = re.compile(r"[\w .:'()+-]+")


class Service(NamedTuple):
    """One service: its type, its instance's name, and where it listens; nowhere once it is gone."""

    type: str
    name: str
    host: str = ""
    port: int = 0

    @property
    def there(self) -> bool:
        """Whether it is announced."""
        return self.port > 0


Listener = Callable[[Service], None]


class Announced:
    """The services of some types on the network, told to listeners while the block lasts.

    mDNS says what exists; whether it is reachable, only a connection says.
    """

    def __init__(self, types: tuple[str, ...], *, loopback_only: bool) -> None:
        self._types = types
        self._interfaces = ["127.0.0.1"] if loopback_only else InterfaceChoice.All
        self._pending: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._asked = 0
        self._listeners: list[Listener] = []

    async def __aenter__(self) -> Self:
        self._zeroconf = AsyncZeroconf(interfaces=self._interfaces, ip_version=IPVersion.V4Only)
        self._browser = AsyncServiceBrowser(
            self._zeroconf.zeroconf, list(self._types), handlers=[self._changed]
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._browser.async_cancel()
        left = list(self._pending.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._zeroconf.async_close()

    @contextmanager
    def telling(self, listener: Listener) -> Iterator[None]:
        """Tell `listener` of every service that is there, comes, moves or goes."""
        self._listeners.append(listener)
        try:
            for service_type in self._types:
                for service in self.known(service_type):
                    listener(service)
            yield
        finally:
            self._listeners.remove(listener)

    async def first(self, wanted: Callable[[Service], bool]) -> Service:
        """Wait for a service that is wanted."""
        found: asyncio.Future[Service] = asyncio.get_running_loop().create_future()

        def look(service: Service) -> None:
            if service.there and not found.done() and wanted(service):
                found.set_result(service)

        with self.telling(look):
            return await found

    def known(self, service_type: str) -> list[Service]:
        """The services of a type that are announced now."""
        cache = self._zeroconf.zeroconf.cache
        pointers = cache.async_entries_with_name(service_type)
        aliases: set[str] = {getattr(record, "alias", "") for record in pointers}
        names = sorted(name for name in aliases if _sayable(service_type, name))
        found = (self._read(AsyncServiceInfo(service_type, name)) for name in names)
        return [service for service in found if service is not None]

    def _changed(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if not _sayable(service_type, name):
            self._forget(service_type, name)
            return
        if state_change is ServiceStateChange.Removed:
            if name in self._pending:
                self._pending.pop(name).cancel()
            self._tell(Service(service_type, _short(service_type, name)))
        elif name in self._pending:
            self._again.add(name)
        elif len(self._pending) < MAX_PENDING:
            task = asyncio.create_task(self._settle(service_type, name))
            self._pending[name] = task
            task.add_done_callback(lambda done: self._settled(name, done))

    def _forget(self, service_type: str, name: str) -> None:
        """zeroconf lists what it knows in each question: with this name, it could ask no more."""
        cache = self._zeroconf.zeroconf.cache
        pointers = cache.async_entries_with_name(service_type)
        cache.async_remove_records(
            [record for record in pointers if getattr(record, "alias", "") == name]
        )

    def _settled(self, name: str, done: asyncio.Task[None]) -> None:
        if self._pending.get(name) is done:
            del self._pending[name]

    async def _settle(self, service_type: str, name: str) -> None:
        """Learn where a service is, and once more if it says something new meanwhile."""
        self._again.add(name)
        while name in self._again:
            await asyncio.sleep(SETTLE)
            self._again.discard(name)
            service = await self._resolved(service_type, name)
            if service is not None:
                self._tell(service)

    async def _resolved(self, service_type: str, name: str) -> Service | None:
        info = AsyncServiceInfo(service_type, name)
        zeroconf = self._zeroconf.zeroconf
        if not info.load_from_cache(zeroconf) and self._asked < MAX_ASKED:
            self._asked += 1
            try:
                await info.async_request(zeroconf, RESOLVE_WITHIN)
            finally:
                self._asked -= 1
        return self._read(info)

    def _read(self, info: AsyncServiceInfo) -> Service | None:
        """What is known of a service, if that is enough."""
        info.load_from_cache(self._zeroconf.zeroconf)
        name, host = _short(info.type, info.name), _host(info.parsed_addresses())
        if host is None or not info.port:
            return None
        return Service(info.type, name, host, info.port)

    def _tell(self, service: Service) -> None:
        for listener in list(self._listeners):
            listener(service)


def _short(service_type: str, name: str) -> str:
    return name.removesuffix(f".{service_type}")


def _sayable(service_type: str, name: str) -> bool:
    """Whether a name is one to show. Not every name that comes can be asked about, either: zeroconf
    raises where it is too long once it is decoded."""
    short = _short(service_type, name)
    return short != name and _NAME.fullmatch(short) is not None and len(short.encode()) <= LONGEST


def _host(addresses: list[str]) -> str | None:
    """The IPv4 address, else an IPv6 one that is good outside one link; a link's own may be all
    that is told at first."""
    known = [ipaddress.ip_address(address) for address in addresses]
    usable = [address for address in known if address.version == 4 or not address.is_link_local]
    return str(min(usable, key=lambda address: address.version)) if usable else None
