"""Colours as people say them, to ones that a lamp takes: pure."""

from __future__ import annotations

import webcolors

from schemas.color import COLORS
from schemas.errors import DeviceRefused


def color(text: str) -> tuple[int, int, int]:
    """Red, green and blue of a colour by its name or #rrggbb; `DeviceRefused` for any other."""
    plain = " ".join(text.casefold().split())
    code = COLORS.get(plain, plain.replace(" ", ""))
    read = webcolors.hex_to_rgb if code.startswith("#") else webcolors.name_to_rgb
    try:
        red, green, blue = read(code)
    except ValueError as exc:
        raise DeviceRefused(f"the colour {text} is not known") from exc
    return red, green, blue


def color_name(text: str) -> str:
    """What a person calls a colour: #rrggbb by the name that CSS has for it, all else as said."""
    try:
        return str(webcolors.hex_to_name(text))
    except ValueError:
        return text


def color_code(reported: str | None) -> str | None:
    """A lamp's "r,g,b" as #rrggbb; None where it reports none."""
    try:
        red, green, blue = bytes(map(int, (reported or "").split(",")))
    except ValueError:
        return None
    return f"#{red:02x}{green:02x}{blue:02x}"
