"""Every operation a door offers, in one place: doors only carry them."""

from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Any

from orchestrator import ledger, texts
from orchestrator.journal import Journal, JournalUnavailable
from orchestrator.managers import require
from orchestrator.pipeline import BadCommand, Pipeline
from orchestrator.registry import Registry
from orchestrator.standing import places
from schemas.command import Command
from schemas.device import Device
from schemas.errors import HubError
from schemas.execution import Execution
from schemas.schedule import Schedule

Request = Mapping[str, Any]
Work = Callable[[str, Request], Awaitable[Any]]
MAX_NAME, MAX_ALIASES = 60, 20


class UnknownOperation(HubError):
    """There is no such operation."""

    code = "unknown_operation"


class Service:
    """Commands and requests of one user at a time; results are plain JSON values."""

    def __init__(
        self,
        pipeline: Pipeline,
        journal: Journal,
        registry: Registry,
        health: Callable[[], Request],
        managers: Container[str] = (),
    ) -> None:
        self._pipeline = pipeline
        self._journal = journal
        self._registry = registry
        self._health = health
        self._managers = managers
        self._operations: dict[str, Work] = {
            "answer": self._answer,
            "cancel": self._cancel,
            "confirm": self._confirm,
            "console/open": self._no_console,
            "plan": self._plan,
            "question/list": self._questions,
            "schedule/cancel": self._cancel_schedule,
            "schedule/list": self._schedules,
            "execution/get": self._get,
            "execution/list": self._list,
            "device/list": self._devices,
            "device/approve": self._approve,
            "device/describe": self._describe,
            "device/rename": self._rename,
            "device/remove": self._remove,
            "health": self._healthy,
        }

    def offer(self, operation: str, work: Work) -> None:
        """Have another part do an operation, such as one that not every hub has."""
        self._operations[operation] = work

    def on_devices(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the devices change."""
        self._registry.on_change(listener)

    async def untold(self) -> tuple[tuple[str, ...], int]:
        """Commands whose end may not have been told yet, and the last event by now."""
        return await self._journal.untold()

    async def told(self, last: int) -> None:
        """Everything that ended up to that event was told."""
        await self._journal.told(last)

    async def record(self, run: str) -> Execution | None:
        """One command's record, whoever's it is."""
        return await self._journal.get(run)

    async def submit(self, command: Command) -> dict[str, Any]:
        """Accept a command durably; one that is known already answers with its record."""
        if await self._pipeline.submit(command):
            return {"id": command.id, "state": "accepted"}
        execution = await self._journal.get(command.id)
        if execution is None:
            raise JournalUnavailable(texts.JOURNAL_SILENT)
        if execution.command.user != command.user:
            raise BadCommand(f"the id {command.id} belongs to another user's command")
        if execution.command.text != command.text:
            raise BadCommand(f"the id {command.id} was used for another sentence; take a new one")
        if execution.state in ledger.ENDED_RUN:
            return execution.plain()
        return {"id": command.id, "state": "accepted"}

    async def request(self, operation: str, user: str, request: Request) -> Any:
        """Run one operation; UnknownOperation lists those there are."""
        work = self._operations.get(operation)
        if work is None:
            known = ", ".join(sorted(self._operations))
            raise UnknownOperation(f"no operation {operation!r}; there are: {known}")
        return await work(user, request)

    async def _cancel(self, user: str, request: Request) -> Any:
        await self._pipeline.cancel(_field(request, "execution"), user)
        return await self._get(user, request)

    async def _answer(self, user: str, request: Request) -> Any:
        run, text = _field(request, "execution"), _field(request, "text")
        await self._pipeline.answer(run, text, user)
        return {"execution": run, "answered": text}

    async def _questions(self, user: str, _: Request) -> Any:
        return [told.model_dump(mode="json") for told in self._pipeline.asked(user)]

    async def _no_console(self, _: str, __: Request) -> Any:
        raise BadCommand("no phone is a console: [[console]] in hub.toml names those that are")

    async def _plan(self, user: str, request: Request) -> Any:
        door = request.get("door", "mqtt")
        if not isinstance(door, str):
            raise BadCommand("door: a text is needed")
        command = Command(id="plan", text=_field(request, "text"), user=user, door=door)
        return await self._pipeline.outline(command)

    async def _schedules(self, user: str, _: Request) -> Any:
        return [_planned(schedule) for schedule in await self._journal.schedules(user)]

    async def _cancel_schedule(self, user: str, request: Request) -> Any:
        identity = _field(request, "schedule")
        gone = await self._pipeline.cancel_schedule(identity, user)
        if gone is None:
            raise BadCommand(f"no schedule {identity!r} of yours is known, or it is over")
        return _planned(gone)

    async def _confirm(self, user: str, request: Request) -> Any:
        yes = request.get("answer", True)
        if not isinstance(yes, bool):
            raise BadCommand("answer: true or false")
        run, token = _field(request, "execution"), _field(request, "token")
        await self._pipeline.confirm(run, token, user, yes=yes)
        return {"execution": run, "confirmed": yes}

    async def _get(self, user: str, request: Request) -> Any:
        execution = await self._journal.get(_field(request, "execution"))
        if execution is None or execution.command.user != user:
            raise BadCommand(f"no command {request['execution']!r} of yours is known")
        told = self._pipeline.awaited(execution.command.id)
        if told is None:
            return execution.plain()
        awaiting = {"text": told.text, "token": told.token, "options": list(told.options)}
        return execution.plain() | {"awaiting": awaiting}

    async def _list(self, user: str, request: Request) -> Any:
        limit = request.get("limit", 20)
        if not isinstance(limit, int) or not 1 <= limit <= 500:
            raise BadCommand("limit: a number from 1 to 500")
        return [e.plain() for e in await self._journal.latest(limit, user)]

    async def _devices(self, _: str, __: Request) -> Any:
        found = [*self._registry.approved, *self._registry.proposed]
        return [self._shown(device) for device in found]

    async def _approve(self, user: str, request: Request) -> Any:
        wanted = self._managed(user, request)
        device = await self._registry.approve(wanted)
        return await self._noted(device, "approved", user)

    async def _rename(self, user: str, request: Request) -> Any:
        wanted = self._managed(user, request)
        device = self._registry.rename(wanted, _word("name", _field(request, "name")))
        return await self._noted(device, "renamed", user)

    async def _describe(self, user: str, request: Request) -> Any:
        wanted = self._managed(user, request)
        aliases, room, default = (request.get(name) for name in ("aliases", "room", "default"))
        if aliases is not None:
            aliases = tuple(_word("aliases", alias) for alias in _listed(aliases))
        if room is not None:
            room = _word("room", room) if room != "" else ""
        if default is not None and not isinstance(default, bool):
            raise BadCommand("default: true or false")
        device = self._registry.describe(wanted, aliases=aliases, room=room, default=default)
        if (aliases, room, default) == (None, None, None):
            return self._shown(device)
        return await self._noted(device, "described", user)

    async def _remove(self, user: str, request: Request) -> Any:
        device = await self._registry.remove(self._managed(user, request))
        return await self._noted(device, "removed", user)

    def _managed(self, user: str, request: Request) -> str:
        """The device that somebody wants to change who may."""
        require(self._managers, user, "change devices")
        return _field(request, "device")

    async def _noted(self, device: Device, what: str, user: str) -> Any:
        """Keep in the audit journal who did what; the device as people see it."""
        await self._journal.note(device.id, what, user)
        return self._shown(device)

    def _shown(self, device: Device) -> dict[str, Any]:
        """A device as people see it: how it is, what to do about it, and where it was found."""
        standing = self._registry.standing(device)
        return device.model_dump(mode="json", exclude={"address"}) | {
            "connected": self._registry.connected(device.id),
            "problem": self._registry.problem(device.id),
            "state": str(standing.state),
            "todo": standing.todo,
            "ways": list(places(device)),
        }

    async def _healthy(self, _: str, __: Request) -> Any:
        return dict(self._health())


def _planned(schedule: Schedule) -> dict[str, Any]:
    return schedule.model_dump(mode="json", exclude={"model_text"})


def _field(request: Request, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadCommand(f"{name}: a text is needed")
    return value


def _word(name: str, value: object) -> str:
    """A name that people can read and say."""
    said = value.strip() if isinstance(value, str) else ""
    if not said or len(said) > MAX_NAME or not said.isprintable():
        raise BadCommand(f"{name}: 1 to {MAX_NAME} characters, all of them printable")
    return said


def _listed(value: object) -> list[object]:
    if not isinstance(value, list) or len(value) > MAX_ALIASES:
        raise BadCommand(f"aliases: a list of at most {MAX_ALIASES} names")
    return value
