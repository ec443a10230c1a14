"""A question at a terminal: what counts as yes, and that waiting for it can be given up."""

import asyncio
import os
import pty
import sys
from collections.abc import Iterator

import pytest
from rich.console import Console

from orchestrator.prompt import confirmed


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal in place of standard input; gives the end that types."""
    typing, reading = pty.openpty()
    with os.fdopen(reading) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        yield typing
    os.close(typing)


@pytest.mark.parametrize(
    ("typed", "yes"),
    [(b"y\n", True), (b"Yes\n", True), (b"\n", False), (b"n\n", False), (b"what?\n", False),
     (b"\x04", False)],
)  # fmt: skip
async def test_only_a_yes_is_a_yes(keyboard: int, typed: bytes, yes: bool) -> None:
    os.write(keyboard, typed)
    assert await confirmed("Do it?", Console(quiet=True)) is yes


async def test_it_can_be_given_up(keyboard: int) -> None:
    asking = asyncio.create_task(confirmed("Do it?", Console(quiet=True)))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not asyncio.get_running_loop().remove_reader(keyboard)
    assert not asyncio.get_running_loop().remove_reader(sys.stdin)
