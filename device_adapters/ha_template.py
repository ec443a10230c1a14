"""Home Assistant's value and command templates, which arrive from strangers: sandboxed and bounded.

What can loop, name a value or grow without bound is refused when a template is read; what is left
ends in time proportional to the template's and the payload's length.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAXIMUM_TEMPLATE = 4096
MAXIMUM_PAYLOAD = 65536

_REFUSED = (
    nodes.For,
    nodes.Assign,
    nodes.AssignBlock,
    nodes.Macro,
    nodes.CallBlock,
    nodes.FilterBlock,
    nodes.With,
    nodes.Block,
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.Extends,
)
_METHODS = frozenset(
    {"endswith", "get", "lower", "replace", "split", "startswith", "strip", "upper"}
)
_HARMLESS = frozenset(  # of Jinja's own filters
    {"abs", "capitalize", "d", "default", "first", "join", "last", "length", "lower"}
    | {"max", "min", "string", "title", "trim", "upper"}
)


class BadTemplateError(ValueError):
    """The template cannot be run safely, or failed."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja without loops, names, big numbers and methods that pad."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Only arithmetic on numbers of a sane size."""
        small = 64 if operator == "**" else 10**12
        if not all(isinstance(side, int | float) for side in (left, right)):
            raise BadTemplateError(f"{operator} on something that is no number")
        if abs(left) > 10**12 or abs(right) > small:
            raise BadTemplateError(f"{operator} on too big a number")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Fields of JSON and a few harmless methods."""
        return attr in _METHODS and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Any:
        """`format` can pad to any length, and Jinja asks for it before `is_safe_attribute`."""
        if getattr(value, "__name__", "") in {"format", "format_map"}:
            raise BadTemplateError("format is not allowed")
        return super().wrap_str_format(value)

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Calls of `replace` are bounded like the filter."""
        if getattr(obj, "__name__", "") == "replace":
            return _replace(getattr(obj, "__self__", ""), *args, **kwargs)
        return super().call(context, obj, *args, **kwargs)


def _replace(text: object, old: object, new: object, count: int = -1) -> str:
    text, old, new = str(text), str(old), str(new)
    if text.count(old) * len(new) > MAXIMUM_PAYLOAD:
        raise BadTemplateError("replace would make the text too long")
    return text.replace(old, new, count)


def _number(kind: Callable[[Any], Any]) -> Callable[..., Any]:
    """Home Assistant's int and float: a default where the value is no number."""

    def convert(value: object, default: object = 0) -> object:
        try:
            return kind(float(value)) if isinstance(value, str | int | float) else default
        except (ValueError, OverflowError):
            return default

    return convert


def _iif(value: object, yes: object = True, no: object = False) -> object:
    return yes if value else no


def _round(value: float, digits: int = 0) -> float:
    return round(float(value), max(-12, min(digits, 12)))


def _environment() -> _Sandbox:
    sandbox = _Sandbox()
    own: dict[str, Callable[..., Any]] = {
        "float": _number(float),
        "int": _number(int),
        "bool": bool,
        "iif": _iif,
    }
    sandbox.globals = dict(own)
    sandbox.filters = {name: sandbox.filters[name] for name in _HARMLESS}
    sandbox.filters |= own | {
        "from_json": lambda text: json.loads(text),
        "to_json": lambda value: json.dumps(value),
        "tojson": lambda value: json.dumps(value),
        "replace": _replace,
        "round": _round,
    }
    return sandbox


_SANDBOX = _environment()


@functools.lru_cache(maxsize=1024)
def _compiled(source: str) -> Callable[..., str]:
    if len(source) > MAXIMUM_TEMPLATE:
        raise BadTemplateError("the template is too long")
    try:
        if next(_SANDBOX.parse(source).find_all(_REFUSED), None) is not None:
            raise BadTemplateError("the template uses a statement that is not allowed")
        return _SANDBOX.from_string(source).render
    except (TemplateError, RecursionError, MemoryError) as exc:
        raise BadTemplateError(f"the template cannot be read: {exc}") from exc


def render(source: str, **names: object) -> str:
    """Run a template; `BadTemplateError` where it may not run or fails."""
    run = _compiled(source)
    try:
        return run(**names).strip()
    except BadTemplateError:
        raise
    except Exception as exc:
        raise BadTemplateError(f"the template failed: {exc}") from exc


def read(source: str, payload: str) -> str:
    """What a value template makes of a payload (`value`, and `value_json` where it is JSON)."""
    if len(payload) > MAXIMUM_PAYLOAD:
        raise BadTemplateError("the payload is too long")
    names: dict[str, object] = {"value": payload}
    with contextlib.suppress(ValueError, RecursionError):
        names["value_json"] = json.loads(payload)
    return render(source, **names)
