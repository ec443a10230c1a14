"""Which part of a request stands where in HTTP: in the path, in the query, in the body."""

import functools
import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.requests import Request as HttpRequest

from orchestrator.doors.http.api.routes import Route
from orchestrator.operations import OPERATIONS, SENDING
from schemas.requests import Request

LONGEST_WAIT = 60
"""Seconds that a caller may wait for what comes of a command."""


@dataclass(frozen=True)
class Parts:
    """The fields in a route's path, and models of its query and its body, where it has one."""

    path: Mapping[str, Any]
    query: type[BaseModel]
    body: type[BaseModel] | None

    def signature(self) -> inspect.Signature:
        """A signature that FastAPI reads the parts from."""
        said: list[tuple[str, Any]] = [("request", HttpRequest)]
        said += [(name, Annotated[kind, Path()]) for name, kind in self.path.items()]
        if self.query.model_fields:
            said.append(("query", Annotated[self.query, Query()]))
        if self.body:
            optional = not any(field.is_required() for field in self.body.model_fields.values())
            kind = self.body | None if optional else self.body
            said.append(("body", Annotated[kind, Body()]))
        keyword = inspect.Parameter.KEYWORD_ONLY
        return inspect.Signature(
            [
                inspect.Parameter(
                    name, keyword, annotation=kind,
                    default=None if name == "body" and optional else inspect.Parameter.empty,
                )
                for name, kind in said
            ]
        )  # fmt: skip


@functools.cache
def parts(route: Route) -> Parts:
    """How an operation's request is spread over a route."""
    request = OPERATIONS[route.operation].request
    fields = request.model_fields
    inside = re.findall(r"{(\w+)", route.path)
    rest = [name for name in fields if name not in (*inside, *route.said)]
    name = "".join(word.title() for word in re.findall(r"[a-z]+", route.operation))
    path = {key: fields[key].annotation for key in inside}
    if route.method in ("GET", "DELETE"):
        return Parts(path, _part(request, rest, f"{name}Query", strict=False), None)
    query = Waiting if route.operation in SENDING and route.long else Nothing
    body = _part(request, rest, f"{name}Body", strict=True) if rest else None
    return Parts(path, query, body)


class Nothing(BaseModel):
    """No query."""


class Waiting(BaseModel):
    """How long the answer may wait for what comes of the command, in seconds."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    wait: float = Field(0, ge=0, le=LONGEST_WAIT)


def _part(
    request: type[Request], names: Iterable[str], title: str, *, strict: bool
) -> type[BaseModel]:
    """Some of a request's fields; what stands in a query is text and is read leniently."""
    fields: dict[str, Any] = {
        name: (request.model_fields[name].annotation, request.model_fields[name]) for name in names
    }
    made: type[BaseModel] = create_model(
        title, __doc__=request.__doc__, **fields,
        __config__=ConfigDict(extra="forbid", strict=strict, allow_inf_nan=False),
    )  # fmt: skip
    return made
