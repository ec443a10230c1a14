"""A site of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device_adapters.simulated.weather import SimulatedWeb
from tests.e2e.daemon import Site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with SimulatedWeb() as web:
        made = Site(tmp_path, web)
        yield made
        await made.clean_up()
