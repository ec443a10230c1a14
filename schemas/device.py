"""What a device is."""

from enum import StrEnum

from pydantic import Field

from schemas.base import Value


class Kind(StrEnum):
    """The kinds of devices functions name."""

    PHONE = "phone"
    PC = "pc"
    CAR = "car"
    HOME = "home"
    HUB = "hub"


class Device(Value):
    """One device and how to reach it; `address` is the protocol's own (host, port, topic …)."""

    id: str
    kind: Kind
    name: str
    protocol: str  # which adapter drives it: adb | homeassistant | hub | …
    address: dict[str, str] = {}
    aliases: tuple[str, ...] = ()
    room: str | None = None
    default: bool = False  # meant where several of its kind would do and none is said
    functions: tuple[str, ...] = ()  # what it can serve, as far as known
    lacking: dict[str, str] = {}  # why it does not serve a function, where it says so
    parts: tuple[str, ...] = ()  # names of a gateway's own entities
    at_once: int = Field(0, ge=0, le=64)  # calls it is given together; 0: as its protocol allows
    approved: bool = False
