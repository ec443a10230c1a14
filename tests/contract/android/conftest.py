"""A simulated phone and the adapter that drives it, over real TCP and real adb-shell."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device_adapters.android import AndroidAdapter
from device_adapters.simulated.phone import SimulatedPhone
from schemas.base import Scalar
from schemas.outcome import Done
from tests.contract.android.android_kit import Call, adapter_for, invocation

NOON = datetime(2025, 12, 22, 12, 0, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One key for all tests: making one takes a while."""
    return tmp_path_factory.mktemp("keys") / "adbkey"


@pytest.fixture
async def phone() -> AsyncIterator[SimulatedPhone]:
    """A phone whose clock stands still at noon."""
    async with SimulatedPhone() as running:
        running.state.clock = lambda: NOON
        yield running


@pytest.fixture
async def adapter(phone: SimulatedPhone, key: Path) -> AsyncIterator[AndroidAdapter]:
    """An adapter for the phone."""
    made = adapter_for(phone, key)
    yield made
    await made.close()


@pytest.fixture
def call(adapter: AndroidAdapter) -> Call:
    """Call a function by name."""

    async def run(function: str, **arguments: Scalar | None) -> Done:
        return await adapter.call(invocation(function, **arguments))

    return run
