"""Make the data set and say what is in it: `python -m training.dataset --utterances DIR`."""

import argparse
from pathlib import Path

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.grammar import Grammar, Vocabulary
from orchestrator.octopus.tokenizer import WordPieces
from orchestrator.settings import PACKAGED
from training import minilm
from training.command import command
from training.dataset.build import ROWS, VARIANTS, build
from training.dataset.encode import Encoder


def main() -> None:
    """Print how many rows of each shape there are, how often each function stands in parallel and
    nested ones, what was rejected, and the hash that the model card names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=Path, help="folder with train.jsonl and dev.jsonl")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--variants", type=int, default=VARIANTS, help="of each human sentence")
    chosen = parser.parse_args()
    catalogue = Catalogue.load(PACKAGED / "functions")
    grammar = Grammar(catalogue, Vocabulary.of(catalogue))
    encoder = Encoder(grammar, WordPieces(minilm.TOKENIZER))
    data = build(
        catalogue, encoder, rows=chosen.rows, seed=chosen.seed, utterances=chosen.utterances,
        variants=chosen.variants,
    )  # fmt: skip
    print(f"{len(data.rows)} rows, sha256 {data.digest}")
    for what, counts in (
        ("shape", data.shapes),
        ("rejected because", data.rejected),
        ("in parallel and nested rows", data.together),
    ):
        print(f"\n{what}")
        for name, count in sorted(counts.items(), key=lambda item: item[1]):
            print(f"  {count:7} {name}")


if __name__ == "__main__":
    command(main)
