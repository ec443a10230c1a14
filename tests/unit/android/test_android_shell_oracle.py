"""The simulated shell takes lines apart as mksh does, thousands of them."""

import random
import re
from pathlib import Path

from tests.unit.android.mksh_kit import Ran, judged, needs_mksh, ran, simulated, split

LINES = 3000
CHARACTERS = "abc 0'\"\\$`!*?[]{}()<>|&;~#\n\t\r=%:,./-+^@éßЖ漢🙂\x03\x1b\x7f\u2028\u200f"
FRAGMENTS = (
    *("a", "b", "c", "1", " ", "  ", "\t", "'", '"', "\\", "\n", "$", "=", "#", "%", "!", ",", "."),
    *("$x", "${x}", "$y", "${y}", '"$x"', "$?", "${x#a}", "${y%b*}", "${y%%'b'}", "${x##*", "}"),
    *("x=", "y=", "$(", "(", ")", "{", "[", "]", "*", "?", "~", "é", "漢", "🙂", "$'", "\\n"),
    *(";", "&&", "||", "|", "args ", "echo ", "true", "false", "both", "\\c", "exit ", "export "),
    *("if ", "then ", "elif ", "else ", "fi", "[ ", " ]", "[[ ", " ]]", "-z ", " = ", " != "),
    *(" 2>&1 ", " >/dev/null ", " 2>/dev/null ", " &>/dev/null ", "args 'a b'"),
)
UNLIKE = re.compile(
    r"""[&|][ \t\n]*$       # eval, unlike -c, takes a line that ends so
      | \w\[ | -\w?\]?      # subscripts, and options of commands that are none
      | (?<![&>])&(?![&>])  # what runs at the same time speaks in any order""",
    re.VERBOSE,
)


def spelled(word: str, chance: random.Random) -> str:
    """A word in a random mixture of all ways to quote."""
    said = ""
    while word or not said:
        size = chance.randint(1, 8)
        piece, word = word[:size], word[size:]
        said += chance.choice(WAYS)(piece)
    return said


def backslashes(text: str) -> str:
    return "".join("'\n'" if c == "\n" else "\\" + c for c in text) or "''"


def dollar(text: str) -> str:
    return "$'" + "".join(f"\\u{ord(c):04x}" if ord(c) < 0x7F else c for c in text) + "'"


WAYS = (
    lambda text: "'" + text.replace("'", "'\\''") + "'",
    lambda text: '"' + re.sub(r'([\\"$`])', r"\\\1", text) + '"',
    backslashes,
    dollar,
)


@needs_mksh
def test_quoted_words(tmp_path: Path) -> None:
    chance = random.Random(11)
    words = [
        ["".join(chance.choices(CHARACTERS, k=chance.randint(0, 20))) for _ in range(4)]
        for _ in range(LINES)
    ]
    lines = ["args " + " ".join(spelled(word, chance) for word in line) for line in words]
    theirs = judged(lines, tmp_path)
    ours = [ran(simulated(line)) for line in lines]
    assert split([one.stdout for one in theirs]) == words
    assert ours == theirs


@needs_mksh
def test_arbitrary_lines(tmp_path: Path) -> None:
    """Whatever it does not refuse as not simulated, it does as mksh does."""
    chance = random.Random(23)
    lines = [
        "x='a b*c'; y=abcab; " + "".join(chance.choices(FRAGMENTS, k=chance.randint(1, 12)))
        for _ in range(LINES)
    ]
    lines = [line for line in lines if not UNLIKE.search(line)]
    results = [simulated(line) for line in lines]
    read = [
        (line, ran(result))
        for line, result in zip(lines, results, strict=True)
        if b"not simulated" not in result.stdout + result.stderr
    ]
    assert len(read) > LINES / 2
    theirs = judged([line for line, _ in read], tmp_path)
    different = [
        (line, ours, real)
        for (line, ours), real in zip(read, theirs, strict=True)
        if worded(ours) != worded(real)
    ]
    assert different == []


def worded(one: Ran) -> Ran:
    """Up to the first complaint: its wording is another matter."""
    return Ran(re.sub(rb"(?s)([EW]: )?/system/bin/sh: .*", b"", one.stdout), one.code)
