"""What holds for every outcome, error and proposal."""

from __future__ import annotations

import asyncio
import unicodedata
from pathlib import Path

from device_adapters.base import Adapter
from device_adapters.driver import Driver, Site
from device_adapters.testing.bench import bare_site, functions
from schemas.call import Invocation
from schemas.device import Device
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)
from schemas.outcome import Done, Evidence

ERRORS = (DeviceUnavailable, DeviceUncertain, DeviceRefused, DeviceNeedsPerson)
"""Everything that an adapter may raise."""
_LONGEST = 1_000  # characters a person is shown
_LATE = 1.0  # seconds past its time that a call may end on a busy machine


async def tried(adapter: Adapter, call: Invocation, *, shown: bool = True) -> Done | HubError:
    """How a call ends, in its time; any error but `ERRORS` is the adapter's bug and goes on.
    `shown`: its words are for a person, so that they are one line."""
    try:
        async with asyncio.timeout(call.timeout + _LATE) as limit:
            outcome: Done | HubError = await adapter.call(call)
    except ERRORS as error:
        if shown:
            one_line(str(error))
        return error
    except TimeoutError as error:
        assert limit.expired(), f"{call.function} ends in TimeoutError, which is no hub's error"
        raise AssertionError(f"{call.function} ran past its {call.timeout:g} s") from error
    assert isinstance(outcome, Done), f"{call.function} gives {outcome!r}, not Done"
    return outcome


def done(outcome: Done) -> None:
    """A call that happened says so in one line, with what backs it."""
    assert isinstance(outcome.evidence, Evidence)
    one_line(outcome.detail)


def one_line(text: str) -> None:
    """A person is shown one line, not too long."""
    assert text, "there is nothing to show"
    odd = [c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert not odd, f"more than one line, or not to be shown: {text!r}"
    assert len(text) <= _LONGEST, f"too long to show: {text[:80]}…"


def proposed(device: Device, protocol: str) -> None:
    """A found device that may be shown to a person and stored."""
    assert isinstance(device, Device)
    assert device.protocol == protocol
    assert not device.approved, "only a person approves a device"
    assert 0 < len(device.id) <= 300
    assert 0 < len(device.name) <= 300
    for name in device.functions:
        assert device.kind in functions().get(name, ()), f"{name} is not for a {device.kind}"


def bare(folder: Path, driver: type[Driver]) -> Site:
    """A site without a broker, with the driver's own options."""
    return bare_site(folder, driver.options())
