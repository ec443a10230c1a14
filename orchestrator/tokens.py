"""The text of functional tokens, and how values are written between them."""

import re

from schemas.base import Scalar

END = "<nexa_end>"
FUNCTIONAL = re.compile(r"<nexa_(\d+|end)>")


def functional(token: int) -> str:
    """The functional token's text."""
    return f"<nexa_{token}>"


def literal(value: Scalar | None) -> str:
    """A value as the grammar writes it: a Python literal, strings in single quotes."""
    if not isinstance(value, str):
        return repr(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + escaped.replace("\n", "\\n").replace("\r", "\\r") + "'"
