"""Java's number readers, with Java's complaints."""

import re

ILLEGAL = "java.lang.IllegalArgumentException"
_FORMAT = "java.lang.NumberFormatException"
_INT, _LONG = 2**31, 2**63


class JavaError(Exception):
    """An exception as Android prints it: class, then message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.message = message


def decode_int(text: str) -> int:
    """`Integer.decode`: sign, then 0x, # or 0 for hexadecimal and octal."""
    if not text:
        raise JavaError(_FORMAT, "Zero length string")
    match = re.fullmatch(r"([+-]?)(0[xX]|#|0(?=.))?(.*)", text, re.DOTALL)
    sign, prefix, digits = match.groups() if match else ("", None, text)
    radix = {None: 10, "0": 8}.get(prefix, 16)
    suffix = "" if radix == 10 else f" under radix {radix}"
    shown = text if radix == 10 else sign.replace("+", "") + digits
    return _read(shown, digits, sign, radix, _INT, suffix)


def parse_long(text: str) -> int:
    """`Long.parseLong`: decimal digits and a sign, nothing else."""
    match = re.fullmatch(r"([+-]?)(.*)", text, re.DOTALL)
    sign, digits = match.groups() if match else ("", text)
    return _read(text, digits, sign, 10, _LONG, "")


def parse_float(text: str) -> float:
    """`Float.parseFloat`."""
    try:
        return float(text.strip().rstrip("fFdD"))
    except ValueError:
        raise JavaError(_FORMAT, f'For input string: "{text}"') from None


def _read(shown: str, digits: str, sign: str, radix: int, limit: int, suffix: str) -> int:
    error = JavaError(_FORMAT, f'For input string: "{shown}"{suffix}')
    if not re.fullmatch(r"[0-9a-zA-Z]+", digits):
        raise error
    try:
        value = int(sign + digits, radix)
    except ValueError:
        raise error from None
    if not -limit <= value < limit:
        raise error
    return value
