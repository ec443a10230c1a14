"""Home Assistant's value and command templates, which arrive from strangers: sandboxed and bounded.

What can loop is refused when a template is read, and so is one of too many parts. What grows a
text is bounded where it runs, and each operation is counted against the length of what it may be
given: a template takes some hundredths of a second at the very most.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from jinja2 import TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from device_adapters.ha.filters import (
    FILTERS,
    FUNCTIONS,
    BadTemplateError,
    replace,
    require_short,
)

__all__ = ["MAXIMUM_PAYLOAD", "MAXIMUM_TEMPLATE", "BadTemplateError", "read", "render"]

MAXIMUM_TEMPLATE = 4096
MAXIMUM_PAYLOAD = 65536
_MAXIMUM_NODES = 400
_MAXIMUM_WORK = 1 << 18
"""Operations of a template times the characters of its source and its payload."""
_MAXIMUM_NUMBER = 10**15

_REFUSED = (
    nodes.For,
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
_SHRINKING = (
    *(nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr),
    *(nodes.Sub, nodes.Div, nodes.FloorDiv, nodes.Mul, nodes.Neg),
)
"""What a name may be given: nothing that makes more of what it is made of."""
_OPERATIONS = (nodes.Filter, nodes.Test, nodes.Call, nodes.Compare, nodes.BinExpr)
"""What may take as long as the text that it is given is long; so may each part of a `~`."""
_LITERAL = (nodes.Dict, nodes.List, nodes.Tuple, nodes.Pair, nodes.Const)
_GROWING = frozenset({"replace", "join", "to_json", "tojson", "truncate", "string"})
_METHODS = frozenset(
    {"endswith", "get", "lower", "replace", "split", "startswith", "strip", "upper"}
)
_HARMLESS = frozenset(  # of Jinja's own filters
    {"abs", "capitalize", "d", "default", "first", "last", "length", "lower"}
    | {"string", "trim", "truncate", "upper"}
)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja without loops, big numbers and methods that pad."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on numbers of a sane size; `+` joins short texts and lists too."""
        if operator == "+" and isinstance(left, str | list) and isinstance(right, str | list):
            require_short(len(left) + len(right))
            return super().call_binop(context, operator, left, right)
        if not all(isinstance(side, int | float) for side in (left, right)):
            raise BadTemplateError(f"{operator} on something that is no number")
        small = 64 if operator == "**" else _MAXIMUM_NUMBER
        if abs(left) > _MAXIMUM_NUMBER or abs(right) > small:
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
            return replace(getattr(obj, "__self__", ""), *args, **kwargs)
        return super().call(context, obj, *args, **kwargs)


def _environment() -> _Sandbox:
    sandbox = _Sandbox(optimized=False)  # folding constants takes the cube of how deep they nest
    sandbox.globals = dict(FUNCTIONS)
    sandbox.filters = {name: sandbox.filters[name] for name in _HARMLESS} | dict(FILTERS)
    return sandbox


_SANDBOX = _environment()


class _Compiled(NamedTuple):
    """A template that may run: what renders it, and how much work that is for each character;
    or why it may not."""

    render: Callable[..., str] | None = None
    operations: int = 0
    refusal: str = ""


@functools.lru_cache(maxsize=1024)
def _compiled(source: str) -> _Compiled:
    try:
        return _checked(source)
    except BadTemplateError as exc:
        return _Compiled(refusal=str(exc))
    except (TemplateError, SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        return _Compiled(refusal=f"the template cannot be read: {exc}")


def _checked(source: str) -> _Compiled:
    if len(source) > MAXIMUM_TEMPLATE:
        raise BadTemplateError("the template is too long")
    parsed = _SANDBOX.parse(source)
    if sum(1 for _ in parsed.find_all(nodes.Node)) > _MAXIMUM_NODES:
        raise BadTemplateError("the template has too many parts")
    if next(parsed.find_all(_REFUSED), None) is not None:
        raise BadTemplateError("the template uses a statement that is not allowed")
    if not all(map(_is_harmless, parsed.find_all(nodes.Assign))):
        raise BadTemplateError("the template gives a name to what could grow")
    operations = sum(1 for _ in parsed.find_all(_OPERATIONS))
    operations += sum(len(concat.nodes) for concat in parsed.find_all(nodes.Concat))
    return _Compiled(_SANDBOX.from_string(source).render, operations)


def _is_harmless(assigned: nodes.Assign) -> bool:
    """Whether a name is given something that is written down there, or that cannot grow."""
    inside = [assigned.node, *assigned.node.find_all(nodes.Expr)]
    if not isinstance(assigned.target, nodes.Name):
        return False
    if all(isinstance(node, _LITERAL) for node in inside):
        return True
    grows = any(isinstance(n, nodes.Filter) and n.name in _GROWING for n in inside)
    return not grows and all(isinstance(node, _SHRINKING) for node in inside)


def render(source: str, **names: object) -> str:
    """Run a template; `BadTemplateError` where it may not run or fails."""
    return _run(source, 0, names)


def read(source: str, payload: str) -> str:
    """What a value template makes of a payload (`value`, and `value_json` where it is JSON)."""
    if len(payload) > MAXIMUM_PAYLOAD:
        raise BadTemplateError("the payload is too long")
    names: dict[str, object] = {"value": payload}
    with contextlib.suppress(ValueError, RecursionError):
        names["value_json"] = json.loads(payload)
    return _run(source, len(payload), names)


def _run(source: str, length: int, names: dict[str, object]) -> str:
    """Render a template whose names hold so many characters."""
    template = _compiled(source)
    if template.render is None:
        raise BadTemplateError(template.refusal)
    if template.operations * (len(source) + length) > _MAXIMUM_WORK:
        raise BadTemplateError("it would take too long")
    try:
        return template.render(**names).strip()
    except BadTemplateError:
        raise
    except Exception as exc:
        raise BadTemplateError(f"the template failed: {exc}") from exc
