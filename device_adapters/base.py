"""The seam between the hub and a device."""

from abc import ABC, abstractmethod

from schemas.call import Invocation, Restore
from schemas.outcome import Done


class Adapter(ABC):
    """One device's connection. Calls may overlap; an adapter orders what its device cannot overlap.

    Every method raises `DeviceUnavailable` (nothing was sent), `DeviceUncertain` (sent, outcome
    not known), `DeviceRefused` (the device said no) or `DeviceNeedsPerson`; anything else is a bug.
    """

    model: str | None = None
    """What the device calls itself, where it says so; known once connected."""

    @abstractmethod
    async def connect(self) -> frozenset[str]:
        """Connect, and say which functions of the catalogue the device serves now."""

    @abstractmethod
    async def call(self, invocation: Invocation) -> Done:
        """Run one call and look whether it happened; must end within `invocation.timeout`."""

    async def probe(self, invocation: Invocation) -> Done | None:
        """Say whether an earlier, identical call happened; None where it did not."""
        return None

    async def present(self, invocation: Invocation) -> Restore | None:
        """The call that would leave the device as it is now, for a call that is about to change it;
        None where the device does not tell. Changes nothing."""
        return None

    @abstractmethod
    async def close(self) -> None:
        """Let go of the device; safe to call twice and before `connect`."""
