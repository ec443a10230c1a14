"""The fields of values, as tables."""

import inspect
import re
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_COMMENTED = re.compile(r"    (\w+): .*?  # (.*)")
_DOCUMENTED = re.compile(r'    (\w+): [^\n]*\n    """(.*?)"""', re.DOTALL)


def table(kind: type[BaseModel], head: str = "field") -> str:
    """Every field with its type and default, and what the code says of it."""
    said = comments(kind)
    rows = [
        f"| `{field.alias or name}` | {shown(field)} | {text(said.get(name, ''))} |"
        for name, field in kind.model_fields.items()
        if not field.exclude
    ]
    return "\n".join([f"| {head} | type and default | |", "|---|---|---|", *rows])


def comments(kind: type[BaseModel]) -> Mapping[str, str]:
    """What stands behind or below each field in the code."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            source = inspect.getsource(each)
            found |= dict(_COMMENTED.findall(source)) | dict(_DOCUMENTED.findall(source))
    return found


def shown(field: FieldInfo) -> str:
    """A field's type, and its default where it has one."""
    kind = text(f"`{written(field.annotation)}`")
    return f"{kind}, needed" if field.is_required() else f"{kind} = `{text(repr(field.default))}`"


def written(annotation: Any) -> str:
    """A type as code writes it, without what checks it."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if annotation in (None, NoneType):
        return "None"
    if origin is Annotated:
        return written(inside[0])
    if origin in (Union, UnionType):
        return " | ".join(dict.fromkeys(map(written, inside)))
    if origin is Literal:
        return " | ".join(map(repr, inside))
    if origin:
        parts = ("..." if each is ... else written(each) for each in inside)
        return f"{origin.__name__}[{', '.join(parts)}]"
    return getattr(annotation, "__name__", str(annotation))


def text(said: str) -> str:
    """What may stand in a cell."""
    return " ".join(said.split()).replace("|", "\\|")
