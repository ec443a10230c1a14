"""What a log line looks like, and whose command it belongs to."""

import asyncio
import io
import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, get_args

import pytest

from orchestrator import logs

log = logging.getLogger("orchestrator.somewhere")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave the log as pytest set it up."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers[:] = []
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Said"]:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    with (tmp_path / "stderr").open("w") as stream:
        yield Said(stream, monkeypatch)


class Said:
    """Standard error, in a file."""

    def __init__(self, stream: TextIO, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stream = stream
        self._monkeypatch = monkeypatch

    def start(self, level: str = "info", form: logs.Format = "auto") -> None:
        """Log there from now on."""
        self._monkeypatch.setattr(sys, "stderr", self.stream)
        logs.start(level, form)

    @property
    def lines(self) -> list[str]:
        self.stream.flush()
        return Path(self.stream.name).read_text().splitlines()


async def work(name: str, line: str = "hello") -> None:
    """Log a line in a task of this name."""

    async def say() -> None:
        log.info("%s", line)

    await asyncio.create_task(say(), name=name)


@pytest.mark.parametrize("identity", ["abc", "a.b", "kitchen:1", "x y"])
async def test_each_line_of_a_commands_tasks_has_its_id(said: Said, identity: str) -> None:
    said.start(form="json")
    for part in ("", ": work", ": reading", "/0", "/12", "/12: call"):
        await work(logs.task_name(identity, part))
    found = [json.loads(line)["command"] for line in said.lines]
    assert found == [identity] * 6


async def test_a_line_of_no_command_has_no_id(said: Said) -> None:
    said.start(form="json")
    await work("scheduler")
    await work("commander")
    await asyncio.to_thread(log.info, "from a thread")
    assert not [line for line in said.lines if "command" in json.loads(line)]


async def test_a_file_gets_one_line_a_thing_as_key_and_value(said: Said) -> None:
    said.start()
    await work(logs.task_name("abc"), 'two\nlines, "quoted"\x1b[31m = red')
    (line,) = said.lines
    assert re.fullmatch(
        r"time=\S+Z level=info logger=orchestrator\.somewhere command=abc "
        r'event="two\\+nlines, \\"quoted\\"\\+x1b\[31m = red"',
        line,
    )


def test_a_bug_is_one_line_and_shows_no_variables(said: Said) -> None:
    for form in ("logfmt", "json", "console"):
        assert form in get_args(logs.Format)
        said.start(form=form)  # type: ignore[arg-type]
        try:
            secret = "xylophone" * 2
            len(secret) / 0
        except ZeroDivisionError:
            log.exception("broke")
    found = said.lines
    assert "ZeroDivisionError" in found[0]
    assert "ZeroDivisionError" in json.loads(found[1])["exception"]
    assert "ZeroDivisionError: division by zero" in found
    assert "xylophonexylophone" not in "".join(found)


def test_the_journal_of_the_system_gets_priorities_and_keeps_the_time(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = os.fstat(said.stream.fileno())
    monkeypatch.setenv("JOURNAL_STREAM", f"{stat.st_dev}:{stat.st_ino}")
    said.start("debug")
    log.debug("a")
    log.info("b")
    log.warning("c")
    log.error("d")
    assert said.lines == [
        f"<{priority}>level={level} logger=orchestrator.somewhere event={event}"
        for priority, level, event in
        ((7, "debug", "a"), (6, "info", "b"), (4, "warning", "c"), (3, "error", "d"))
    ]  # fmt: skip


def test_another_stream_than_the_journals_gets_none(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    said.start()
    log.info("b")
    assert said.lines[0].startswith("time=")
    nowhere = io.StringIO()
    monkeypatch.setattr(sys, "stderr", nowhere)
    logs.start()
    log.info("no file at all")
    assert nowhere.getvalue().startswith("time=")


def test_a_terminal_gets_what_people_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    logs.start()
    log.warning("the broker is away", extra={"command": "abc", "step": 1})
    plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert re.search(r"\[warning\s*\] the broker is away", plain)
    assert "command=abc" in plain
    assert plain != terminal.getvalue(), "in colours"


def test_the_level_turns_while_it_runs_and_libraries_say_only_what_is_amiss(said: Said) -> None:
    said.start("warning")
    log.info("a")
    logs.turn("info")
    log.info("b")
    logging.getLogger("httpx").info("GET https://example.org/?q=private")
    assert [line.split()[-1] for line in said.lines] == ["event=b"]
