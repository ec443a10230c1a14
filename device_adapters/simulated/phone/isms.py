"""`service call isms`: text messages without a screen, by a number that differs from release to
release.

AOSP's ISms.aidl: until sdk 29 sendTextForSubscriber is 6, its WithSelfPermissions 7 and its
WithOptions 8; from sdk 30 on (checked up to 35) it is 5 and its WithOptions 6, and it takes an
attribution tag behind the package and a message id at the end. What the caller writes is read in
that order, whatever it meant: a call for another release sends something else, or nothing.
"""

import re
from dataclasses import dataclass

from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import Phone

SEND_OLD, SEND_NEW = (6, 7, 8), (5, 6)
TAGGED = 30
"""The first sdk that wants an attribution tag."""

LONGEST_ASCII, LONGEST_OTHER = 160, 70
OUTBOX_FAILED = 5
_METHODS = 34
_SIZES = {"i32": 4, "i64": 8, "f": 4, "d": 8}


@dataclass
class _Parcel:
    """What was written, read back in order; behind its end stand zeros and nulls."""

    cells: list[tuple[str, str]]

    def number(self) -> int:
        """The next 4 bytes as a number; of a text its length."""
        if not self.cells:
            return 0
        kind, value = self.cells.pop(0)
        if kind not in _SIZES:
            return len(value)
        digits = re.match(r"[+-]?\d+", value)  # as C's atoi reads it
        return int(digits[0]) if digits else 0

    def text(self) -> str | None:
        """The next text; None where something else was written."""
        if not self.cells:
            return None
        kind, value = self.cells.pop(0)
        return value if kind == "s16" else None


def call(phone: Phone, words: Words) -> Result:
    """`service call isms CODE [TYPE VALUE]…`."""
    match words:
        case ["call", "isms", code, *rest] if code.isdecimal():
            return _call(phone, int(code), _Parcel(_cells(rest)))
        case ["call", name, *_]:
            return complain(f"service: Service {name} does not exist", 10)
        case ["check", name]:
            known = "found" if name == "isms" else "not found"
            return say(f"Service {name}: {known}")
    return complain(
        "Usage: service [-h|-?]\n       service list\n       service call SERVICE CODE", 10
    )


def _cells(words: Words) -> list[tuple[str, str]]:
    """Types and values; `null` alone is an empty binder's 4 bytes."""
    cells, rest = list[tuple[str, str]](), iter(words)
    for kind in rest:
        if kind == "null":
            cells.append(("i32", "0"))
            continue
        value = next(rest, None)
        if value is None or kind not in (*_SIZES, "s16"):
            break
        cells.append((kind, value))
    return cells


def _call(phone: Phone, code: int, parcel: _Parcel) -> Result:
    """The reply: a parcel of zeros is success, and so is doing nothing of note."""
    sends = SEND_NEW if phone.sdk >= TAGGED else SEND_OLD
    if code in sends:
        return _send(phone, parcel)
    return _parcel(0) if 0 < code <= _METHODS else say("Result: Parcel(NULL)")


def _send(phone: Phone, parcel: _Parcel) -> Result:
    subscription, _package = parcel.number(), parcel.text()
    if phone.sdk >= TAGGED:
        parcel.text()
    address, _center, body = parcel.text(), parcel.text(), parcel.text()
    _sent, _delivered, kept = parcel.number(), parcel.number(), parcel.number()
    if not phone.permissions["SEND_SMS"]:
        return _exception(
            "Sending SMS message: uid 2000 does not have android.permission.SEND_SMS."
        )
    if body is None or address is None:
        return _exception("Invalid message body")
    if subscription in [sim.subscription for sim in phone.sims]:
        _radio(phone, address, body, kept=bool(kept))
    return _parcel(0)  # a SIM that is not there is only logged


def _radio(phone: Phone, address: str, body: str, *, kept: bool) -> None:
    """Send it: one that is too long is dropped by the modem, and nobody is told."""
    room = LONGEST_ASCII if body.isascii() else LONGEST_OTHER
    if len(body.encode("utf-16-le", "surrogatepass")) // 2 > room:
        return
    date = int(phone.clock() * 1000)
    if phone.settings["global"].get("airplane_mode_on") == "1":
        phone.provider.add_sent(address, body, date, box=OUTBOX_FAILED)
    elif kept and phone.manners.sent_kept:
        phone.provider.add_sent(address, body, date)
    else:
        phone.radioed.append((address, body))


def _exception(message: str) -> Result:
    """A SecurityException as it lies in a parcel: -1, then its words."""
    text = message.encode("utf-16-le") + b"\0\0"
    text += b"\0" * (-len(text) % 4)
    return _dumped((0xFFFFFFFF).to_bytes(4, "little") + len(message).to_bytes(4, "little") + text)


def _parcel(number: int) -> Result:
    return _dumped(number.to_bytes(4, "little"))


def _dumped(data: bytes) -> Result:
    """A parcel as `service` prints it: words of 4 bytes, 4 a line, and their characters."""
    lines = [data[at : at + 16] for at in range(0, len(data), 16)]
    if len(lines) == 1:
        return say(f"Result: Parcel({_words(lines[0])}   '{_characters(lines[0])}')")
    rows = "\n".join(
        f"  {at * 16:#010x}: {_words(line):<36}'{_characters(line)}'"
        for at, line in enumerate(lines)
    )
    return say(f"Result: Parcel(\n{rows})")


def _words(line: bytes) -> str:
    cells = [int.from_bytes(line[at : at + 4], "little") for at in range(0, len(line), 4)]
    return "".join(f"{cell:08x} " for cell in cells)


def _characters(line: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
