"""Which services announce themselves by mDNS, and where; zeroconf's only door."""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import ifaddr
from zeroconf import (  # type: ignore[attr-defined]
    DNSPointer,
    DNSQuestionType,
    DNSService,
    InterfaceChoice,
    IPVersion,
    RecordUpdate,
    ServiceInfo,
    ServiceStateChange,
    Zeroconf,
    current_time_millis,
)
from zeroconf import Error as ZeroconfError
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from device_adapters.beat import beat
from device_adapters.driver import Service
from orchestrator.discovery.sayable import LONGEST, host, properties, sayable, short
from orchestrator.quota import Quota

log = logging.getLogger(__name__)

RESOLVE_WITHIN = 3_000
"""Milliseconds to ask for a service's address, where its announcement did not hold it."""
SETTLE = 0.1
"""Seconds to wait for the rest of what a service says: it comes in several packets."""
MAX_HEEDED, MAX_ASKED = 300, 50
"""Services that are heeded, and that are asked for their address at once; a flood ends here."""
MAX_FORGOTTEN = 5_000
"""Names whose questions zeroconf may go on planning although they are cancelled."""
LOOK_EVERY = 10.0
"""Seconds between two looks at this machine's network interfaces, which come and go."""
_PTR, _IN = 12, 1  # RFC 1035

Listener = Callable[[Service], None]
_Id = tuple[str, str]
"""A service's type and its whole name."""


