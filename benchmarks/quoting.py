"""Whether a text can escape its place: the shell line, the SQL condition and the URI of a phone.

    python -m benchmarks.quoting [--json] [--count 5000] [--seed 1]

Every text goes as one word through a real `sh` and Debian's `mksh` (Android's shell) and through
the simulated phone's; as a string in a condition through SQLite; as a part of a URI through
urllib. An injection is a file that a text's own commands made, a word too many or too few, a row
that was not asked for, or a part of a URI that ends early.
"""

import argparse
import json
import random
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from rich.console import Console
from rich.table import Table

from device_adapters.adb import quoting
from device_adapters.simulated.phone.files import Files
from device_adapters.simulated.phone.mksh import Shell
from device_adapters.simulated.phone.result import Result, Words

SHELLS = ("sh", "mksh")
WORDS_A_LINE = 7
LONGEST = 20_000
"""Characters of the longest texts; a few of them fill a line."""

ALPHABETS = (
    "abc XYZ019",
    "'\"\\`$(){}[]<>|&;~#*?!%^=:,./@-+ \t\r\n",
    "".join(map(chr, (*range(1, 32), 127, *range(128, 160)))),
    "éßЖ漢字ไทย🙂👩\u200d👧🏽\u0301\ufeff",
    "שלום مرحبا\u200e\u200f\u202a\u202e\u2066\u2069\u2028\u2029",
)
COMMAND = "echo x>canary"
ESCAPES = (
    *("; {}", "\n{}\n", "&& {}", "|| {}", "| {}", "& {} &", "$({})", "`{}`", "<({})", "$(({}))"),
    *("'; {}; '", '"; {}; "', "\\'; {} #", "$'\\x27'; {}", "${{IFS}}{}", "{{{},}}", ">canary"),
    *("' OR '1'='1", "'; DROP TABLE messages; --", "'' OR 1=1 --", "\\' OR 1 --", "x' || 'y"),
    *("&a=b", "#x", "?x=1", "/../..", "%2F%26", "+", "%", "%00", "--", "-e", "-n", "--where", "$0"),
)


@dataclass(frozen=True)
class Tried:
    """How many texts went through one place, came out as they were, and got out of it."""

    place: str
    texts: int
    identical: int
    injections: int


Through = Callable[[Sequence[str]], Tried]


def texts(count: int, seed: int) -> Iterator[str]:
    """Texts of all sorts, half of them with something in them that would escape."""
    chance = random.Random(seed)
    everything = "".join(ALPHABETS)
    yield from ("", " ", "'", "\\", "\n", "x" * LONGEST, "'" * (LONGEST // 4))
    for _ in range(count - 7):
        alphabet = chance.choice((*ALPHABETS, everything, everything))
        text = "".join(chance.choices(alphabet, k=chance.randint(1, 60)))
        if chance.random() < 0.5:
            escape = chance.choice(ESCAPES).format(COMMAND)
            at = chance.randint(0, len(text))
            text = text[:at] + escape + text[at:]
        yield text


def batches(given: Sequence[str]) -> Iterator[list[str]]:
    """A line's worth of texts at a time."""
    rest = iter(given)
    while batch := list(islice(rest, WORDS_A_LINE)):
        yield batch


def through_shell(program: str, given: Sequence[str]) -> Tried:
    """The words that a real shell makes of quoted lines, and what it did besides."""
    identical = injections = 0
    with tempfile.TemporaryDirectory(prefix="octopus-quoting-") as name:
        for batch in batches(given):
            line = quoting.line("printf", "%s\\0", *batch)
            ended = subprocess.run(
                [program, "-c", line], capture_output=True, cwd=name, check=False
            )
            said = ended.stdout.split(b"\0")[:-1]
            injections += len(said) != len(batch)
            identical += sum(a == b.encode() for a, b in zip(said, batch, strict=False))
        injections += len(list(Path(name).iterdir()))
    return Tried(program, len(given), identical, injections)


def through_simulated(given: Sequence[str]) -> Tried:
    """The words that the simulated phone's shell makes of the same lines."""
    identical = injections = 0
    heard: list[Words] = []

    def hear(words: Words, _: bytes) -> Result:
        heard.append(words)
        return Result()

    for batch in batches(given):
        heard.clear()
        Shell(hear, Files()).run(quoting.line("printf", *batch))
        injections += len(heard) != 1 or len(heard[0]) != len(batch) + 1
        identical += sum(a == b for a, b in zip(heard[0][1:], batch, strict=False))
    return Tried("simulated phone", len(given), identical, injections)


def through_sql(given: Sequence[str]) -> Tried:
    """The rows that a condition finds, as `content --where` gives it to SQLite."""
    identical = injections = 0
    with closing(sqlite3.connect(":memory:")) as store:
        store.execute("CREATE TABLE messages (_id INTEGER PRIMARY KEY, body TEXT)")
        store.executemany("INSERT INTO messages (body) VALUES (?)", [(text,) for text in given])
        store.execute("CREATE INDEX bodies ON messages (body)")
        for text in given:
            where = f"body={quoting.sql(text)}"
            found = {
                body for (body,) in store.execute(f"SELECT body FROM messages WHERE ({where})")
            }
            identical += text in found
            injections += found != {text}
        (left,) = store.execute("SELECT count(*) FROM messages").fetchone()
        injections += left != len(given)
    return Tried("content --where", len(given), identical, injections)


def through_uri(given: Sequence[str]) -> Tried:
    """The parts that a reader of URIs takes apart again."""
    identical = injections = 0
    for text in given:
        part = quoting.part(text)
        split = urlsplit(f"https://example.org/{part}/b?q={part}&z=1#end")
        pairs = parse_qsl(split.query, keep_blank_values=True)
        identical += pairs[:1] == [("q", text)] and unquote(split.path[1:-2]) == text
        injections += pairs[1:] != [("z", "1")] or split.fragment != "end"
        injections += (split.netloc, split.path[-2:]) != ("example.org", "/b")
    return Tried("URI part", len(given), identical, injections)


def tried(count: int, seed: int) -> list[Tried]:
    """All places, with the same texts."""
    given = list(texts(count, seed))
    real = [through_shell(program, given) for program in SHELLS if shutil.which(program)]
    return [*real, through_simulated(given), through_sql(given), through_uri(given)]


def main() -> None:
    """Count, print a table, and with --json one line of figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    places = tried(chosen.count, chosen.seed)
    table = Table("place", "texts", "identical", "injections", "")
    for one in places:
        kept = one.identical == one.texts and one.injections == 0
        numbers = map(str, (one.texts, one.identical, one.injections))
        table.add_row(one.place, *numbers, "ok" if kept else "[red]missed")
    Console().print(table)
    if chosen.json:
        figures = {one.place: [one.texts, one.identical, one.injections] for one in places}
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
