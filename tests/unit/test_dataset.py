"""The data set: every shape can be written, checked, and read back as it was meant."""

import random
from pathlib import Path

import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.grammar import Grammar, Vocabulary
from orchestrator.octopus.manifest import TOKENIZER, WEIGHTS
from orchestrator.octopus.tokenizer import WordPieces
from training.dataset.build import build, held_out
from training.dataset.compose import Composer
from training.dataset.encode import Encoder
from training.dataset.example import Example, Intended, Span
from training.dataset.noise import noisy
from training.dataset.shapes import FOLDER, ShapeError, fill, lines
from training.dataset.verify import Verifier

SENTENCES = sorted((Path(__file__).parent.parent / "sentences").glob("*.jsonl"))


@pytest.fixture(scope="module")
def encoder(catalogue: Catalogue) -> Encoder:
    grammar = Grammar(catalogue, Vocabulary.of(catalogue))
    return Encoder(grammar, WordPieces(WEIGHTS / TOKENIZER))


def test_every_shape_of_every_function_can_be_encoded(
    catalogue: Catalogue, encoder: Encoder
) -> None:
    rng = random.Random(1)
    for function in catalogue:
        if function.name == "irrelevant_function":
            continue
        for shape in lines(f"shapes/{function.name}.txt"):
            written = fill(shape.removeprefix("= "), rng)
            call = Intended(function.name, dict(written.arguments))
            assert encoder(Example(written.text, (call,), shape)).text


def test_slots_are_marked_where_they_stand() -> None:
    written = fill(
        "( now|)text {contact_name~Ana} that {message~(hi|hello)} {camera=front}", random.Random(3)
    )
    spans = {n: v for n, v in written.arguments.items() if isinstance(v, Span)}
    assert written.text[spans["contact_name"].start : spans["contact_name"].end] == "Ana"
    assert written.text[spans["message"].start : spans["message"].end] in ("hi", "hello")
    assert written.arguments["camera"] == "front"
    assert "  " not in written.text


@pytest.mark.parametrize("shape", ["text {contact_name:nobody}", "a (b|c", "a {b"])
def test_a_shape_that_cannot_be_read_is_named(shape: str) -> None:
    with pytest.raises(ShapeError):
        fill(shape, random.Random(1))


def test_noise_moves_marks_along() -> None:
    example = Example("Please send quickly to Ana", (Intended("x", {"to": Span(23, 26)}),), "test")
    rng = random.Random(1)
    for _ in range(300):
        changed = noisy(example, rng)
        span = changed.calls[0].arguments["to"]
        assert isinstance(span, Span)
        assert changed.sentence[span.start : span.end].lower() == "ana"


def test_the_same_seed_makes_the_same_rows(catalogue: Catalogue, encoder: Encoder) -> None:
    made = [
        build(catalogue, Verifier(catalogue, encoder, set()), rows=300, seed=5, utterances=None)
        for _ in range(2)
    ]
    assert made[0].digest == made[1].digest
    assert len(made[0].rows) == 300


def test_held_out_sentences_are_kept_out(catalogue: Catalogue, encoder: Encoder) -> None:
    verifier = Verifier(catalogue, encoder, held_out(*SENTENCES))
    call = Intended("get_trending_news")
    assert verifier(Example("Whats trending?!", (call,), "test")) is None
    assert verifier.rejected == {"repeated": 1}


def test_what_is_composed_passes_verification(catalogue: Catalogue, encoder: Encoder) -> None:
    verifier = Verifier(catalogue, encoder, set())
    composer = iter(Composer(catalogue, 11))
    for _ in range(1_500):
        verifier(next(composer))
    assert set(verifier.rejected) <= {"repeated", "too long"}


def test_no_shape_file_without_a_function(catalogue: Catalogue) -> None:
    other = {"irrelevant", "refusals", "conditions", "contexts", "nested"}
    other |= {"wrappers", "connectors", "ellipsis"}
    files = {file.stem for file in (FOLDER / "shapes").glob("*.txt")} - other
    assert files == {f.name for f in catalogue} - {"irrelevant_function"}
