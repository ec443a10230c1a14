"""What the hub's processes say to the journal of the system: one line a thing, each with the id of
the command that it concerns, so that one search shows a command's life.

From INFO up nothing private is logged: no sentences, no results, no people's names or numbers.
"""

import asyncio
import logging
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

Format = Literal["auto", "json", "logfmt", "console"]
LEVELS = {
    "debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING,
    "error": logging.ERROR,
}  # fmt: skip
_TASK = re.compile(r"command (.*?)(?:/\d+)?(?:: \w+)?", re.DOTALL)
FIELDS = ("command", "step", "function")
"""What a line may say in `extra`."""
_PRIORITIES = {
    logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2,
}  # fmt: skip
"""Of syslog, which systemd reads at the beginning of a line."""


def start(level: str = "info", form: Format = "auto") -> None:
    """Log to standard error from now on, in this form; libraries only what is amiss. `auto`: for
    people on a terminal, key=value everywhere else."""
    handler = logging.StreamHandler()
    handler.setFormatter(_formatter(form, sys.stderr))
    logging.basicConfig(handlers=[handler], force=True)
    turn(level)
    for noisy in ("httpx", "httpcore", "adb_shell", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def turn(level: str) -> None:
    """Log from this level up."""
    logging.getLogger().setLevel(LEVELS[level])


def task_name(command: str, part: str = "") -> str:
    """What a task is called that works for a command, `/1` for a step of it and `: reading` for a
    part: its lines have the command's id."""
    return f"command {command}{part}"


def _formatter(form: Format, stream: TextIO) -> logging.Formatter:
    to_journal = _is_journal(stream, os.environ.get("JOURNAL_STREAM", ""))
    if form == "auto":
        form = "console" if stream.isatty() else "logfmt"
    shared: list[Processor] = [
        structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(FIELDS), _add_command,
    ]  # fmt: skip
    if not to_journal:  # which has the time itself
        shared.append(structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"))
    return _Formatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(form)],
        foreign_pre_chain=shared,
        prefixed=to_journal,
    )


def _rendering(form: Format) -> Sequence[Processor]:
    if form == "console":
        # Plain: the other kind shows the values of variables.
        plain = structlog.dev.plain_traceback
        coloured = sys.stderr.isatty()
        console = structlog.dev.ConsoleRenderer(colors=coloured, exception_formatter=plain)
        return [_one_line, console]
    said: list[Processor] = [structlog.processors.format_exc_info]
    if form == "json":
        return [*said, structlog.processors.JSONRenderer(ensure_ascii=False)]
    order = ("time", "level", "logger", *FIELDS, "event")
    logfmt = structlog.processors.LogfmtRenderer(key_order=order, drop_missing=True)
    return [_one_line, *said, logfmt]


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Where the system's journal reads, each line begins with its priority."""

    def __init__(self, *, prefixed: bool, **options: Any) -> None:
        super().__init__(**options)
        self._prefixed = prefixed

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if not self._prefixed:
            return line
        priority = f"<{_PRIORITIES.get(record.levelno, 5)}>"
        return "\n".join(priority + part for part in line.split("\n"))


def _add_command(_: object, __: str, event: EventDict) -> EventDict:
    """The id of the command that the running task works for; a line may name it itself."""
    if "command" not in event and (found := _command()):
        event["command"] = found
    return event


def _command() -> str:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # a thread without a loop
        return ""
    named = _TASK.fullmatch(task.get_name()) if task else None
    return named[1] if named else ""


def _one_line(_: object, __: str, event: EventDict) -> EventDict:
    """What others send (a topic, a name) writes no line of its own, and colours no terminal."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _printable(value)
    return event


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _is_journal(stream: TextIO, named: str) -> bool:
    """Whether a stream is the one that systemd named as the journal's: DEVICE:INODE."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{found.st_dev}:{found.st_ino}"
