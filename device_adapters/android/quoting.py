"""The one place where words become a shell line, SQL or a URI."""

import shlex
from urllib.parse import quote

from schemas.errors import DeviceRefused

LONGEST_LINE = 131_000
"""Bytes; Linux takes no longer argument."""


def line(*words: str) -> str:
    """A shell line that the phone's shell splits into exactly these words."""
    if any("\0" in word for word in words):
        raise DeviceRefused("a NUL character cannot be sent to a phone")
    text = " ".join(shlex.quote(word) for word in words)
    try:
        length = len(text.encode())
    except UnicodeEncodeError as exc:
        raise DeviceRefused("the text holds half a character") from exc
    if length > LONGEST_LINE:
        raise DeviceRefused("the text is too long for a phone")
    return text


def sql(text: str) -> str:
    """A string as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def part(text: str) -> str:
    """A text as one part of a URI; nothing in it can end the part."""
    return quote(text, safe="")
