"""The one place where words become a shell line, SQL or a URI."""

import shlex
from urllib.parse import quote

from schemas.errors import DeviceRefused

LONGEST_LINE = 131_000
"""Bytes; Linux takes no longer argument."""


def line(*words: str) -> str:
    """A shell line that the phone's shell splits into exactly these words.

    Every character goes through unchanged, control characters too; NUL and halves of characters
    cannot, and are `DeviceRefused` as is a line that is too long.
    """
    text = " ".join(shlex.quote(whole(word)) for word in words)
    if (length := len(text.encode())) > LONGEST_LINE:
        raise DeviceRefused(
            f"the text is too long for a phone: {length // 1000} of {LONGEST_LINE // 1000} kB"
        )
    return text


def sql(text: str) -> str:
    """A string as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def part(text: str) -> str:
    """A text as one part of a URI; nothing in it can end the part. `DeviceRefused` as in `line`."""
    return quote(whole(text), safe="")


def whole(text: str) -> str:
    """The text, where all of it can be sent."""
    if "\0" in text:
        raise DeviceRefused("a NUL character cannot be sent to a phone")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise DeviceRefused("the text holds half a character")
    return text
