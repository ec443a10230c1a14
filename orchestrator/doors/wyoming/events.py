"""Events of the Wyoming protocol as they come in, within bounds: the library reads as much as a
peer says it will send."""

import asyncio
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError
from wyoming.event import Event

from schemas.base import Value
from schemas.errors import HubError

MOST_LINE, MOST_DATA, MOST_PAYLOAD = 16 * 1024, 64 * 1024, 64 * 1024
"""Bytes of an event's first line, of its data, and of its payload (sound, which is not heard)."""
_object: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class Malformed(HubError):
    """It is no event of the Wyoming protocol, or too long for one that this hub understands."""

    code = "malformed"


class Header(Value):
    """An event's first line; what else stands there is not read."""

    model_config = {"extra": "ignore"}

    type: str = Field(max_length=64)
    data: dict[str, Any] = {}
    data_length: int = Field(0, ge=0, le=MOST_DATA)
    payload_length: int = Field(0, ge=0, le=MOST_PAYLOAD)


async def read(reader: asyncio.StreamReader) -> Event | None:
    """The next event without its payload; None at the end, Malformed where it is none."""
    try:
        line = await reader.readuntil(b"\n")
        header = Header.model_validate_json(line)
        rest = await reader.readexactly(header.data_length)
        data = header.data | (_object.validate_json(rest) if rest else {})
        await reader.readexactly(header.payload_length)
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as error:
        raise Malformed(f"a line has more than {MOST_LINE} bytes") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the event"
        raise Malformed(f"{where}: {first['msg']}") from error
    return Event(type=header.type, data=data)
