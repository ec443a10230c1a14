"""`octopus phone`: how long it waits for the hub, what is left of a copy that failed, and what a
device may not do to a terminal."""

import asyncio
import errno
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any

import pytest
from typer.testing import CliRunner

from orchestrator.cli import commands
from orchestrator.cli import devices as devices_cli
from orchestrator.cli import phone as phone_cli
from orchestrator.client import ANSWER_WITHIN
from schemas.errors import DeviceRefused, HubError


class Hub:
    """Answers what the command line asks, and remembers how long it would have waited."""

    def __init__(self, **answer: Any) -> None:
        self.answer = {"device": "Pixel", "detail": "", "evidence": "verified", **answer}
        self.within = 0.0

    async def request(self, _: str, *, within: float = ANSWER_WITHIN, **__: Any) -> dict[str, Any]:
        self.within = within
        return self.answer

    def reached(self, _: Path, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """In the place of a connection."""

        async def asked() -> Any:
            return await work(self)

        return asyncio.run(asked())


def test_a_slow_phone_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    monkeypatch.setattr(phone_cli, "with_hub", hub.reached)
    for words in (["open"], ["ring"]):
        ran = CliRunner().invoke(phone_cli.app, words)
        assert ran.exit_code == 0, ran.exception
        assert hub.within == phone_cli.PATIENCE, words


def test_a_copy_that_fails_leaves_nothing_that_looks_like_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "kept.png", tmp_path / "here.png"
    source.write_bytes(b"picture")

    def full(come: IO[bytes], gone: IO[bytes]) -> None:
        gone.write(come.read(3))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(phone_cli, "with_hub", Hub(result=str(source)).reached)
    with monkeypatch.context() as disk:
        disk.setattr(shutil, "copyfileobj", full)
        ran = CliRunner().invoke(phone_cli.app, ["screenshot", "--to", str(target)])
    assert isinstance(ran.exception, HubError)
    said = f"{target}: No space left on device; the file is {source} on the hub's machine"
    assert str(ran.exception) == said
    assert not target.exists()
    ran = CliRunner().invoke(phone_cli.app, ["screenshot", "--to", str(target)])
    assert (ran.output.strip(), target.read_bytes()) == (str(target), b"picture")


def test_what_a_device_says_moves_no_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: object) -> None:
        raise DeviceRefused("the phone said: \x1b]0;owned\x07\nno")

    with monkeypatch.context() as refusing:
        refusing.setattr(commands, "cli", refuse)
        with pytest.raises(SystemExit, match="2"):
            commands.main()
    assert capsys.readouterr().err == "octopus: the phone said:  ]0;owned  no\n"
    device = {"name": "Pixel\x1b[2J", "connected": True, "todo": "", "functions": []}
    monkeypatch.setattr(devices_cli, "with_hub", Hub(**device).reached)
    ran = CliRunner().invoke(commands.cli, ["devices", "approve", "p1"])
    assert ran.output == "Pixel [2J may be used now: 0 functions\n"
