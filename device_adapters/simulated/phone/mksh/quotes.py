"""`$'…'`: the escapes that mksh shares with C."""

import re

from device_adapters.simulated.phone.mksh.tree import NotSimulatedError, ShellSyntaxError

_SIMPLE = dict(zip("abefnrtv\\'\"?", "\a\b\x1b\f\n\r\t\v\\'\"?", strict=True))
_PIECE = re.compile(
    r"""(?P<plain>[^\\']+)
      | \\(?P<simple>[abefnrtv\\'"?])
      | \\(?P<octal>[0-7]{1,3})
      | \\x(?P<hexadecimal>[0-9A-Fa-f]{1,2})(?![0-9A-Fa-f])
      | \\u(?P<short>[0-9A-Fa-f]{1,4}) | \\U(?P<long>[0-9A-Fa-f]{1,8})""",
    re.VERBOSE | re.DOTALL,
)


def dollar_quoted(text: str, start: int) -> tuple[str, int]:
    """What stands between the quotes, and the position behind them; bytes are surrogates."""
    said, position = "", start
    while not text.startswith("'", position):
        match = _PIECE.match(text, position)
        if match is None:
            if position >= len(text) or text[position:] == "\\":
                raise ShellSyntaxError("no closing quote")
            raise NotSimulatedError(f"{text[position:][:2]} in $'…'")
        said += _meaning(match)
        position = match.end()
    return said, position + 1


def _meaning(match: re.Match[str]) -> str:
    """What one piece stands for."""
    kind, piece = str(match.lastgroup), str(match[str(match.lastgroup)])
    if kind == "plain":
        return piece
    if kind == "simple":
        return _SIMPLE[piece]
    number = int(piece, 8 if kind == "octal" else 16)
    byte = kind in ("octal", "hexadecimal")
    if number == 0 or number > (0xFF if byte else 0x10FFFF) or 0xD800 <= number < 0xE000:
        raise NotSimulatedError(f"character {number} in $'…'")
    return bytes([number]).decode(errors="surrogateescape") if byte else chr(number)
