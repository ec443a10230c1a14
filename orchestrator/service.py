"""Every operation a door offers, in one place: doors only carry them."""

import uuid
from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Any

from orchestrator import ledger, texts
from orchestrator.journal import Journal, JournalUnavailable
from orchestrator.managers import require
from orchestrator.operations import checked
from orchestrator.orders import UNDO
from orchestrator.pipeline import Pipeline
from orchestrator.registry import Registry
from orchestrator.standing import places
from schemas import requests as asked
from schemas.call import NamedCall
from schemas.command import Command
from schemas.device import Device
from schemas.errors import BadCommand, NotKnown
from schemas.event import Event
from schemas.execution import Execution
from schemas.requests import Request
from schemas.schedule import Schedule

Fields = Mapping[str, Any]
Work = Callable[[str, Fields], Awaitable[Any]]


_NOT_HERE = {
    "console/open": "no phone is a console: [[console]] in hub.toml names those that are",
}
"""What is said where no part of this hub does an operation."""


class Service:
    """Commands and requests of one user at a time; results are plain JSON values."""

    def __init__(
        self,
        pipeline: Pipeline,
        journal: Journal,
        registry: Registry,
        health: Callable[[], Fields],
        managers: Container[str] = (),
    ) -> None:
        self._pipeline = pipeline
        self._journal = journal
        self._registry = registry
        self._health = health
        self._managers = managers
        self._operations: dict[str, Callable[[str, Any], Awaitable[Any]]] = {
            "answer": self._answer,
            "cancel": self._cancel,
            "confirm": self._confirm,
            "question/list": self._questions,
            "schedule/cancel": self._cancel_schedule,
            "schedule/list": self._schedules,
            "execution/get": self._get,
            "execution/list": self._list,
            "function/list": self._functions,
            "device/list": self._devices,
            "device/approve": self._approve,
            "device/describe": self._describe,
            "device/rename": self._rename,
            "device/remove": self._remove,
            "health": self._healthy,
        }
        self._sending: dict[str, Callable[[Any, str, str], Awaitable[Any]]] = {
            "command": self._command,
            "call": self._call,
            "undo": self._undo,
            "plan": self._plan,
        }

    def offer(self, operation: str, work: Work) -> None:
        """Have another part do an operation, such as one that not every hub has; it gets the fields
        as they were checked."""
        self._operations[operation] = lambda user, request: work(user, request.model_dump())

    def on_devices(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the devices change."""
        self._registry.on_change(listener)

    def may_manage(self, user: str) -> bool:
        """Whether somebody may approve and change devices."""
        return user in self._managers

    async def untold(self) -> tuple[tuple[str, ...], int]:
        """Commands whose end may not have been told yet, and the last event by now."""
        return await self._journal.untold()

    async def told(self, last: int) -> None:
        """Everything that ended up to that event was told."""
        await self._journal.told(last)

    async def record(self, run: str) -> Execution | None:
        """One command's record, whoever's it is."""
        return await self._journal.get(run)

    def awaited(self, run: str) -> Event | None:
        """What was told of the question or confirmation that a command waits for."""
        return self._pipeline.awaited(run)

    async def submit(self, command: Command) -> dict[str, Any]:
        """Accept a command durably; one that is known already answers with its record."""
        if await self._pipeline.submit(command):
            return {"id": command.id, "state": "accepted"}
        execution = await self._journal.get(command.id)
        if execution is None:
            raise JournalUnavailable(texts.JOURNAL_SILENT)
        if execution.command.user != command.user:
            raise BadCommand(f"the id {command.id} belongs to another user's command")
        if (execution.command.text, execution.command.call) != (command.text, command.call):
            raise BadCommand(f"the id {command.id} was used for another command; take a new one")
        if execution.state in ledger.ENDED_RUN:
            return execution.plain()
        return {"id": command.id, "state": "accepted"}

    async def request(self, operation: str, user: str, said: Fields, *, door: str = "mqtt") -> Any:
        """Run one operation; UnknownOperation lists those there are, BadCommand names the field
        that is wrong. `door`: where it came in, and what it sends is answered."""
        request = checked(operation, said)
        if sending := self._sending.get(operation):
            return await sending(request, user, door)
        if work := self._operations.get(operation):
            return await work(user, request)
        raise BadCommand(_NOT_HERE.get(operation, f"this hub does no {operation}"))

    async def _command(self, sent: asked.SendRequest, user: str, door: str) -> Any:
        return await self.submit(_sent(sent, sent.text, user, door))

    async def _call(self, sent: asked.CallRequest, user: str, door: str) -> Any:
        call = NamedCall(function=sent.function, arguments=sent.arguments)
        return await self.submit(_sent(sent, call.spoken, user, door, call))

    async def _undo(self, sent: asked.Sending, user: str, door: str) -> Any:
        return await self.submit(_sent(sent, UNDO, user, door))

    async def _functions(self, _: str, __: Request) -> Any:
        return [function.model_dump(mode="json") for function in self._pipeline.functions]

    async def _cancel(self, user: str, request: asked.ExecutionRequest) -> Any:
        await self._pipeline.cancel(request.execution, user)
        return await self._get(user, request)

    async def _answer(self, user: str, request: asked.AnswerRequest) -> Any:
        await self._pipeline.answer(request.execution, request.text, user)
        return {"execution": request.execution, "answered": request.text}

    async def _questions(self, user: str, _: Request) -> Any:
        return [told.model_dump(mode="json") for told in self._pipeline.asked(user)]

    async def _plan(self, sent: asked.PlanRequest, user: str, door: str) -> Any:
        command = Command(id="plan", text=sent.text, user=user, door=door)
        return await self._pipeline.outline(command)

    async def _schedules(self, user: str, _: Request) -> Any:
        return [_planned(schedule) for schedule in await self._journal.schedules(user)]

    async def _cancel_schedule(self, user: str, request: asked.ScheduleRequest) -> Any:
        gone = await self._pipeline.cancel_schedule(request.schedule, user)
        if gone is None:
            raise NotKnown(f"no schedule {request.schedule!r} of yours is known, or it is over")
        return _planned(gone)

    async def _confirm(self, user: str, request: asked.ConfirmRequest) -> Any:
        await self._pipeline.confirm(request.execution, request.token, user, yes=request.answer)
        return {"execution": request.execution, "confirmed": request.answer}

    async def _get(self, user: str, request: asked.ExecutionRequest) -> Any:
        execution = await self._journal.get(request.execution)
        if execution is None or execution.command.user != user:
            raise NotKnown(f"no command {request.execution!r} of yours is known")
        told = self._pipeline.awaited(execution.command.id)
        if told is None:
            return execution.plain()
        awaiting = {"text": told.text, "token": told.token, "options": list(told.options)}
        return execution.plain() | {"awaiting": awaiting}

    async def _list(self, user: str, request: asked.ListRequest) -> Any:
        found = await self._journal.latest(
            request.limit, user, before=request.before or "", states=request.states
        )
        return [e.plain() for e in found]

    async def _devices(self, _: str, __: Request) -> Any:
        found = [*self._registry.approved, *self._registry.proposed]
        return [self._shown(device) for device in found]

    async def _approve(self, user: str, request: asked.DeviceRequest) -> Any:
        wanted = self._managed(user, request)
        device = await self._registry.approve(wanted)
        return await self._noted(device, "approved", user)

    async def _rename(self, user: str, request: asked.RenameRequest) -> Any:
        wanted = self._managed(user, request)
        device = self._registry.rename(wanted, request.name)
        return await self._noted(device, "renamed", user)

    async def _describe(self, user: str, request: asked.DescribeRequest) -> Any:
        wanted = self._managed(user, request)
        aliases, room, default = request.aliases, request.room, request.default
        device = self._registry.describe(wanted, aliases=aliases, room=room, default=default)
        if (aliases, room, default) == (None, None, None):
            return self._shown(device)
        return await self._noted(device, "described", user)

    async def _remove(self, user: str, request: asked.DeviceRequest) -> Any:
        device = await self._registry.remove(self._managed(user, request))
        return await self._noted(device, "removed", user)

    def _managed(self, user: str, request: asked.DeviceRequest) -> str:
        """The device that somebody wants to change who may."""
        require(self._managers, user, "change devices")
        return request.device

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


def _sent(
    sent: asked.Sending, text: str, user: str, door: str, call: NamedCall | None = None
) -> Command:
    """The command that a request is."""
    return Command(
        id=sent.id or uuid.uuid4().hex, text=text, user=user, door=door, devices=sent.devices,
        dry_run=sent.dry_run, expires=sent.expires, hold=sent.hold, call=call,
    )  # fmt: skip


def _planned(schedule: Schedule) -> dict[str, Any]:
    return schedule.model_dump(mode="json", exclude={"model_text"})
