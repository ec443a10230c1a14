"""POSIX regular expressions, read by Python's engine."""

import re
from collections.abc import Iterator

from device_adapters.simulated.phone.mksh import NotSimulatedError

_PIECE = re.compile(
    r"""(?P<set>\[\^?\]?(?:[^]\[]|\[:[a-z]+:\]|\[)*\])
      | \\(?P<escaped>.)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_CLASSES = {"[:space:]": r"\s", "[:digit:]": "0-9", "[:alpha:]": "A-Za-z", "[:alnum:]": "A-Za-z0-9"}


def translated(pattern: str, *, extended: bool) -> str:
    """A basic or extended expression in Python's words; what has none is not simulated."""
    said = ""
    for match in _PIECE.finditer(pattern):
        if match["set"]:
            said += _set(match["set"])
        elif match["escaped"]:
            said += _escaped(match["escaped"], extended=extended)
        elif not extended and match["other"] in "(){}+?|":
            said += "\\" + match["other"]
        elif not extended and match["other"] == "*" and said in ("", "^"):
            said += r"\*"
        else:
            said += match["other"]
    try:
        re.compile(said)
    except re.error as exc:
        raise NotSimulatedError(f"the expression {pattern}: {exc}") from exc
    if re.search(r"(?<!\\)[*+?}][*+?]", said) or "(?" in said:
        raise NotSimulatedError(f"the expression {pattern}")
    return said


def _escaped(character: str, *, extended: bool) -> str:
    if not extended and character in "(){}":
        return character
    if character.isalnum() or character in "<>`'" or (not extended and character in "+?|"):
        raise NotSimulatedError(f"\\{character} in an expression")
    return re.escape(character)


def _set(text: str) -> str:
    """A bracket expression; nothing but `-`, a leading `^` and a class's name is special in it."""
    negated = text.startswith("[^")
    said = ""
    for piece in re.split(r"(\[:[a-z]+:\])", text[1 + negated : -1]):
        if piece.startswith("[:"):
            if piece not in _CLASSES:
                raise NotSimulatedError(piece)
            said += _CLASSES[piece]
        else:
            said += "".join(c if c.isalnum() or c == "-" else re.escape(c) for c in piece)
    return f"[{'^' if negated else ''}{said}]"


def longest(expression: re.Pattern[str], line: str) -> Iterator[str]:
    """The parts of a line that match, each as long as it can be."""
    position = 0
    while position <= len(line) and (match := expression.search(line, position)):
        start = match.start()
        ends = range(len(line), match.end(), -1)
        end = next((at for at in ends if expression.fullmatch(line, start, at)), match.end())
        if end > start:
            yield line[start:end]
        position = max(end, start + 1)
