"""Nothing outside the grammar can be written, whatever the model scores."""

import numpy as np
import pytest

from orchestrator import decoder
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.grammar import Grammar, Vocabulary
from orchestrator.octopus.words import Words


@pytest.fixture(scope="module")
def grammar(catalogue: Catalogue) -> Grammar:
    return Grammar(catalogue, Vocabulary.of(catalogue))


def test_what_random_scores_write_can_always_be_read(
    grammar: Grammar, catalogue: Catalogue
) -> None:
    sentence = "text O'Neil \\'s \"late\" <nexa_end>, ok"
    cuts = [(at, at + 1) for at, letter in enumerate(sentence) if letter != " "]
    words = Words(sentence, tuple(range(len(cuts) + 2)), ((0, 0), *cuts, (0, 0)))
    random = np.random.default_rng(1)
    for _ in range(10_000):
        derivation = grammar.start()
        while derivation.slot is not None:
            allowed = derivation.open(words)
            scores = random.standard_normal(len(allowed))
            derivation.take(int(np.where(allowed, scores, -np.inf).argmax()), words)
        calls = decoder.read(derivation.text(), catalogue)
        written = ";".join(decoder.write(call, catalogue) for call in calls)
        assert written + "<nexa_end>" == derivation.text()


def test_a_span_never_ends_before_it_starts(grammar: Grammar) -> None:
    actions = grammar.vocabulary.action_ids
    words = Words("a b c", (101, 1, 2, 3, 102), ((0, 0), (0, 1), (2, 3), (4, 5), (0, 0)))
    derivation = grammar.start()
    derivation.take(actions["<nexa_2>"])
    derivation.take(len(actions) + 2)
    pointers = derivation.open(words)[len(actions) :]
    assert pointers.tolist() == [False, False, True, True, False]


def test_the_vocabulary_is_stable_for_one_catalogue(catalogue: Catalogue) -> None:
    vocabulary = Vocabulary.of(catalogue)
    assert vocabulary == Vocabulary.of(catalogue)
    assert len(set(vocabulary.actions)) == len(vocabulary.actions)
    assert vocabulary.actions[:3] == ("<nexa_0>", "<nexa_1>", "<nexa_2>")
