"""Questions: `test`, `[ … ]` and `[[ … ]]`."""

import re
from collections.abc import Callable, Sequence

from device_adapters.simulated.phone.mksh import patterns
from device_adapters.simulated.phone.mksh.expansion import Expansion
from device_adapters.simulated.phone.mksh.tree import SHELL, NotSimulatedError, Text, Word
from device_adapters.simulated.phone.result import Result, Words, complain

Kind = Callable[[str], str]
"""What is at a path: `f` for a file, `d` for a folder, else nothing."""

_COMPARED: dict[str, Callable[[int, int], bool]] = {
    "-eq": int.__eq__,
    "-ne": int.__ne__,
    "-lt": int.__lt__,
    "-le": int.__le__,
    "-gt": int.__gt__,
    "-ge": int.__ge__,
}
_EQUAL = ("=", "==", "!=")
_UNARY = ("-n", "-z", "-e", "-f", "-d")
_UNREAD = re.compile(r"-[a-zA-Z]{1,2}|[()<>]")


class _BadTestError(Exception):
    """What `test` complains about."""


def test(words: Words, kind: Kind) -> Result:
    """`test`: 0 for yes, 1 for no, 2 for what is no question."""
    try:
        answer, rest = _primary(words, kind) if words else (False, ())
        if rest and _UNREAD.fullmatch(rest[0]):
            raise NotSimulatedError(f"test with {rest[0]}")
        if rest:
            raise _BadTestError(f"{rest[0]}: unexpected operator/operand")
    except _BadTestError as exc:
        return complain(f"{SHELL}: [: {exc}", 2)
    return Result(code=int(not answer))


def holds(words: Sequence[Word], expansion: Expansion) -> bool:
    """What `[[ … ]]` answers: one comparison with a pattern, or one question about a text."""
    match words:
        case (left, (Text(("=" | "==" | "!=") as operator, False),), right):
            pattern = patterns.compiled(expansion.pieces(right))
            found = pattern.fullmatch(expansion.single(left))
            return bool(found) == (operator != "!=")
        case ((Text(("-n" | "-z") as operator, False),), word):
            return bool(expansion.single(word)) == (operator == "-n")
        case (word,):
            return bool(expansion.single(word))
    raise NotSimulatedError("[[ ]] with more than one question")


def _primary(words: Words, kind: Kind) -> tuple[bool, Words]:
    """The first question's answer, and the words behind it."""
    first, second = words[0], words[1] if len(words) > 1 else None
    if second in (*_EQUAL, *_COMPARED) and len(words) > 2:
        return _compare(first, str(second), words[2]), words[3:]
    if first == "!" and second is not None:
        answer, rest = _primary(words[1:], kind)
        return not answer, rest
    if first in _UNARY and second is not None:
        return _ask(first, second, kind), words[2:]
    if second in (*_EQUAL, *_COMPARED):
        raise _BadTestError(f"{second}: missing second argument")
    return bool(first), words[1:]


def _compare(left: str, operator: str, right: str) -> bool:
    if operator in _EQUAL:
        return (left == right) == (operator != "!=")
    return _COMPARED[operator](_number(left), _number(right))


def _number(text: str) -> int:
    if not re.fullmatch(r"[ \t]*[+-]?[0-9]{1,9}[ \t]*", text):
        raise NotSimulatedError(f"arithmetic: {text}")
    return int(text)


def _ask(operator: str, text: str, kind: Kind) -> bool:
    match operator:
        case "-n":
            return bool(text)
        case "-z":
            return not text
        case "-e":
            return bool(kind(text))
    return kind(text) == operator[1]
