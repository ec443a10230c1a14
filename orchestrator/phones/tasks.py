"""What a person may have a phone do that no sentence asks for: look after it, and find it."""

import json
import logging
import uuid
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.journal import Journal
from orchestrator.managers import NotAllowed, require
from orchestrator.registry import Registry
from schemas.base import Scalar
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import HubError

log = logging.getLogger(__name__)

LONGEST = 4096
"""Characters of an argument."""


@dataclass(frozen=True)
class Task:
    """How one thing is done: seconds it may take, the arguments it needs, whether its result is
    JSON."""

    timeout: float
    arguments: frozenset[str] = frozenset()
    told_as_json: bool = False


TASKS: Mapping[str, Task] = {
    "take_screenshot": Task(15),
    "battery_status": Task(10, told_as_json=True),
    "storage_status": Task(10, told_as_json=True),
    "list_notifications": Task(10, told_as_json=True),
    "press_media_key": Task(10, frozenset({"action"})),
    "ring_phone": Task(10),
    "stop_ringing": Task(10),
    "pull_file": Task(60, frozenset({"path"})),
}
"""All that may be asked for here; of what a sentence may ask for, only a picture of the screen."""


class BadTask(HubError):
    """There is no such thing to do, or it cannot be done so."""

    code = "bad_request"


class WhichPhone(HubError):
    """It is not clear which phone is meant."""

    code = "which_device"


class PhoneTasks:
    """Has phones do the tasks, for those who may; the audit journal holds who asked which phone for
    what, and nothing of what it said. `denied` says why the policy denies a user one that the
    catalogue has too."""

    def __init__(
        self,
        registry: Registry,
        journal: Journal,
        managers: Container[str],
        denied: Callable[[str, str, Device], str],
    ) -> None:
        self._registry = registry
        self._journal = journal
        self._managers = managers
        self._denied = denied

    async def do(self, user: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do the task `do` with `arguments` on the phone `device`, or on the only one; what came of
        it as JSON."""
        require(self._managers, user, "manage phones")
        what, device = request.get("do"), request.get("device") or ""
        task = TASKS.get(what) if isinstance(what, str) else None
        if task is None or not isinstance(what, str):
            raise BadTask(f"no phone does {what!r} here; there are: {', '.join(sorted(TASKS))}")
        given = _checked(request.get("arguments"), task)
        phone = which(self._registry, str(device))
        if why := self._denied(user, what, phone):
            raise NotAllowed(why)
        await self._journal.note(phone.id, what, user)
        done = await self._registry.reach(
            phone.id,
            Invocation(
                function=what, arguments=given, key=uuid.uuid4().hex[:12], timeout=task.timeout
            ),
        )
        result = _read(done.result) if task.told_as_json else done.result
        return {
            "device": phone.name, "did": what, "result": result, "detail": done.detail,
            "evidence": done.evidence,
        }  # fmt: skip


def which(registry: Registry, wanted: str = "") -> Device:
    """The phone of this name or id; without one the only one that is connected, or the only one."""
    phones = [device for device in registry.approved if device.kind is Kind.PHONE]
    connected = [phone for phone in phones if registry.connected(phone.id)]
    found = called(phones, wanted) if wanted else connected or phones
    if len(found) == 1:
        return found[0]
    if not phones:
        raise WhichPhone("no phone is approved: `octopus devices` shows what was found")
    names = ", ".join(phone.name for phone in found or phones)
    raise WhichPhone(f"which phone: {names}?" if found else f"no phone is {wanted!r}: {names}")


def called(phones: Sequence[Device], wanted: str) -> list[Device]:
    """Those that are meant by an id, which no name stands in for, or by a name or an alias."""
    if exactly := [phone for phone in phones if phone.id == wanted]:
        return exactly
    return [phone for phone in phones if wanted.casefold() in _names(phone)]


def _names(device: Device) -> set[str]:
    return {name.casefold() for name in (device.name, *device.aliases)}


def _checked(arguments: Any, task: Task) -> dict[str, Scalar | None]:
    """The arguments, each a text; BadTask names what is wrong."""
    given = {} if arguments is None else arguments
    if not isinstance(given, dict):
        raise BadTask("arguments: an object is needed")
    if unknown := set(given) - task.arguments:
        raise BadTask(f"arguments: no {sorted(unknown)[0]!r} is taken")
    for name in sorted(task.arguments):
        value = given.get(name)
        if not isinstance(value, str) or not value or len(value) > LONGEST:
            raise BadTask(f"{name}: a text of at most {LONGEST} characters is needed")
        if "\0" in value:
            raise BadTask(f"{name}: a NUL character is in no text")
    return dict(given)


def _read(result: object) -> Any:
    """What a phone's recipe wrote as JSON."""
    try:
        return json.loads(str(result))
    except ValueError as error:
        raise HubError("what the phone said cannot be read") from error
