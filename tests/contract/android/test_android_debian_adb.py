"""The simulated phone satisfies Google's own adb client, as Debian ships it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device_adapters.simulated.phone import SimulatedPhone, Trust
from tests.contract.android.adb_kit import Adb, check_everyday_use, started

PROGRAM = shutil.which("adb")

needs_adb = pytest.mark.skipif(PROGRAM is None, reason="adb is not installed")


@pytest.fixture
async def adb(tmp_path: Path) -> AsyncIterator[Adb]:
    """Debian's adb."""
    assert PROGRAM
    async with started(PROGRAM, tmp_path) as running:
        yield running


@needs_adb
@pytest.mark.parametrize("trust", [Trust.NONE, Trust.ACCEPT])
async def test_debians_adb(phone: SimulatedPhone, adb: Adb, tmp_path: Path, trust: Trust) -> None:
    phone.keys.trust = trust
    serial = f"127.0.0.1:{phone.port}"
    await adb("connect", serial)
    assert (await adb("-s", serial, "wait-for-device")) == (0, "")
    await check_everyday_use(adb, serial, phone, tmp_path)
