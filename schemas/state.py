"""How a device is, and what a person must do about it."""

from enum import StrEnum

from schemas.base import Value


class DeviceState(StrEnum):
    """What the hub knows of a device; the last five of a phone."""

    FOUND = "found"  # nobody has approved it
    CONNECTING = "connecting"  # approved, not tried yet
    CONNECTED = "connected"
    BROKEN = "broken"  # what it or its adapter says is no answer
    NEEDS_PERSON = "needs-person"
    OFFLINE = "offline"  # it cannot be reached
    UNAUTHORIZED = "unauthorized"  # it asks its owner whether this hub may debug it
    NEEDS_PAIRING = "needs-pairing"  # it does not know this hub's key, and does not ask
    LOCKED = "locked"  # connected, but what needs its screen waits for its owner
    PERMISSION_MISSING = "permission-missing"  # connected, but its shell may not do everything


class Standing(Value):
    """A device's state, and the one thing to do; nothing where nothing is amiss."""

    state: DeviceState
    todo: str = ""
