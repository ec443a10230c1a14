"""Where each operation of the hub is, and what it answers: the one table of the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.conversation import Heard
from orchestrator.doors.http.api import shapes
from schemas.event import Event
from schemas.function import Function

AT = "/api/v1"


@dataclass(frozen=True)
class Route:
    """One operation's method and path; a field of its request that stands in the path is no part of
    the body. `said`: what the path itself says; `long`: it may take seconds, and gives way when the
    hub stops."""

    operation: str
    method: str
    path: str
    answers: Any
    said: Mapping[str, Any] = field(default_factory=dict, hash=False)
    long: bool = False


_RUN, _SCHEDULE = "/executions/{execution}", "/schedules/{schedule}"
_DEVICE = "/devices/{device:path}"  # an id may hold a slash
_PAIRING = "/pairings/{work}"

ROUTES: Sequence[Route] = (
    Route("command", "POST", "/commands", Heard, long=True),
    Route("call", "POST", "/calls", Heard, long=True),
    Route("undo", "POST", "/undo", Heard, long=True),
    Route("plan", "POST", "/plan", shapes.Outline),
    Route("execution/list", "GET", "/executions", list[shapes.Record]),
    Route("execution/get", "GET", _RUN, shapes.Record),
    Route("cancel", "POST", f"{_RUN}/cancel", shapes.Record),
    Route("confirm", "POST", f"{_RUN}/confirm", shapes.Confirmed),
    Route("answer", "POST", f"{_RUN}/answer", shapes.Answered),
    Route("question/list", "GET", "/questions", list[Event]),
    Route("schedule/list", "GET", "/schedules", shapes.SCHEDULES),
    Route("schedule/cancel", "DELETE", _SCHEDULE, shapes.ScheduleShown),
    Route("function/list", "GET", "/functions", list[Function]),
    Route("device/list", "GET", "/devices", shapes.DEVICES),
    Route("device/describe", "PATCH", _DEVICE, shapes.DeviceShown),
    Route("device/rename", "PUT", f"{_DEVICE}/name", shapes.DeviceShown),
    Route("device/approve", "POST", f"{_DEVICE}/approve", shapes.DeviceShown),
    Route("device/remove", "DELETE", _DEVICE, shapes.DeviceShown),
    Route("device/do", "POST", "/tasks", shapes.Open, long=True),
    Route("device/pair", "POST", "/pairings", shapes.Begun),
    Route("device/pair/news", "GET", _PAIRING, shapes.News, {"stop": False}, long=True),
    Route("device/pair/news", "DELETE", _PAIRING, shapes.News, {"stop": True}, long=True),
    Route("discover", "POST", "/discover", shapes.Open, long=True),
    Route("console/open", "POST", "/consoles/open", shapes.Open, long=True),
    Route("health", "GET", "/health", shapes.Open),
)
