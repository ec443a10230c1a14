"""Sentences with the calls their authors want, as JSON lines: read, or refused with the line."""

import json
from pathlib import Path
from typing import Any

from schemas.errors import HubError

Row = dict[str, Any]
"""`q`, `kind` and `call`, a list of `{name, args, accept?}`; an argument may itself be such a call,
or a list of values of which one is enough. `null` is not known."""


class BadRows(HubError):
    """A file of rows cannot be read."""

    code = "bad_rows"


def load(file: Path) -> list[Row]:
    """The rows of one file; BadRows names the file and a bad line."""
    try:
        lines = file.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRows(f"{file}: cannot be read: {error}") from error
    if lines == [""]:
        raise BadRows(f"{file}: there is no row in it")
    return [_row(file, number, line) for number, line in enumerate(lines, 1)]


def _row(file: Path, number: int, line: str) -> Row:
    try:
        row: Row = json.loads(line)
        if not (isinstance(row["q"], str) and isinstance(row["kind"], str) and row["call"]):
            raise ValueError
        for call in row["call"]:
            _check(call)
    except (ValueError, KeyError, TypeError) as error:
        raise BadRows(
            f"{file}:{number}: a row is an object with q, kind, and call, a list of name and args"
        ) from error
    return row


def _check(call: Any) -> None:
    """KeyError, TypeError or ValueError where it is no call with calls inside."""
    if not isinstance(call["name"], str) or not isinstance(call["args"], dict):
        raise ValueError
    for value in call["args"].values():
        if isinstance(value, dict):
            _check(value)
