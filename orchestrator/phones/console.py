"""A phone as the hub's console: it reaches the hub's page, and is told what waits for its user.

The hub's page is forwarded to a port of the phone's own loopback, which every app on the phone can
reach. So nothing there is shown without a cookie, the cookie comes by a link that is good once, and
the link is in a notification of the phone's own.
"""

import asyncio
import logging
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol, Self, runtime_checkable
from urllib.parse import quote

from orchestrator import texts
from orchestrator.bus import Bus
from orchestrator.doors.http.page.visits import Visits
from orchestrator.journal import Journal
from orchestrator.phones.tasks import called
from orchestrator.registry import Registry
from orchestrator.service import Fields, Service
from orchestrator.settings import ConsoleSettings
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import BadCommand, DeviceRefused, DeviceUnavailable, HubError
from schemas.event import Event
from schemas.execution import RunState

log = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two looks whether a phone that is connected still reaches the page."""
WITHIN = 10.0
"""Seconds that a phone has to show a notification."""
GOODBYE_WITHIN = 3.0
NO_PHONE = "no phone that is approved, or more than one, is called {}"
MOST = 200
"""Characters of a question that a notification shows."""


@runtime_checkable
class Forwarding(Protocol):
    """An adapter whose device can be given a way back to the hub."""

    async def forward_back(self, remote: int, local: int) -> bool:
        """Let the device reach the hub's loopback port `local` at its own `remote`; whether it
        could not before."""


class Console:
    """Keeps one phone a console; `local` is the hub's port that is the page's for this phone."""

    def __init__(
        self,
        settings: ConsoleSettings,
        local: int,
        *,
        service: Service,
        registry: Registry,
        visits: Visits,
    ) -> None:
        self.user, self.name = settings.user, settings.device
        self._settings = settings
        self._local = local
        self._service = service
        self._registry = registry
        self._visits = visits
        self._shown: dict[str, Event | None] = {}
        self._problem = ""
        self._due = 0.0
        self._turn = asyncio.Lock()

    @property
    def phone(self) -> Device | None:
        """The phone, once it is approved, and while no other one goes by its name."""
        phones = [device for device in self._registry.approved if device.kind is Kind.PHONE]
        found = called(phones, self.name)
        return found[0] if len(found) == 1 else None

    async def look(self) -> None:
        """Bring the phone's notifications in line with what waits, once the phone is there."""
        async with self._turn:
            phone = self.phone
            if phone is None:
                self._visits.end_way(self.name)  # the one that was it may still lead here
                self._shown.clear()
                self._note(NO_PHONE.format(self.name))
            elif self._registry.connected(phone.id):  # connecting is the registry's
                await self._update(phone, await self._waiting())

    async def invite(self) -> Device:
        """Show a notification that opens the page; HubError where the phone cannot."""
        phone = self.phone
        if phone is None:
            raise DeviceUnavailable(NO_PHONE.format(self.name))
        async with self._turn:
            await self._forward(phone)
            await self._post(phone, "page", texts.CONSOLE_OPEN, "")
        return phone

    async def leave(self) -> None:
        """Say of every question that is shown that the hub asks no more."""
        phone = self.phone
        if phone is not None and self._registry.connected(phone.id):
            with suppress(HubError):
                for run in self._shown:
                    await self._post(phone, run, texts.CONSOLE_STOPPED, run)

    async def _update(self, phone: Device, waiting: dict[str, Event]) -> None:
        now = asyncio.get_running_loop().time()
        if self._shown == waiting and now < self._due:
            return
        self._due = now + EVERY
        try:
            await self._forward(phone)
            for run, told in waiting.items():
                if self._shown.get(run) != told:
                    await self._post(phone, run, self._words(told), run)
                    self._shown[run] = told
            for run in [run for run in self._shown if run not in waiting]:
                await self._post(phone, run, await self._end(run), run)
                del self._shown[run]
        except HubError as error:
            self._note(str(error))
        else:
            self._note("")

    async def _forward(self, phone: Device) -> None:
        """Have the phone reach the page. Where it did not, somebody else may have had its port, and
        been sent the cookies of the page: they are good no more, and links are made anew."""
        await self._registry.connect(phone.id)
        adapter = await self._registry.connections.adapter(phone.id)
        if not isinstance(adapter, Forwarding):
            raise DeviceRefused(f"{phone.name} cannot be given a way to the hub's page")
        if await adapter.forward_back(self._settings.port, self._local):
            self._visits.end_way(self.name)
            self._shown = dict.fromkeys(self._shown)
            log.info("%s is a console", phone.name)

    async def _post(self, phone: Device, tag: str, text: str, run: str) -> None:
        """Show a notification; one for each command, a newer one takes the older one's place."""
        path, secret = self._visits.link(self.user, self.name)
        url = f"http://127.0.0.1:{self._settings.port}/at/{path}/in/{secret}"
        arguments = {
            "tag": tag, "title": texts.CONSOLE, "text": text,
            "url": f"{url}?run={quote(run)}" if run else url,
        }  # fmt: skip
        asking = Invocation(
            function="ask_person", arguments=dict(arguments), key=uuid.uuid4().hex[:12],
            timeout=WITHIN,
        )  # fmt: skip
        try:
            await self._registry.reach(phone.id, asking)
        except (DeviceRefused, DeviceUnavailable):
            self._visits.end(path)  # nobody sees the link, unless in what the phone said
            raise

    async def _waiting(self) -> dict[str, Event]:
        asked = await self._service.request("question/list", self.user, {})
        told = [Event.model_validate(one, strict=False) for one in asked]
        return {one.id: one for one in told}

    def _words(self, told: Event) -> str:
        """What the lock screen may say."""
        if not self._settings.private:
            return told.text if len(told.text) <= MOST else f"{told.text[:MOST]} …"
        confirming = told.state == RunState.AWAITING_CONFIRMATION
        return texts.CONSOLE_CONFIRM if confirming else texts.CONSOLE_ASK

    async def _end(self, run: str) -> str:
        record = await self._service.record(run)
        nobody = record is not None and record.state is RunState.EXPIRED
        return texts.CONSOLE_EXPIRED if nobody else texts.CONSOLE_ANSWERED

    def _note(self, problem: str) -> None:
        """Log what keeps the phone from being a console, once."""
        if problem and problem != self._problem:
            log.info("console %s: %s", self.name, problem)
        self._problem = problem


