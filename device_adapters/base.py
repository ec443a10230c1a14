"""The seam between the hub and a device."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from schemas.call import Invocation, Restore
from schemas.device import Device
from schemas.outcome import Done
from schemas.state import Standing


def _nobody() -> None:
    """Hears of nothing."""


class Adapter(ABC):
    """One device's connection. Calls may overlap; an adapter orders what its device cannot overlap.

    Every method raises `DeviceUnavailable` (nothing was sent), `DeviceUncertain` (sent, outcome
    not known), `DeviceRefused` (the device said no) or `DeviceNeedsPerson`; anything else is a bug.
    """

    model: str | None = None
    """What the device calls itself, where it says so; known once connected."""
    identity: str | None = None
    """What tells the device from every other one of its kind (a serial number), whatever its
    address; known once connected."""
    lacking: Mapping[str, str] = {}
    """Why it does not serve a function that others of its kind do, by the function, in one clause;
    known once connected."""
    notice: Standing | None = None
    """What is amiss with a device once it was connected; where its connection is gone, `connect` is
    called again."""

    noticed: Callable[[], None] = staticmethod(_nobody)
    """Set by whoever wants to hear of every change of `notice`."""

    @abstractmethod
    async def connect(self) -> frozenset[str]:
        """Connect, and say which functions of the catalogue the device serves now."""

    def moved(self, device: Device) -> bool:
        """Take the device's new address or name for the next time it is needed; False where a new
        adapter must."""
        return False

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
