"""Every test and benchmark that the table of promises names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ROWS = [
    line for line in (ROOT / "docs/promises.md").read_text().splitlines()
    if re.match(r"\| \d+ \|", line)
]  # fmt: skip


def test_every_promise_has_a_row() -> None:
    assert [int(row.split("|")[1]) for row in ROWS] == list(range(1, 41))


def test_every_test_that_is_named_is_there() -> None:
    named = [pair for row in ROWS for pair in re.findall(r"`([\w/]+\.py)::(test_\w+)`", row)]
    assert len(named) >= 40
    for file, test in named:
        text = (ROOT / "tests" / file).read_text()
        assert re.search(rf"^(async )?def {test}\(", text, re.MULTILINE), f"{file}::{test}"


def test_every_benchmark_that_is_named_is_there() -> None:
    for row in ROWS:
        for name in re.findall(r"`(\w+)[^`]*`", row.split("|")[5]):
            assert (ROOT / f"benchmarks/{name}.py").is_file(), name
