"""The command line in this process, and a hub behind it that answers as it is told to."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator import hub_lock
from orchestrator.cli import commands, connection, output
from orchestrator.client import Refused
from schemas.command import Command
from schemas.event import Event
from schemas.execution import Execution, RunState
from tests.ran import Ran

NOTHING_TO_DO = "nothing is to be done"
PIXEL: dict[str, Any] = {
    "id": "p1", "name": "Pixel", "kind": "phone", "functions": ["call"], "approved": True,
    "connected": True, "problem": "", "state": "connected", "todo": "", "ways": [], "room": None,
    "aliases": [], "default": False,
}  # fmt: skip


class Octopus:
    """Runs commands on a configuration folder."""

    def __init__(
        self, config: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.config, self.state = config, config / "state"
        self._capsys, self._patch = capsys, patch
        self.wide(100)
        self.write("hub.toml", f'[hub]\nstate = "{self.state}"\n')

    def wide(self, cells: int) -> None:
        """How wide the terminal is; its environment counted only when the console was made."""
        self._patch.setattr(output.console, "width", cells)

    def write(self, name: str, text: str) -> None:
        """A file of the configuration."""
        (self.config / name).write_text(text, encoding="utf-8")

    def __call__(self, *words: str) -> Ran:
        """Run one command to its end."""
        self._patch.setattr(sys, "argv", ["octopus", *words])
        self._patch.setenv("OCTOPUS_CONFIG", str(self.config))
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            commands.main()
        out, err = self._capsys.readouterr()
        status = ended.value.code
        return Ran(status if isinstance(status, int) else 1 if status else 0, out, err)


class Hub:
    """What `connected` gives, for a hub that does what it is told; `answers` by operation."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"device/list": [PIXEL], **answers}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[str] = []
        self.ends = RunState.SUCCEEDED
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self._records: dict[str, dict[str, Any]] = {}

    async def send(self, text: str, identity: str, **fields: Any) -> None:
        """A sentence, which ends at once; one without a word is refused."""
        self.asked.append(("command", fields))
        if text == NOTHING_TO_DO:
            raise Refused("say what", "bad_command")
        self.sent.append(text)
        self._end(text, identity)

    async def begin(self, operation: str, identity: str, **fields: Any) -> None:
        """A call, which ends at once."""
        self.asked.append((operation, fields))
        self._end(operation, identity)

    def _end(self, text: str, identity: str) -> None:
        command = Command(id=identity, text=text, user="local", door="mqtt")
        now = time.time()
        record = Execution(command=command, state=self.ends, created=now, ended=now, answer="so")
        self._records[identity] = record.plain()
        self.events.put_nowait(Event(id=identity, user="local", state=self.ends, at=now, text="so"))

    async def request(self, operation: str, *, within: float = 0, **fields: Any) -> Any:
        """An operation's answer."""
        self.asked.append((operation, fields))
        if operation == "execution/get" and fields["execution"] in self._records:
            return self._records[fields["execution"]]
        answer = self.answers[operation]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def find(self, beginning: str) -> Any:
        """The record of a command."""
        return await self.request("execution/get", execution=beginning)

    def behind(self, patch: pytest.MonkeyPatch) -> Hub:
        """In the place of a connection to a hub that runs."""

        @asynccontextmanager
        async def connected(*_: object) -> AsyncIterator[Hub]:
            yield self

        patch.setattr(connection, "connected", connected)
        patch.setattr(hub_lock, "held", lambda _: True)
        return self
