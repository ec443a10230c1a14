"""toybox's filters, as far as clients pipe through them."""

import re
from collections.abc import Callable
from getopt import GetoptError, gnu_getopt

from device_adapters.simulated.phone.mksh import NotSimulatedError, sed
from device_adapters.simulated.phone.mksh.posix_regex import longest, translated
from device_adapters.simulated.phone.result import Result, Words, complain

Read = Callable[[str], bytes]
"""A file's bytes by its path, standard input's for `-`; raises `OSError`."""


def run(name: str, words: Words, read: Read) -> Result:
    """Run one of `FILTERS`; an option that is not known here is not simulated."""
    try:
        return FILTERS[name](words, read)
    except (GetoptError, ValueError) as exc:
        raise NotSimulatedError(f"{name}: {exc}") from exc


def _options(words: Words, letters: str) -> tuple[dict[str, str], list[str]]:
    """Options by letter, wherever they stand, and the operands."""
    found, operands = gnu_getopt(list(words), letters)
    return {option[1:]: value for option, value in found}, operands


def _one(operands: list[str], read: Read) -> bytes:
    """The bytes of the only operand, or of standard input."""
    if len(operands) > 1:
        raise NotSimulatedError("a filter with several files")
    return read(operands[0] if operands else "-")


def _lines(data: bytes) -> list[str]:
    """The lines without their ends."""
    text = data.decode(errors="surrogateescape")
    return text.removesuffix("\n").split("\n") if text else []


def _said(lines: list[str], code: int = 0) -> Result:
    text = "".join(line + "\n" for line in lines)
    return Result(text.encode(errors="surrogateescape"), code=code)


def _cat(words: Words, read: Read) -> Result:
    _, paths = _options(words, "")
    return Result(b"".join(read(path) for path in paths or ["-"]))


def _head(words: Words, read: Read) -> Result:
    options, operands = _options(_counted(words), "n:c:")
    data = _one(operands, read)
    if "c" in options:
        return Result(data[: _number(options["c"])])
    return Result(b"".join(_kept(data)[: _number(options.get("n", "10"))]))


def _tail(words: Words, read: Read) -> Result:
    options, operands = _options(_counted(words), "n:")
    lines, count = _kept(_one(operands, read)), options.get("n", "10")
    if count.startswith("+"):
        return Result(b"".join(lines[max(_number(count[1:]) - 1, 0) :]))
    return Result(b"".join(lines[max(len(lines) - _number(count), 0) :]))


def _kept(data: bytes) -> list[bytes]:
    """The lines with their ends."""
    return re.findall(rb"[^\n]*\n|[^\n]+", data)


def _counted(words: Words) -> list[str]:
    """`-3` is `-n 3`."""
    return [re.sub(r"^-(?=\d+$)", "-n", word) for word in words]


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{text} is no number")
    return int(text)


def _cut(words: Words, read: Read) -> Result:
    """One field or a range of them; a line without the delimiter is all of it."""
    options, operands = _options(words, "d:f:")
    delimiter, fields = options.get("d", "\t"), options.get("f", "")
    if len(delimiter) != 1 or not re.fullmatch(r"[1-9]\d*(-\d*)?", fields):
        raise ValueError(f"-d {delimiter} -f {fields}")
    first, dash, last = fields.partition("-")
    end = (int(last) if last else None) if dash else int(first)
    return _said(
        [
            delimiter.join(line.split(delimiter)[int(first) - 1 : end])
            if delimiter in line
            else line
            for line in _lines(_one(operands, read))
        ]
    )


def _tr(words: Words, read: Read) -> Result:
    """`tr OLD NEW` and `tr -d SET`."""
    options, sets = _options(words, "d")
    spelled = [_spelled(text) for text in sets]
    data = read("-").decode(errors="surrogateescape")
    match options, spelled:
        case {"d": _}, [gone]:
            table: dict[int, str | None] = dict.fromkeys(map(ord, gone))
        case {}, [old, new] if new and not options:
            table = {ord(a): new[min(n, len(new) - 1)] for n, a in enumerate(old)}
        case _:
            raise ValueError(f"{len(sets)} sets")
    return Result(data.translate(table).encode(errors="surrogateescape"))


def _spelled(text: str) -> str:
    """The characters of a set: plain ones, ranges, and \\n, \\r, \\t."""
    if "[" in text or re.search(r"\\(?![nrt\\])", text):
        raise ValueError(text)
    text = re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m[1], m[1]), text)
    return re.sub(
        "(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), text, flags=re.S
    )


def _wc(words: Words, read: Read) -> Result:
    options, operands = _options(words, "lwc")
    if len(options) != 1 or operands:
        raise ValueError("one count of standard input")
    data = read("-")
    counts = {"l": data.count(b"\n"), "w": len(data.split()), "c": len(data)}
    return _said([str(counts[letter]) for letter in options])


def _sed(words: Words, read: Read) -> Result:
    options, operands = _options(words, "nrE")
    if not operands:
        raise ValueError("no script")
    script, *files = operands
    data = _one(files, read)
    if data and not data.endswith(b"\n"):
        raise ValueError("a last line without its end")
    extended = bool({"r", "E"} & options.keys())
    return _said(sed.edited(script, _lines(data), extended=extended, quiet="n" in options))


def _grep(words: Words, read: Read) -> Result:
    """The lines that match; code 1 where none does."""
    options, operands = _options(words, "EFciqvonxA:m:e:")
    pattern = options["e"] if "e" in options else operands.pop(0) if operands else None
    if pattern is None:
        return complain("grep: no REGEX", 2)
    try:
        lines = _lines(_one(operands, read))
    except OSError as exc:
        return complain(f"grep: {exc}", 2)
    expression, wanted = _expression(pattern, options), "v" not in options
    hits = [at for at, line in enumerate(lines) if bool(expression.search(line)) == wanted]
    hits = hits[: _number(options.get("m", str(len(lines))))]
    code = int(not hits)
    if "q" in options:
        return Result(code=code)
    if "c" in options:
        return _said([str(len(hits))], code)
    if "o" in options:
        parts = [part for at in hits for part in longest(expression, lines[at])]
        return _said(parts, int(not parts))
    return _said(_with_context(lines, hits, options), code)


def _expression(pattern: str, options: dict[str, str]) -> re.Pattern[str]:
    if "\n" in pattern or ("o" in options and options.keys() & set("vn")):
        raise ValueError("these options together")
    text = re.escape(pattern) if "F" in options else translated(pattern, extended="E" in options)
    return re.compile(rf"^(?:{text})$" if "x" in options else text, re.I if "i" in options else 0)


def _with_context(lines: list[str], hits: list[int], options: dict[str, str]) -> list[str]:
    """Matching lines and what -A wants after each; `--` stands between groups."""
    said: list[str] = []
    shown, after = -1, _number(options.get("A", "0"))
    for hit in hits:
        if after and shown >= 0 and hit > shown + 1:
            said.append("--")
        # toybox stops at the last line that -m allows.
        end = hit if options.get("m") == str(hits.index(hit) + 1) else hit + after
        for at in range(max(hit, shown + 1), min(end + 1, len(lines))):
            mark = ":" if at in hits else "-"
            said.append(f"{at + 1}{mark}{lines[at]}" if "n" in options else lines[at])
            shown = at
    return said


FILTERS: dict[str, Callable[[Words, Read], Result]] = {
    "cat": _cat,
    "cut": _cut,
    "grep": _grep,
    "head": _head,
    "sed": _sed,
    "tail": _tail,
    "tr": _tr,
    "wc": _wc,
}
