"""The hub's own tools, beside those of its functions."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from orchestrator.doors.mcp import parameters, results
from orchestrator.doors.mcp.course import Course, confirmed, no_consent
from schemas.base import Value


class Nothing(Value):
    """No arguments."""


class Sentence(Value):
    """A sentence and where it is meant."""

    text: Annotated[str, Field(max_length=parameters.LONGEST, description="One sentence.")]
    device: str | None = Field(None, description="Only this device, by id or name.")


class Outlined(Value):
    """A sentence of which only the outcome is wanted that it would have."""

    text: Annotated[str, Field(max_length=parameters.LONGEST, description="One sentence.")]


class One(Value):
    """One command."""

    execution: str = Field(max_length=64, description="The command's id.")


class Some(Value):
    """One command, or the newest."""

    execution: str | None = Field(None, max_length=64, description="One command's id.")
    limit: int = Field(10, ge=1, le=50, description="How many of the newest, without an id.")


class Answer(One):
    """A command's question, answered."""

    text: str = Field(max_length=parameters.LONGEST, description="What the user answers.")


@dataclass(frozen=True)
class Own:
    """A tool of the hub's own."""

    does: str
    takes: type[Value]
    gives: type[Value]
    work: Callable[[Course, Any], Awaitable[Value]]
    reads: bool = False


async def _run(course: Course, asked: Sentence) -> Value:
    devices = [asked.device] if asked.device else []
    return await course.sent("command", text=no_consent(asked.text), devices=devices)


async def _plan(course: Course, asked: Outlined) -> Value:
    return results.plan(await course.hub.ask("plan", text=asked.text))


async def _devices(course: Course, _: Nothing) -> Value:
    return results.devices(await course.hub.ask("device/list"))


async def _executions(course: Course, asked: Some) -> Value:
    if asked.execution is not None:
        found = [await course.hub.ask("execution/get", execution=asked.execution)]
    else:
        found = await course.hub.ask("execution/list", limit=asked.limit)
    return results.Executions(executions=tuple([await course.told(one) for one in found]))


async def _answer(course: Course, asked: Answer) -> Value:
    await course.once("answer", execution=asked.execution, text=asked.text)
    return await course.seen(asked.execution)


async def _confirm(course: Course, asked: One) -> Value:
    return await confirmed(course, asked.execution)


async def _cancel(course: Course, asked: One) -> Value:
    return await course.told(await course.hub.ask("cancel", execution=asked.execution))


async def _undo(course: Course, _: Nothing) -> Value:
    return await course.sent("undo")


OWN: Mapping[str, Own] = {
    "run_sentence": Own(
        "Say one English sentence to the hub, as its user would, and wait for what comes of it. It"
        " may hold several calls, a time or a condition. A plain yes is refused: only a person"
        " confirms.", Sentence, results.Came, _run,
    ),
    "plan": Own(
        "Say what would come of a sentence; nothing is done.", Outlined, results.Planned, _plan,
        reads=True,
    ),
    "devices": Own("The devices that the user approved.", Nothing, results.Devices, _devices,
                   reads=True),
    "executions": Own("What came of one command, or of the newest.", Some, results.Executions,
                      _executions, reads=True),
    "answer": Own("Answer the question that a command waits with. No confirmation can be given.",
                  Answer, results.Came, _answer),
    "confirm": Own("Ask the person at the assistant for the yes that a command waits for.", One,
                   results.Came, _confirm),
    "cancel": Own("Stop a command that is under way or waits.", One, results.Came, _cancel),
    "undo": Own("Take back what the user's last command did.", Nothing, results.Came, _undo),
}  # fmt: skip