class Announced:
    """The services of some types on the network, told to listeners while the block lasts.

    mDNS says what exists; whether it is reachable, only a connection says.
    """

    def __init__(self, types: tuple[str, ...], *, loopback_only: bool) -> None:
        self._types = types
        self._loopback_only = loopback_only
        self._own: list[ServiceInfo] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._heeded: Quota[_Id] = Quota(MAX_HEEDED)
        self._pending: dict[_Id, asyncio.Task[None]] = {}
        self._again: set[_Id] = set()
        self._asked = self._forgotten = 0
        self._listeners: list[Listener] = []

    async def __aenter__(self) -> Self:
        everywhere = ["127.0.0.1"] if self._loopback_only else InterfaceChoice.All
        self._zeroconf = AsyncZeroconf(interfaces=everywhere, ip_version=IPVersion.V4Only)
        self._spawn(self._keep_up(), "network interfaces")
        self._browser = self._browsing()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in (left := [*self._tasks, *self._pending.values()]):
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._browser.async_cancel()
        await self._zeroconf.async_close()

    def _browsing(self) -> AsyncServiceBrowser:
        return AsyncServiceBrowser(
            self._zeroconf.zeroconf, list(self._types), handlers=[self._changed],
            # An answer to this machine alone goes to any program that listens there, as Avahi does.
            question_type=DNSQuestionType.QM,
        )  # fmt: skip

    async def ask(self) -> None:
        """Ask the network anew; what is there is told to listeners once more."""
        self._forgotten = 0
        await self._browser.async_cancel()
        self._browser = self._browsing()

    @property
    def turned_away(self) -> int:
        """How many announcements were of services beyond MAX_HEEDED."""
        return self._heeded.turned_away

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

    def announce(self, service_type: str, name: str, port: int, said: Mapping[str, str]) -> None:
        """Announce a service of this machine's own until the block ends; where somebody else has
        its name, it gets a number behind it."""
        machine = socket.gethostname().partition(".")[0]
        info = ServiceInfo(
            service_type, f"{name}.{service_type}", port=port, properties=dict(said),
            server=f"{name}-{machine}"[:LONGEST] + ".local.", parsed_addresses=self._addresses(),
        )  # fmt: skip
        self._spawn(self._announce(info), f"announcing {name}")

    async def _announce(self, info: ServiceInfo) -> None:
        try:
            said = await self._zeroconf.async_register_service(info, allow_name_change=True)
            self._own.append(info)
            await said
        except (OSError, ZeroconfError) as error:
            log.warning("this hub cannot be announced on the network: %r", error)

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
        names = sorted(name for kind, name in self._heeded if kind == service_type)
        found = (self._read(AsyncServiceInfo(service_type, name)) for name in names)
        return [service for service in found if service is not None]

    async def _keep_up(self) -> None:
        """Listen on interfaces that come, say where this machine's services are now, and forget
        what nobody heeds."""
        before = self._addresses()
        while True:
            await beat(LOOK_EVERY)
            await self._sweep()
            now = await asyncio.to_thread(self._addresses)
            if now == before:
                continue
            try:
                if not self._loopback_only:
                    await self._zeroconf.zeroconf.async_update_interfaces()
                for info in self._own:
                    info.addresses = [ipaddress.ip_address(a).packed for a in now]
                    await (await self._zeroconf.async_update_service(info))
                before = now
            except (OSError, ZeroconfError) as error:  # it goes again while it is looked at
                log.info("the network changed and cannot be used yet: %r", error)

    async def _sweep(self) -> None:
        """zeroconf keeps whatever anybody says, for as long as they say."""
        if self._forgotten > MAX_FORGOTTEN:
            await self.ask()
        cache = self._zeroconf.zeroconf.cache
        kept = {*self._types, *(name.lower() for _, name in self._heeded)}
        said = [record for name in kept for record in cache.async_entries_with_name(name)]
        kept |= {record.server_key for record in said if isinstance(record, DNSService)}
        for name in set(cache.names()) - kept:
            cache.async_remove_records(cache.async_entries_with_name(name))

    def _addresses(self) -> list[str]:
        """This machine's IPv4 addresses."""
        if self._loopback_only:
            return ["127.0.0.1"]
        known = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
        there = sorted(str(ip) for ip in known)
        return [ip for ip in there if not ipaddress.ip_address(ip).is_loopback] or there

    def _changed(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        service = (service_type, name)
        if state_change is ServiceStateChange.Removed:
            if self._heeded.leave(service):
                self._gone(service)
        elif not (sayable(service_type, name) and self._heeds(service)):
            self._forget(service)
        elif service in self._pending:
            self._again.add(service)
        else:
            task = asyncio.create_task(self._settle(service))
            self._pending[service] = task
            task.add_done_callback(lambda done: self._settled(service, done))

    def _heeds(self, service: _Id) -> bool:
        entered = self._heeded.enter(service, asyncio.get_running_loop().time())
        if entered.gone is not None:
            self._gone(entered.gone)
            self._forget(entered.gone)
        return entered.there

    def _gone(self, service: _Id) -> None:
        if service in self._pending:
            self._pending.pop(service).cancel()
        self._tell(Service(service[0], short(*service)))

    def _forget(self, service: _Id) -> None:
        """zeroconf lists what it knows in each question and asks for it again and again: with a
        name that nobody can say, it could ask no more."""
        pointer = DNSPointer(service[0], _PTR, _IN, 0, service[1])
        cache = self._zeroconf.zeroconf.cache
        known = cache.async_get_unique(pointer)
        said = cache.async_entries_with_name(service[1])
        cache.async_remove_records([*said, known] if known is not None else said)
        self._forgotten += 1
        asyncio.get_running_loop().call_soon(self._ask_no_more, pointer)

    def _ask_no_more(self, pointer: DNSPointer) -> None:
        """Have the browser hear a goodbye."""
        now = current_time_millis()
        self._browser.async_update_records(
            self._zeroconf.zeroconf, now, [RecordUpdate(pointer, pointer)]
        )
        self._browser.async_update_records_complete()

    def _settled(self, service: _Id, done: asyncio.Task[None]) -> None:
        if self._pending.get(service) is done:
            del self._pending[service]

    async def _settle(self, service: _Id) -> None:
        """Learn where a service is, and once more if it says something new meanwhile."""
        self._again.add(service)
        while service in self._again:
            await asyncio.sleep(SETTLE)
            self._again.discard(service)
            told = await self._resolved(*service)
            if told is not None:
                self._tell(told)

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
        name, where = short(info.type, info.name), host(info.parsed_addresses())
        if where is None or not info.port:
            return None
        return Service(info.type, name, where, info.port, properties(info.decoded_properties))

    def _tell(self, service: Service) -> None:
        for listener in list(self._listeners):
            listener(service)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
