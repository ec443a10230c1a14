"""Text from the web as a person may be shown or told it: pure."""

import html
import re
import unicodedata

_MARKUP = re.compile(r"</?[a-z!][^<>]{0,1000}>", re.IGNORECASE)
_JOINERS = "\u200c\u200d"
"""What words of some scripts, and some pictures, are written with."""


def plain(text: str, most: int) -> str:
    """One line of at most so many characters, without control and direction characters."""
    kept = (c if _harmless(c) else " " if c.isspace() else "" for c in text[: 10 * most])
    line = " ".join("".join(kept).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def unmarked(text: str, most: int) -> str:
    """As `plain`, of a text that may hold HTML."""
    return plain(html.unescape(_MARKUP.sub(" ", html.unescape(text[: 10 * most]))), most)


def _harmless(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character)[0] not in "CZ"
