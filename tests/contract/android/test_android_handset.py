"""The suite for real phones, run as a person runs it: on a phone that is behind an address."""

import asyncio
import os
import pty
import shutil
import sys
from pathlib import Path

import pytest

from device_adapters.simulated.phone import SimulatedPhone
from tests.contract.android.recorder import load

ROOT = Path(__file__).parents[3]
NUMBER = "+491517654321"
SETSID = shutil.which("setsid")
CAREFUL = "make_phone_call or send_text or create_contact or calendar_event or volume"

needs_setsid = pytest.mark.skipif(SETSID is None, reason="setsid is not installed")


async def suite(phone: SimulatedPhone, *options: str, answers: str | None, only: str) -> str:
    """What pytest says of the phone; the person at its terminal types `answers`, None for none."""
    program = [SETSID, "--ctty", "--wait"] if answers is not None else []
    keyboard, terminal = pty.openpty()
    os.write(keyboard, (answers or "").encode())
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    process = await asyncio.create_subprocess_exec(
        *program, sys.executable, "-m", "pytest", "tests/contract/android", "-rs", "-k", only,
        "-p", "no:cacheprovider", "--serial", f"127.0.0.1:{phone.port}", *options,
        cwd=ROOT, env=environment, start_new_session=answers is None,
        stdin=terminal if answers is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    os.close(terminal)
    said, _ = await process.communicate()
    os.close(keyboard)
    return said.decode()


async def test_nothing_that_matters_happens_without_a_person(phone: SimulatedPhone) -> None:
    before = phone.state.volumes.copy()
    said = await suite(phone, "--number", NUMBER, answers=None, only=CAREFUL)
    assert f"not agreed to: This calls {NUMBER} from the phone" in said
    assert "2 passed, 4 skipped" in said
    assert "left out" in said
    assert (phone.state.called, phone.state.sent, phone.state.contacts) == ([], [], [])
    assert (phone.state.events, phone.state.volumes) == ([], before)


@needs_setsid
async def test_a_person_agrees_and_the_phone_is_left_as_it_was(
    phone: SimulatedPhone, tmp_path: Path
) -> None:
    phone.state.provider.add_contact("Ann", NUMBER)
    before = phone.state.volumes.copy()
    options = ("--number", NUMBER, "--record", str(tmp_path))
    said = await suite(phone, *options, answers="y\n" * 9, only=CAREFUL)
    assert " 6 passed" in said
    assert (phone.state.called, len(phone.state.sent)) == ([NUMBER], 1)
    assert (phone.state.contacts, phone.state.events) == ([("Ann", NUMBER)], [])
    assert phone.state.volumes == before
    recorded = sorted(path.stem for path in tmp_path.iterdir())
    assert {"test_make_phone_call", "test_volume[2]"} <= set(recorded)
    assert load(tmp_path / "test_make_phone_call.jsonl")[0]["model"] == "Pixel 8"
    assert NUMBER[1:] not in "".join(path.read_text() for path in tmp_path.iterdir())


@needs_setsid
async def test_no_is_no(phone: SimulatedPhone) -> None:
    options = ("--number", NUMBER)
    said = await suite(phone, *options, answers="n\n\nno\n", only="make_phone_call or send_text")
    assert "2 skipped" in said
    assert (phone.state.called, phone.state.sent) == ([], [])


async def test_nobody_is_called_without_a_number(phone: SimulatedPhone) -> None:
    said = await suite(phone, answers=None, only="make_phone_call")
    assert "--number does not say who may be called and texted" in said
    assert phone.state.called == []
