"""What may be asked of the hub, field by field: the same by every door."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from schemas.base import Scalar, Value
from schemas.execution import RunState

MAX_NAME, MAX_ALIASES = 60, 20
_NEVER = 1 << 60


def _name(said: object) -> object:
    """A name that people can read and say."""
    name = said.strip() if isinstance(said, str) else ""
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(f"1 to {MAX_NAME} characters, all of them printable")
    return name


def _names(said: object) -> object:
    if not isinstance(said, list | tuple) or len(said) > MAX_ALIASES:
        raise ValueError(f"a list of at most {MAX_ALIASES} names")
    return tuple(map(_name, said))


def _plain_id(said: str) -> str:
    allowed = {"_", ".", ":", "-"}
    if not 1 <= len(said) <= 64 or not all(c.isalnum() or c in allowed for c in said):
        raise ValueError("1 to 64 letters, digits, '.', ':', '-' or '_'")
    return said


Words = Annotated[str, Field(pattern=r"\S")]
"""A text that says something."""
Name = Annotated[str, BeforeValidator(_name)]
Room = Annotated[str, BeforeValidator(lambda said: said if said == "" else _name(said))]
Identity = Annotated[str, AfterValidator(_plain_id)]
Devices = Annotated[tuple[str, ...], Field(strict=False, max_length=50)]
States = Annotated[
    tuple[Annotated[RunState, Field(strict=False)], ...], Field(strict=False, max_length=20)
]
"""Where commands stand; empty: anywhere."""
Moment = Annotated[
    float,
    BeforeValidator(lambda said: min(said, _NEVER) if type(said) is int else said),
    Field(allow_inf_nan=False),
]
"""Seconds since the epoch."""


class Request(Value):
    """What an operation is asked with; this one with nothing."""

    model_config = ConfigDict(allow_inf_nan=False)  # JSON has no such numbers


class Sending(Request):
    """What may be said of a command however it is put."""

    id: Identity | None = None
    """Sent again with the same id it is the same command; without one the hub makes one."""
    devices: Devices = ()
    """Only these devices, by id or name; empty: any."""
    dry_run: bool = False
    expires: Moment | None = None
    hold: Moment | None = None
    """Until then its calls wait for a device that is away."""


class SendRequest(Sending):
    """One sentence."""

    text: str


class CallRequest(Sending):
    """One function of the catalogue by its name, without the model."""

    function: Words
    arguments: dict[str, Scalar | None] = {}


class ExecutionRequest(Request):
    """One command of the user's, by its id."""

    execution: Words


class ConfirmRequest(ExecutionRequest):
    """Yes or no to the one confirmation that `token` stands for."""

    token: Words
    answer: bool = True


class AnswerRequest(ExecutionRequest):
    """What the hub asked about a command, answered."""

    text: Words


class PlanRequest(Request):
    """A sentence of which only the outcome is wanted that it would have."""

    text: Words


class ListRequest(Request):
    """The newest so many; of those `before` a command, by its id, and in these states."""

    limit: Annotated[int, Field(ge=1, le=500)] = 20
    before: Identity | None = None
    states: States = ()


class ScheduleRequest(Request):
    """One schedule of the user's, by its id."""

    schedule: Words


class DeviceRequest(Request):
    """One device, by its id or name."""

    device: Words


class RenameRequest(DeviceRequest):
    """A device's new name."""

    name: Name


class DescribeRequest(DeviceRequest):
    """What is said of a device; what is left out stays as it is."""

    aliases: Annotated[tuple[str, ...], BeforeValidator(_names)] | None = None
    room: Room | None = None
    default: bool | None = None


class DoRequest(Request):
    """Something that a phone does and no sentence asks for."""

    do: Words
    device: str = ""
    """Its id or name; the only phone where none is named."""
    arguments: dict[str, str] = {}


class PairRequest(Request):
    """How a phone and the hub are made known to each other: `by` qr, code, tcp or usb."""

    by: Words
    name: str = ""
    password: str = ""
    code: str = ""
    host: str = ""
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    tcpip: bool = False
    keep: bool = False


class NewsRequest(Request):
    """What was said since of work that takes a while; `after` so many lines."""

    work: Words
    after: Annotated[int, Field(ge=0)] = 0
    stop: bool = False


class ConsoleRequest(Request):
    """One of the user's consoles; the only one where none is named."""

    device: str = ""
