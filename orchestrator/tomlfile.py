"""A TOML file to values, and what is wrong with it said so that a person finds it."""

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from orchestrator.credentials import filled
from orchestrator.nearest import hint
from schemas.errors import InvalidSettings

M = TypeVar("M", bound=BaseModel)
_LONGEST = 400
"""Characters of a complaint: what stands in a file may be long."""


def wrong(file: Path, said: object) -> InvalidSettings:
    """What is wrong with a file, in one line."""
    text = "".join(c if c.isprintable() else " " for c in str(said))
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
    return InvalidSettings(f"{file}: {shown}")


def tables(file: Path, *, needed: bool = False) -> dict[str, Any]:
    """What a file says; nothing where there is none. InvalidSettings where it cannot be read."""
    try:
        said: dict[str, Any] = filled(parsed(file.read_text(encoding="utf-8-sig"), file))
        return said
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not needed and not file.is_symlink():
            return {}
        raise wrong(file, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise wrong(file, f"is no UTF-8 text: byte {error.start + 1} is wrong") from error


def parsed(text: str, file: Path) -> dict[str, Any]:
    """A TOML text, of this file; InvalidSettings where it is none."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also of numbers and nesting without an end
        raise wrong(file, error) from error


def of_file(kind: type[M], file: Path, *, needed: bool = False) -> M:
    """What the file says; InvalidSettings names the first thing that is wrong with it."""
    return checked(kind, tables(file, needed=needed), file)


def checked(kind: type[M], said: Any, file: Path, under: tuple[str, ...] = ()) -> M:
    """What a file says under some key; InvalidSettings names the first thing that is wrong.

    Types are meant as they are written: no number in quotes, no 1 for true. Checked as JSON, which
    like TOML has texts for enums and lists for tuples.
    """
    try:
        return kind.model_validate_json(json.dumps(said, default=_no_value), strict=True)
    except ValidationError as error:
        raise _complaint(kind, error.errors(include_url=False), file, under) from error
    except (ValueError, RecursionError) as error:
        raise wrong(file, f"{_place(under)}: {error}".removeprefix(": ")) from error


def _no_value(date: object) -> object:
    """What stands for TOML's dates and times: no key takes one."""
    return [[]]


def _complaint(
    kind: type[BaseModel], errors: Sequence[ErrorDetails], file: Path, under: tuple[str, ...]
) -> InvalidSettings:
    unknown = (e for e in errors if e["type"] == "extra_forbidden")
    first = next(unknown, errors[0])  # what is misspelled is often missing too
    place, value = _place((*under, *first["loc"])), str(first["input"])
    if first["type"] == "extra_forbidden":
        near = hint(str(first["loc"][-1]), _keys(kind, first["loc"]))
        return wrong(file, f"unknown key {place}{near}")
    choices = re.findall(r"'([^']*)'", first.get("ctx", {}).get("expected", ""))
    said = f"{_mistake(first)}{hint(value, choices)}"
    named = not place or said.startswith(f"{place}.")  # who checks several keys names them
    return wrong(file, said if named else f"{place}: {said}")


def _mistake(error: ErrorDetails) -> str:
    """What is wrong with a value, for whoever writes TOML."""
    name = error["loc"][-1] if error["loc"] else ""
    if error["type"] == "tuple_type":
        several = isinstance(error["input"], dict)
        return f"write [[{name}]]" if several else "a list is needed, in [ ]"
    if error["type"] == "model_type" and isinstance(name, str):
        return f"a section is needed, such as [{'.'.join(map(str, error['loc']))}]"
    return _WANTED.get(error["type"], error["msg"].removeprefix("Value error, "))


_WANTED = {
    "string_type": "a text is needed, in quotes",
    "int_type": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "float_type": "a number is needed",
    "bool_type": "true or false is needed",
    "dict_type": "a table is needed, in { }",
    "model_type": "a table is needed, in { }",
}


def _place(place: Sequence[int | str]) -> str:
    """A key as a person looks for it; in a list of sections, the first is 1."""
    keys = "".join(f" {k + 1}: " if isinstance(k, int) else f".{k}" for k in place)
    return keys.replace(": .", ": ").strip(" .:")


def _keys(kind: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """The keys there are where the unknown one stands."""
    for name in place[:-1]:
        if field := kind.model_fields.get(str(name)):
            kind = next((k for k in _inside(field.annotation) if _is_section(k)), kind)
    return [field.alias or name for name, field in kind.model_fields.items()]


def _inside(annotation: object) -> list[object]:
    """A type and all that its brackets hold."""
    return [annotation, *(part for each in get_args(annotation) for part in _inside(each))]


def _is_section(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
