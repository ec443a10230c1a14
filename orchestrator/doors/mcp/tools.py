"""The tools: one for each function of the catalogue, and the hub's own."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from mcp import MCPError
from mcp_types import INVALID_PARAMS, Tool, ToolAnnotations
from pydantic import ValidationError

from orchestrator.catalogue import IRRELEVANT
from orchestrator.doors.mcp import parameters, results
from orchestrator.doors.mcp.course import Course
from orchestrator.doors.mcp.own import OWN
from schemas.base import Value
from schemas.errors import BadCommand
from schemas.function import Function

Arguments = Mapping[str, Any]
_NO_TOOLS = {*OWN, IRRELEVANT}


async def listed(course: Course) -> list[Tool]:
    """Every tool; a function that is called as one of the hub's own is reached by a sentence."""
    told = await course.hub.ask("function/list")
    offered = [one for one in told if one["name"] not in _NO_TOOLS]
    return [*map(_own, OWN), *map(_of_function, map(_function, offered))]


async def call(course: Course, name: str, arguments: Arguments) -> Value:
    """What a tool gives; HubError where it cannot, MCPError where there is none."""
    if own := OWN.get(name):
        return await own.work(course, _taken(own.takes, arguments))
    told = await course.hub.ask("function/list")
    found = next((one for one in told if one["name"] == name), None)
    if found is None or name in _NO_TOOLS:
        raise MCPError(INVALID_PARAMS, f"no tool {name[:60]!r}")
    given = dict(arguments)
    device = given.pop(parameters.device_key(_function(found)), None)
    return await course.sent(
        "call", function=name, arguments=given, devices=[device] if device else []
    )


def _taken(kind: type[Value], arguments: Arguments) -> Value:
    try:
        return kind.model_validate(dict(arguments))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadCommand(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _function(told: Mapping[str, Any]) -> Function:
    return Function.model_validate(told, strict=False)


def _own(name: str) -> Tool:
    own = OWN[name]
    return Tool(
        name=name, description=own.does, input_schema=_schema(own.takes, "validation"),
        output_schema=_schema(own.gives, "serialization"),
        annotations=ToolAnnotations(read_only_hint=own.reads),
    )  # fmt: skip


def _of_function(function: Function) -> Tool:
    return Tool(
        name=function.name, description=parameters.description(function),
        input_schema=parameters.schema(function),
        output_schema=_schema(results.Came, "serialization"),
        annotations=ToolAnnotations(**parameters.hints(function)),
    )  # fmt: skip


@cache
def _schema(kind: type[Value], mode: Literal["validation", "serialization"]) -> dict[str, Any]:
    """A value's schema without what repeats its names: it stands at every tool."""
    plain: dict[str, Any] = _untitled(kind.model_json_schema(mode=mode))
    for one in (plain, *plain.get("$defs", {}).values()):
        one.pop("description", None)
    return plain


def _untitled(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_untitled(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _untitled(one)
        for key, one in schema.items()
        if key != "title" or not isinstance(one, str)
    }
