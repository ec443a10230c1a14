"""The embedded model on ONNX Runtime: a sentence to functional-token text."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import ValidationError

from orchestrator.catalogue import TOKENS, Catalogue
from orchestrator.octopus.grammar import (
    FIRST,
    NEXT,
    RESPONSE_POSITION,
    SENTENCE_TYPE,
    Grammar,
    Vocabulary,
)
from orchestrator.octopus.tokenizer import MAX_PIECES, WordPieces
from schemas.base import Value
from schemas.errors import HubError

WEIGHTS = Path(__file__).parent / "weights"
ONNX, TOKENIZER = "model.int8.onnx", "tokenizer.json"

Floats = NDArray[np.float32]


class SentenceTooLong(HubError):
    """The sentence is longer than the model reads."""

    code = "too_long"


class DamagedWeights(HubError):
    """The weights' files are not those the manifest names."""

    code = "weights"


class Manifest(Value):
    """`manifest.json`: what the weights know, their sizes, the hash of each file, and what scores
    are divided by, so that a confidence is how often it is right (training/calibrate.py)."""

    actions: tuple[str, ...]
    slots: tuple[str, ...]
    shape: dict[str, int]
    sha256: dict[str, str]
    temperature: float = 1.0


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
        manifest = _manifest(folder)
        self._temperature = np.float32(manifest.temperature if temperature is None else temperature)
        self._shape = manifest.shape
        vocabulary = Vocabulary(manifest.actions, manifest.slots)
        _check_vocabulary(vocabulary, catalogue)
        self._grammar = Grammar(catalogue, vocabulary)
        self._pieces = WordPieces(folder / TOKENIZER)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / ONNX), options, providers=["CPUExecutionProvider"]
        )

    def decode(self, sentence: str) -> Decoded:
        """Greedy decoding inside the grammar; SentenceTooLong names both lengths."""
        words = self._pieces(sentence)
        if len(words.ids) > MAX_PIECES:
            raise SentenceTooLong(
                f"the sentence has {len(words.ids)} word pieces; at most {MAX_PIECES} are read"
            )
        count = len(words.ids)
        # The response's first position reads the sentence's end marker again; it joins the
        # sentence's pass only if the sentence did not see it, so it takes a step of its own.
        none = np.zeros((2 * self._shape["layers"], 0, self._shape["width"]), np.float32)
        _, _, keys, past = self._run(
            np.array(words.ids), np.full(count, SENTENCE_TYPE), np.arange(count), none
        )
        derivation = self._grammar.start()
        token, position = words.ids[-1], RESPONSE_POSITION
        confidence, steps = 1.0, 0
        while derivation.slot is not None:
            slot = derivation.slot
            scores, queries, _, past = self._run(
                np.array([token]), np.array([1 + slot]), np.array([position]), past
            )
            steps += 1
            open_choices = derivation.open(words.positions)
            both: Floats = np.concatenate([scores[0], keys @ queries[0]])
            probabilities = _softmax(both / self._temperature, open_choices)
            choice = int(probabilities.argmax())
            if choice < TOKENS and slot in self._deciding:
                confidence = min(confidence, float(probabilities[choice]))
            derivation.take(choice, words)
            token, position = self._read(choice, words.ids, steps)
        return Decoded(derivation.text(), confidence, steps)

    @property
    def _deciding(self) -> tuple[int, int]:
        ids = self._grammar.vocabulary.slot_ids
        return ids[FIRST], ids[NEXT]

    def _read(self, choice: int, ids: tuple[int, ...], step: int) -> tuple[int, int]:
        """The id and position with which a choice stands in the input of the next step."""
        actions = len(self._grammar.vocabulary.actions)
        if choice < actions:
            return self._shape["pieces"] + choice, RESPONSE_POSITION + step
        return ids[choice - actions], choice - actions

    def _run(
        self, ids: NDArray[np.int64], types: NDArray[np.int64], positions: NDArray[np.int64],
        past: Floats,
    ) -> tuple[Floats, Floats, Floats, Floats]:  # fmt: skip
        feed = {"ids": ids, "types": types, "positions": positions, "past": past}
        scores, queries, keys, present = self._session.run(None, feed)
        return scores, queries, keys, present


def _softmax(scores: Floats, allowed: NDArray[np.bool_]) -> Floats:
    masked = np.where(allowed, scores, -np.inf)
    powers = np.exp(masked - masked.max())
    result: Floats = powers / powers.sum()
    return result


def _manifest(folder: Path) -> Manifest:
    """The manifest, once every file it names has the hash it names."""
    try:
        manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
        for name in (ONNX, TOKENIZER):
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != manifest.sha256[name]:
                raise DamagedWeights(
                    f"{folder / name} is damaged or altered: reinstall octopus-hub"
                )
    except ValidationError as error:
        what = error.errors()[0]["msg"]
        raise DamagedWeights(f"{folder}: cannot read the weights' manifest: {what}") from error
    except (OSError, KeyError) as error:
        raise DamagedWeights(f"{folder}: cannot read the weights: {error}") from error
    return manifest


def _check_vocabulary(vocabulary: Vocabulary, catalogue: Catalogue) -> None:
    wanted = Vocabulary.of(catalogue)
    unknown = set(wanted.actions) - set(vocabulary.actions) or set(wanted.slots) - set(
        vocabulary.slots
    )
    if unknown:
        raise DamagedWeights(
            f"the weights do not know {sorted(unknown)[0]!r}: the functions were changed "
            "after training"
        )
