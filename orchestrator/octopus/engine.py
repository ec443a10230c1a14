"""The embedded model on ONNX Runtime: a sentence to functional-token text."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from orchestrator import taught
from orchestrator.catalogue import TOKENS, Catalogue
from orchestrator.octopus.grammar import FIRST, NEXT, Grammar, Vocabulary
from orchestrator.octopus.tokenizer import MAX_PIECES, TOKENIZER, WordPieces
from orchestrator.octopus.words import Flags
from orchestrator.tokens import END
from schemas.base import Value
from schemas.errors import HubError

WEIGHTS = Path(__file__).parent / "weights"
READER, DECIDER, TAUGHT = "reader.int8.onnx", "decider.int8.onnx", "taught.int8.onnx"

Floats = NDArray[np.float32]


class SentenceTooLong(HubError):
    """The sentence is longer than the model reads."""

    code = "too_long"


class DamagedWeights(HubError):
    """The weights' files are not those the manifest names."""

    code = "weights"


class Manifest(Value):
    """`manifest.json`: what the weights know, their sizes, the hash of each file, and what scores
    are divided by, so that a confidence is how often it is right (training/calibrate.py).

    `taught`: functional tokens of functions a person taught; the second decider's word for one of
    them counts where it is at least `sure` of it, and is its confidence as it is.
    """

    actions: tuple[str, ...]
    slots: tuple[str, ...]
    shape: dict[str, int]
    sha256: dict[str, str]
    temperature: float = 1.0
    taught: tuple[int, ...] = ()
    sure: float = Field(default=1.0, ge=0.5, le=1.0)


@dataclass(frozen=True)
class Decoded:
    """What the model wrote, and the lowest probability among its functional tokens."""

    text: str
    confidence: float
    steps: int


class Engine:
    """One set of weights, loaded; `decode` may be called from one thread at a time."""

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
        self._reader, self._decider, *more = (
            onnxruntime.InferenceSession(
                str(folder / name), options, providers=["CPUExecutionProvider"]
            )
            for name in (READER, DECIDER, *([TAUGHT] if manifest.taught else []))
        )
        self._taught = more[0] if more else None

    def decode(self, sentence: str) -> Decoded:
        """Greedy decoding inside the grammar; SentenceTooLong names both lengths."""
        words = self._pieces(sentence)
        if len(words.ids) > MAX_PIECES:
            raise SentenceTooLong(
                f"the sentence has {len(words.ids)} word pieces; at most {MAX_PIECES} are read"
            )
        read = self.read(words.ids)
        decider = _Decisions(self._decider, read)
        second = _Decisions(self._taught, read) if self._taught else None
        derivation = self._grammar.start()
        choice = self._grammar.vocabulary.action_ids[END]
        confidence, steps = 1.0, 0
        while derivation.slot is not None:
            slot, allowed = derivation.slot, derivation.open(words)
            if slot not in self._deciding:
                allowed[self._taught_tokens] = False  # a taught function stands in no other
            probabilities = self._second_word(second, choice, slot, steps, allowed)
            # The first decider is asked in any case: it looks back at every decision.
            scores = decider.scores(choice, slot, steps) / self._temperature
            if probabilities is None:
                allowed[self._taught_tokens] = False
                probabilities = _softmax(scores, allowed)
            steps += 1
            choice = int(probabilities.argmax())
            if choice < TOKENS and slot in self._deciding:
                confidence = min(confidence, float(probabilities[choice]))
            derivation.take(choice, words)
        return Decoded(derivation.text(), confidence, steps)

    def read(self, ids: Sequence[int]) -> Floats:
        """What the reader makes of word pieces, float [2 + 2 * deciding layers, n, width]: what was
        read, the pointer's keys, then the keys and the values of every deciding layer."""
        made: Floats = self._reader.run(None, {"ids": np.array(ids)})[0]
        return made

    def _second_word(
        self, second: "_Decisions | None", choice: int, slot: int, step: int, allowed: Flags
    ) -> Floats | None:
        """What the second decider says, where it counts: in the arguments of a taught function,
        and where it is sure that one of these is wanted."""
        if second is None:
            return None
        probabilities = _softmax(second.scores(choice, slot, step), allowed)
        if slot in self._taught_slots:
            return probabilities
        wanted = slot in self._deciding and probabilities[self._taught_tokens].max() >= self._sure
        return probabilities if wanted else None

    @property
    def _deciding(self) -> tuple[int, int]:
        ids = self._grammar.vocabulary.slot_ids
        return ids[FIRST], ids[NEXT]


class _Decisions:
    """One decider at work on one sentence, with the keys and values of its decisions so far."""

    def __init__(self, decider: onnxruntime.InferenceSession, read: Floats) -> None:
        self._decider = decider
        self._read = read
        self._past = np.zeros((len(read) - 2, 0, read.shape[-1]), np.float32)

    def scores(self, before: int, slot: int, step: int) -> Floats:
        """Of every action and every place in the sentence, [actions + n]."""
        scores, self._past = self._decider.run(
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


def manifest_of(folder: Path, *more: str) -> Manifest:
    """The manifest, once the files that decoding needs, and `more`, have the hashes it names."""
    try:
        manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
        taught = [TAUGHT] if manifest.taught else []
        for name in (READER, DECIDER, TOKENIZER, *taught, *more):
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != manifest.sha256[name]:
                raise DamagedWeights(f"{folder / name} is damaged or altered: {_mend(folder)}")
    except ValidationError as error:
        what = error.errors()[0]["msg"]
        raise DamagedWeights(f"{folder}: cannot read the weights' manifest: {what}") from error
    except (OSError, KeyError) as error:
        raise DamagedWeights(
            f"{folder}: cannot read the weights: {error}: {_mend(folder)}"
        ) from error
    return manifest


def _mend(folder: Path) -> str:
    """What helps against weights that will not do."""
    return (
        "octopus teach --undo" if folder.parent.name == taught.FOLDER else "reinstall octopus-hub"
    )


def _check_vocabulary(vocabulary: Vocabulary, catalogue: Catalogue, folder: Path) -> None:
    wanted = Vocabulary.of(catalogue)
    unknown = set(wanted.actions) - set(vocabulary.actions) or set(wanted.slots) - set(
        vocabulary.slots
    )
    if unknown:
        raise DamagedWeights(
            f"the weights do not know {sorted(unknown)[0]!r}: the functions were changed "
            f"after training: {_mend(folder)}"
        )
