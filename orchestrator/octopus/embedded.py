"""The embedded model on ONNX Runtime: one pass over the sentence, a small one for each decision."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from orchestrator.catalogue import TOKENS, Catalogue
from orchestrator.octopus.engine import Caution, Floats, SentenceTooLong
from orchestrator.octopus.grammar import FIRST, NEXT, Grammar, Vocabulary
from orchestrator.octopus.manifest import (
    CAUTION,
    DECIDER,
    READER,
    TAUGHT,
    TOKENIZER,
    WEIGHTS,
    DamagedWeights,
    manifest_of,
    mend,
)
from orchestrator.octopus.tokenizer import MAX_PIECES, WordPieces
from orchestrator.octopus.words import Flags, Words
from orchestrator.tokens import END


class EmbeddedModel:
    """One folder of embedded weights, loaded; used from one thread at a time."""

    name = "embedded"

    def __init__(
        self,
        catalogue: Catalogue,
        folder: Path = WEIGHTS,
        threads: int = 1,
        *,
        temperature: float | None = None,
    ) -> None:
        """`temperature`: instead of the manifest's."""
        manifest = manifest_of(folder)
        self._temperature = np.float32(manifest.temperature if temperature is None else temperature)
        vocabulary = Vocabulary(manifest.actions, manifest.slots)
        _check_vocabulary(vocabulary, catalogue, folder)
        self._grammar = Grammar(catalogue, vocabulary)
        self._pieces = WordPieces(folder / TOKENIZER)
        self._sure = np.float32(manifest.sure)
        self._taught_tokens = np.array(manifest.taught, np.int64)
        self._taught_slots = vocabulary.slots_of(manifest.taught)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3

        def loaded(name: str) -> onnxruntime.InferenceSession:
            file = str(folder / name)
            return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

        self._reader, self._decider = loaded(READER), loaded(DECIDER)
        self._second = loaded(TAUGHT) if manifest.taught else None
        self._cautious = loaded(CAUTION) if manifest.caution else None
        self._kinds = manifest.caution

    def start(self, sentence: str) -> "Pointing":
        """See `engine.Model`."""
        words = self._cut(sentence)
        read, middle = self._read(words.ids)
        second = _Decider(self._second, read) if self._second else None
        first = _Decider(self._decider, read)
        return Pointing(self._grammar, words, first, second, self._caution(middle))

    def caution(self, sentence: str) -> Caution:
        """What is made of the sentence without deciding anything; SentenceTooLong."""
        return self._caution(self.middle(self._cut(sentence).ids))

    def read(self, ids: Sequence[int]) -> Floats:
        """What the reader makes of word pieces, float [2 + 2 * deciding layers, n, width]: what was
        read, the pointer's keys, then the keys and the values of every deciding layer."""
        return self._read(ids)[0]

    def middle(self, ids: Sequence[int]) -> Floats:
        """What it makes of them halfway, float [n, width]."""
        return self._read(ids)[1]

    def _read(self, ids: Sequence[int]) -> tuple[Floats, Floats]:
        """Both; weights that were made before there was caution do not tell the second."""
        read, *middle = self._reader.run(None, {"ids": np.array(ids)})
        return read, middle[0] if middle else read[0]

    def probabilities(self, derivations: Sequence["Pointing"]) -> list[Floats]:
        """See `engine.Model`. One sentence after the other: together they are no faster."""
        return [self._probabilities(one) for one in derivations]

    def _cut(self, sentence: str) -> Words:
        words = self._pieces(sentence)
        if len(words.ids) > MAX_PIECES:
            raise SentenceTooLong(
                f"the sentence has {len(words.ids)} word pieces; at most {MAX_PIECES} are read"
            )
        return words

    def _caution(self, middle: Floats) -> Caution:
        """From what was read halfway; nothing is known where the weights do not tell."""
        if self._cautious is None:
            return Caution()
        plain, *others = self._cautious.run(None, {"middle": middle})[0].tolist()
        return Caution(1 - plain, self._kinds[1 + others.index(max(others))])

    def _probabilities(self, one: "Pointing") -> Floats:
        allowed = one.open()
        if not one.outer:
            allowed[self._taught_tokens] = False  # a taught function stands in no other
        # The first decider is asked in any case: it looks back at every decision.
        scores, second = one.scores(), self._second_word(one, allowed)
        if second is not None:
            return second
        allowed[self._taught_tokens] = False
        return _softmax(scores / self._temperature, allowed)

    def _second_word(self, one: "Pointing", allowed: Flags) -> Floats | None:
        """What the second decider says, where it counts: in the arguments of a taught function,
        and where it is sure that one of these is wanted."""
        if one.second is None:
            return None
        probabilities = _softmax(one.second_scores(), allowed)
        if one.slot in self._taught_slots:
            return probabilities
        wanted = one.outer and probabilities[self._taught_tokens].max() >= self._sure
        return probabilities if wanted else None


