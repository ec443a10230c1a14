"""How one call of a tool goes: a command is sent and seen to its end, and a person is asked on the
way where there is one to ask."""

import contextlib
from typing import Any

from orchestrator.doors.mcp import results
from orchestrator.doors.mcp.hub import Hub, Record
from orchestrator.doors.mcp.person import YES, Person
from orchestrator.doors.mcp.results import Came
from orchestrator.questions import consent
from schemas.errors import BadCommand, HubError

ROUNDS = 5
"""Times that a person is asked in one call."""
CONFIRM = (
    "A person has to say yes within a minute, on the hub's page or where it runs:"
    " `octopus executions show {id}` says with what. You cannot."
)
ANSWER = "Ask the user, and pass the answer on with the tool `answer`; or `cancel`."


class NotForModels(HubError):
    """Only a person confirms."""

    code = "not_for_models"


class Course:
    """One call's way through one user's hub; `resumed`: the command that an earlier round sent.
    `confirms`: whether the assistant's dialogue may ask for a yes."""

    def __init__(
        self, hub: Hub, person: Person, *, resumed: str | None = None, confirms: bool = True
    ) -> None:
        self.hub = hub
        self._person = person
        self.resumed = resumed
        self._confirms = confirms
        self._names: dict[str, str] | None = None

    async def once(self, operation: str, **fields: Any) -> Any:
        """Run an operation of the hub in the call's first round; None in a later one."""
        return await self.hub.ask(operation, **fields) if self.resumed is None else None

    async def sent(self, operation: str, **fields: Any) -> Came:
        """What comes of a command."""
        told = await self.once(operation, **fields)
        return await self.seen(self.resumed or told["id"])

    async def seen(self, execution: str) -> Came:
        """What comes of a command that was sent, and of what it asks on the way."""
        record = await self.hub.settled(execution)
        for _ in range(ROUNDS):
            if "awaiting" not in record or not self._may_ask(record):
                break
            said = await self._person.asked(self.hub, record)
            if said is None:
                record = await self.hub.ask("execution/get", execution=execution)
                break
            with contextlib.suppress(HubError):  # it was answered elsewhere, or that is no answer
                await self._give(record, said)
            record = await self.hub.settled(execution)
        return await self.told(record)

    async def told(self, record: Record) -> Came:
        """A record as a foreign model reads it: of an answer, what came of the answered."""
        if record["decision"] == "answer" and (other := _answered(record)):
            with contextlib.suppress(HubError):
                record = await self.hub.ask("execution/get", execution=other)
        if self._names is None:
            self._names = {one["id"]: one["name"] for one in await self.hub.ask("device/list")}
        awaiting = record.get("awaiting") or {}
        todo = CONFIRM.format(id=record["id"]) if awaiting.get("token") else ANSWER
        return results.came(record, self._names, todo)

    def _may_ask(self, record: Record) -> bool:
        return self._confirms or not record["awaiting"]["token"]

    async def _give(self, record: Record, said: str) -> None:
        execution, token = record["id"], record["awaiting"]["token"]
        if token:
            await self.hub.ask("confirm", execution=execution, token=token, answer=said == YES)
        else:
            await self.hub.ask("answer", execution=execution, text=said)


async def confirmed(course: Course, execution: str) -> Came:
    """Have the person at the assistant say yes or no; BadCommand where nothing waits for it."""
    record = await course.hub.ask("execution/get", execution=execution)
    if course.resumed is None and not record.get("awaiting", {}).get("token"):
        raise BadCommand(
            f"command {record['id']} waits for no confirmation: it is {record['state']}"
        )
    return await course.seen(record["id"])


def no_consent(text: str) -> str:
    """The sentence, unless it is a plain yes, which would confirm what waits; NotForModels then."""
    agreed = consent(text)
    if agreed is not None and not agreed.no:
        raise NotForModels("a plain yes is refused: only a person confirms, by the tool `confirm`")
    return text


def _answered(record: Record) -> str:
    """The command that a sentence answered."""
    first, _, other = record["reason"].partition(" ")
    return other if first == "answers" else ""
