"""A simulated phone and the adapter that drives it, over real TCP and real adb-shell.

`--serial` puts a phone of yours in its place, for the tests that any phone can pass
(docs/howto/real-phone-suite.md).
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device_adapters.adb import keys
from device_adapters.adb.server import AdbServer
from device_adapters.android import AndroidAdapter
from device_adapters.simulated.phone import SimulatedPhone
from schemas.base import Scalar
from schemas.outcome import Done
from tests.contract.android.android_kit import ADB_SERVER, ADB_SHELL, Call, adapter_for, invocation
from tests.contract.android.handset import Handset, address, header, reached
from tests.contract.android.recorder import save
from tests.contract.android.scrub import Scrubber

NOON = datetime(2025, 12, 22, 12, 0, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


ADBS_OWN_KEY = Path("~/.android/adbkey").expanduser()
SOMEBODY = "+491511234567"
"""Whom a simulated phone calls and texts."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """What a run on a phone of yours takes."""
    group = parser.getgroup("android", "tests on a phone of yours")
    group.addoption("--serial", help="its name in `adb devices`, or HOST:PORT")
    group.addoption("--number", help="who may be called and texted, with + and country")
    group.addoption("--record", metavar="FOLDER", type=Path, help="write down what it answers")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "any_phone: judges by what a phone says, real or simulated")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a phone of yours, leave out what looks into a simulated one."""
    if not config.getoption("serial", None):
        return
    kept = [item for item in items if item.get_closest_marker("any_phone")]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept
    for item in items:
        item.add_marker(pytest.mark.timeout(300))  # a person thinks before saying yes


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say why the others do not run."""
    serial = config.getoption("serial", None)
    return f"phone: {serial}; tests that look into a simulated one are left out" if serial else None


@pytest.fixture(scope="session")
def key(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One key for all tests: making one takes a while. A phone of yours knows adb's own."""
    path = tmp_path_factory.mktemp("keys") / "adbkey"
    if request.config.getoption("serial", None) and ADBS_OWN_KEY.exists():
        shutil.copy(ADBS_OWN_KEY, path)
    keys.ensure(path)
    return path


@pytest.fixture
async def handset(
    request: pytest.FixtureRequest, key: Path, server: AdbServer
) -> AsyncIterator[Handset]:
    """The phone of `--serial`, or a simulated one."""
    serial = request.config.getoption("serial", None)
    folder = request.config.getoption("record", None)
    number = request.config.getoption("number", None) or (None if serial else SOMEBODY)
    async with AsyncExitStack() as stack:
        if serial:
            at = address(serial, server)
        else:
            phone = await stack.enter_async_context(SimulatedPhone())
            at = {"host": "127.0.0.1", "port": str(phone.port)}
        real, record = bool(serial), folder is not None
        handset = await stack.enter_async_context(
            reached(at, key, server, real=real, number=number, record=record)
        )
        yield handset
        if handset.recorded:
            entries = [await header(handset, request.node.name), *handset.recorded]
            save(Scrubber().scrubbed(entries), folder / f"{request.node.name}.jsonl")


@pytest.fixture
async def phone() -> AsyncIterator[SimulatedPhone]:
    """A phone whose clock stands still at noon."""
    async with SimulatedPhone() as running:
        running.state.clock = lambda: NOON
        yield running


@pytest.fixture
def transport(request: pytest.FixtureRequest) -> str:
    """What the adapter reaches the phone by; a test may ask for both, by indirect parameters."""
    return str(getattr(request, "param", ADB_SHELL))


@pytest.fixture
async def server(key: Path) -> AsyncIterator[AdbServer]:
    """The hub's own adb server, which starts when a test uses it."""
    made = AdbServer(key)
    yield made
    await made.close()


@pytest.fixture
async def adapter(
    phone: SimulatedPhone, key: Path, transport: str, server: AdbServer
) -> AsyncIterator[AndroidAdapter]:
    """An adapter for the phone."""
    made = adapter_for(phone, key, server=server if transport == ADB_SERVER else None)
    yield made
    await made.close()


@pytest.fixture
def call(adapter: AndroidAdapter) -> Call:
    """Call a function by name."""

    async def run(function: str, **arguments: Scalar | None) -> Done:
        return await adapter.call(invocation(function, **arguments))

    return run