class Pointing:
    """A derivation of the grammar over one sentence, and the deciders that follow it.

    A choice is an action's id, or the number of actions plus a place in the sentence.
    """

    def __init__(
        self,
        grammar: Grammar,
        words: Words,
        first: "_Decider",
        second: "_Decider | None",
        caution: Caution,
    ) -> None:
        self.second = second
        self.caution = caution
        self._first = first
        self._words = words
        self._derivation = grammar.start()
        ids = grammar.vocabulary.slot_ids
        self._outer = (ids[FIRST], ids[NEXT])
        self._before = grammar.vocabulary.action_ids[END]
        self._step = 0

    @property
    def ended(self) -> bool:
        """See `engine.Derivation`."""
        return self._derivation.slot is None

    @property
    def slot(self) -> int:
        """The slot that is open."""
        assert self._derivation.slot is not None
        return self._derivation.slot

    @property
    def outer(self) -> bool:
        """Whether an outer call, or the end, is decided now."""
        return self._derivation.slot in self._outer

    def calls(self, choice: int) -> bool:
        """See `engine.Derivation`."""
        return choice < TOKENS and self.outer

    def open(self) -> Flags:
        """Which choices may be taken."""
        return self._derivation.open(self._words)

    def scores(self) -> Floats:
        """The first decider's of every choice, [actions + n]."""
        return self._first.scores(self._before, self.slot, self._step)

    def second_scores(self) -> Floats:
        """The same of the second decider."""
        assert self.second is not None
        return self.second.scores(self._before, self.slot, self._step)

    def take(self, choice: int) -> None:
        """See `engine.Derivation`."""
        self._derivation.take(choice, self._words)
        self._before = choice
        self._step += 1

    def text(self) -> str:
        """See `engine.Derivation`."""
        return self._derivation.text()


class _Decider:
    """One decider at work on one sentence, with the keys and values of its decisions so far."""

    def __init__(self, session: onnxruntime.InferenceSession, read: Floats) -> None:
        self._session = session
        self._read = read
        self._past = np.zeros((len(read) - 2, 0, read.shape[-1]), np.float32)

    def scores(self, before: int, slot: int, step: int) -> Floats:
        """Of every action and every place in the sentence, [actions + n]."""
        scores, self._past = self._session.run(
            None,
            {
                "before": np.array([before]), "slot": np.array([slot]), "step": np.array([step]),
                "read": self._read, "past": self._past,
            },
        )  # fmt: skip
        result: Floats = scores
        return result


def _softmax(scores: Floats, allowed: Flags) -> Floats:
    masked = np.where(allowed, scores, -np.inf)
    powers = np.exp(masked - masked.max())
    result: Floats = powers / powers.sum()
    return result


def _check_vocabulary(vocabulary: Vocabulary, catalogue: Catalogue, folder: Path) -> None:
    wanted = Vocabulary.of(catalogue)
    unknown = set(wanted.actions) - set(vocabulary.actions) or set(wanted.slots) - set(
        vocabulary.slots
    )
    if unknown:
        raise DamagedWeights(
            f"the weights do not know {sorted(unknown)[0]!r}: the functions were changed "
            f"after training: {mend(folder)}"
        )
