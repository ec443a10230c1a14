"""A sheet of rows for a second reader: `python -m training.dataset.review --out sheet.tsv`.

Every function has `EACH` sentences of its own; parallel, nested and irrelevant ones follow. Whoever
reads it writes yes or no before each row: would a careful person ask for exactly these calls with
these words? What came of it stands in README.md beside this file.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.grammar import Grammar, Vocabulary
from orchestrator.octopus.tokenizer import WordPieces
from orchestrator.settings import PACKAGED
from training import minilm
from training.dataset.compose import Composer
from training.dataset.encode import Encoder
from training.dataset.example import Example, Intended, Span
from training.dataset.verify import Verifier

EACH = 18
OTHERS = {"parallel": 90, "nested": 60, "irrelevant": 120}


def sheet(catalogue: Catalogue, seed: int) -> Iterator[Example]:
    """Verified examples: `EACH` of every function alone, then `OTHERS`."""
    grammar = Grammar(catalogue, Vocabulary.of(catalogue))
    verifier = Verifier(catalogue, Encoder(grammar, WordPieces(minilm.TOKENIZER)), set())
    composer = Composer(catalogue, seed)
    writers = {
        name: (lambda name=name: composer.single(name), EACH) for name in composer.functions
    } | {kind: (getattr(composer, kind), count) for kind, count in OTHERS.items()}
    for write, count in writers.values():
        left = count
        while left:
            example = write()
            if verifier(example) is not None:
                left -= 1
                yield example


def shown(call: Intended, sentence: str) -> str:
    """A call as a reader sees it: what was said, not what was left out."""
    parts = []
    for name, value in call.arguments.items():
        if isinstance(value, Span):
            parts.append(f"{name}={sentence[value.start : value.end]!r}")
        elif isinstance(value, Intended):
            parts.append(f"{name}={shown(value, sentence)}")
        elif isinstance(value, str):
            parts.append(f"{name}={value}")
    return f"{call.function}({', '.join(parts)})"


def main() -> None:
    """Write the sheet, one row a line: an empty verdict, the sentence, the calls."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    catalogue = Catalogue.load(PACKAGED / "functions")
    rows = [
        f"\t{e.sentence}\t{'; '.join(shown(call, e.sentence) for call in e.calls)}"
        for e in sheet(catalogue, chosen.seed)
    ]
    chosen.out.write_text("\n".join(["verdict\tsentence\tcalls", *rows]) + "\n", encoding="utf-8")
    print(f"{len(rows)} rows in {chosen.out}")


if __name__ == "__main__":
    main()
