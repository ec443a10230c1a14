"""A TOML file to values, and what is wrong with it said so that a person finds it."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from orchestrator.nearest import hint
from schemas.errors import InvalidSettings

M = TypeVar("M", bound=BaseModel)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidSettings(f"{file}: {error}") from error


def of_file(kind: type[M], file: Path) -> M:
    """What the file says; InvalidSettings names the first thing that is wrong with it."""
    return checked(kind, _read(file), file)


def checked(kind: type[M], said: Any, file: Path, under: tuple[str, ...] = ()) -> M:
    """What a file says under some key; InvalidSettings names the first thing that is wrong."""
    try:
        return kind.model_validate(said, strict=False)
    except ValidationError as error:
        unknown = (e for e in error.errors() if e["type"] == "extra_forbidden")
        first = next(unknown, error.errors()[0])  # what is misspelled is often missing too
        place, value = _place((*under, *first["loc"])), str(first["input"])
        if first["type"] == "extra_forbidden":
            near = hint(str(first["loc"][-1]), _keys(kind, first["loc"]))
            raise InvalidSettings(f"{file}: unknown key {place}{near}") from error
        choices = re.findall(r"'([^']*)'", first.get("ctx", {}).get("expected", ""))
        raise InvalidSettings(f"{file}: {place}: {_wrong(first)}{hint(value, choices)}") from error


def _wrong(error: ErrorDetails) -> str:
    """What is wrong with a value, for whoever writes TOML."""
    if error["type"] == "tuple_type":
        several = isinstance(error["input"], dict)
        return f"write [[{error['loc'][-1]}]]" if several else "a list is needed, in [ ]"
    if error["type"] == "model_type" and isinstance(error["loc"][-1], str):
        return f"a section is needed, such as [{'.'.join(map(str, error['loc']))}]"
    return error["msg"]


def _place(place: Sequence[int | str]) -> str:
    """A key as a person looks for it; in a list of sections, the first is 1."""
    keys = "".join(f" {k + 1}: " if isinstance(k, int) else f".{k}" for k in place)
    return keys.replace(": .", ": ").strip(" .:")


def _keys(kind: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """The keys there are where the unknown one stands."""
    for name in place[:-1]:
        if field := kind.model_fields.get(str(name)):
            inside = (field.annotation, *get_args(field.annotation))
            kind = next((k for k in inside if _is_section(k)), kind)
    return [field.alias or name for name, field in kind.model_fields.items()]


def _is_section(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
