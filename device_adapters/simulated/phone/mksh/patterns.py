"""Patterns with `*`, `?` and `[…]`: what they match in a text, and among the phone's files."""

import re
from collections.abc import Callable, Sequence

from device_adapters.simulated.phone.mksh.tree import NotSimulatedError, Text

_BRACKET = re.compile(r"\[(!?)(\]?[^]]*)\]")
_ACTIVE = re.compile(r"[*?]|\[.[^]]*\]", re.DOTALL)

Names = Callable[[str], Sequence[str]]
"""The names in a folder."""


def compiled(pieces: Sequence[Text], *, shortest: bool = False) -> re.Pattern[str]:
    """A pattern as a regular expression; only its unquoted characters mean more than themselves."""
    star = ".*?" if shortest else ".*"
    expression = ""
    marked, quoted = _marked(pieces)
    position = 0
    while position < len(marked):
        here = marked[position]
        bracket = _BRACKET.match(marked, position)
        if here == "[" and bracket:
            expression += _set(bracket[1], bracket[2])
            position = bracket.end()
            continue
        expression += {"*": star, "?": "."}.get(here) or re.escape(quoted.get(position, here))
        position += 1
    return re.compile(expression, re.DOTALL)


def _marked(pieces: Sequence[Text]) -> tuple[str, dict[int, str]]:
    """The characters with NUL for every quoted one, and those by position."""
    marked, quoted = "", dict[int, str]()
    for piece in pieces:
        if piece.quoted:
            quoted |= dict(enumerate(piece.text, len(marked)))
        marked += "\0" * len(piece.text) if piece.quoted else piece.text
    return marked, quoted


def _set(negated: str, inside: str) -> str:
    """A bracket expression, where it is made of plain characters and ranges."""
    if not re.fullmatch(r"[\w .,:;=@%/-]+", inside) or "[:" in inside:
        raise NotSimulatedError(f"[{negated}{inside}]")
    return f"[{'^' if negated else ''}{inside}]"


def files(field: Sequence[Text], names: Names) -> list[str]:
    """The paths a field's pattern matches; none where it is no pattern or nothing matches."""
    if not _ACTIVE.search(_marked(field)[0]):
        return []
    found = [""]
    for number, segment in enumerate(_segments(field)):
        if number:
            found = [path + "/" for path in found]
        literal = "".join(piece.text for piece in segment)
        if not _ACTIVE.search(_marked(segment)[0]):
            found = [path + literal for path in found]
            continue
        pattern = compiled(segment)
        hidden = literal.startswith(".")
        found = [
            path + name
            for path in found
            for name in sorted(names(path or "."))
            if pattern.fullmatch(name) and (hidden or not name.startswith("."))
        ]
    return found


def _segments(field: Sequence[Text]) -> list[list[Text]]:
    """A path's parts between its slashes."""
    segments: list[list[Text]] = [[]]
    for piece in field:
        first, *others = piece.text.split("/")
        segments[-1].append(Text(first, piece.quoted))
        segments += [[Text(other, piece.quoted)] for other in others]
    return segments