class Consoles:
    """All of them, while the block lasts; each is looked at when something happens, and now and
    then."""

    def __init__(
        self,
        consoles: Sequence[Console],
        registry: Registry,
        bus: Bus,
        journal: Journal,
    ) -> None:
        self._consoles = consoles
        self._bus = bus
        self._journal = journal
        self._news = {one: asyncio.Event() for one in consoles}
        registry.on_change(self._tell)

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._listen(), name="consoles: events"),
            *(asyncio.create_task(self._keep(one), name="console") for one in self._consoles),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_WITHIN):
                await asyncio.gather(*(one.leave() for one in self._consoles))

    async def open(self, user: str, request: Fields) -> Any:
        """Show a notification that opens the page, on the user's console."""
        wanted = str(request.get("device") or "")
        mine = [one for one in self._consoles if one.user == user]
        found = [one for one in mine if not wanted or _is(one, wanted)]
        if len(found) != 1:
            names = ", ".join(one.name for one in found or mine) or "none"
            raise BadCommand(f"device: which of your consoles? there are: {names}")
        phone = await found[0].invite()
        await self._journal.note(phone.id, "console_open", user)
        return {"device": phone.name}

    async def _listen(self) -> None:
        users = {one.user for one in self._consoles}
        with self._bus.subscribe() as events:
            async for event in events:
                if event.user in users and event.step is None:
                    self._tell()

    def _tell(self) -> None:
        for news in self._news.values():
            news.set()

    async def _keep(self, console: Console) -> None:
        news = self._news[console]
        while True:
            news.clear()
            try:
                await console.look()
            except Exception:
                log.exception("the console %s broke", console.name)
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await news.wait()


def _is(console: Console, wanted: str) -> bool:
    phone = console.phone
    return console.name == wanted or (phone is not None and called([phone], wanted) != [])
