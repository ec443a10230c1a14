"""The embedded model on ONNX Runtime: a sentence to functional-token text."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import ValidationError

from orchestrator import taught
from orchestrator.catalogue import TOKENS, Catalogue
from orchestrator.octopus.grammar import FIRST, NEXT, Grammar, Vocabulary
from orchestrator.octopus.tokenizer import MAX_PIECES, TOKENIZER, WordPieces
from orchestrator.tokens import END
from schemas.base import Value
from schemas.errors import HubError

WEIGHTS = Path(__file__).parent / "weights"
READER, DECIDER = "reader.int8.onnx", "decider.int8.onnx"

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
        manifest = manifest_of(folder)
        self._temperature = np.float32(manifest.temperature if temperature is None else temperature)
        self._shape = manifest.shape
        vocabulary = Vocabulary(manifest.actions, manifest.slots)
        _check_vocabulary(vocabulary, catalogue, folder)
        self._grammar = Grammar(catalogue, vocabulary)
        self._pieces = WordPieces(folder / TOKENIZER)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._reader, self._decider = (
            onnxruntime.InferenceSession(
                str(folder / name), options, providers=["CPUExecutionProvider"]
            )
            for name in (READER, DECIDER)
        )

    def decode(self, sentence: str) -> Decoded:
        """Greedy decoding inside the grammar; SentenceTooLong names both lengths."""
        words = self._pieces(sentence)
        if len(words.ids) > MAX_PIECES:
            raise SentenceTooLong(
                f"the sentence has {len(words.ids)} word pieces; at most {MAX_PIECES} are read"
            )
        read = self._reader.run(None, {"ids": np.array(words.ids)})[0]
        past = np.zeros((len(read) - 2, 0, self._shape["width"]), np.float32)
        derivation = self._grammar.start()
        choice = self._grammar.vocabulary.action_ids[END]
        confidence, steps = 1.0, 0
        while derivation.slot is not None:
            slot = derivation.slot
            scores, past = self._decider.run(
                None,
                {
                    "before": np.array([choice]), "slot": np.array([slot]),
                    "step": np.array([steps]), "read": read, "past": past,
                },
            )  # fmt: skip
            steps += 1
            probabilities = _softmax(scores / self._temperature, derivation.open(words))
            choice = int(probabilities.argmax())
            if choice < TOKENS and slot in self._deciding:
                confidence = min(confidence, float(probabilities[choice]))
            derivation.take(choice, words)
        return Decoded(derivation.text(), confidence, steps)

    @property
    def _deciding(self) -> tuple[int, int]:
        ids = self._grammar.vocabulary.slot_ids
        return ids[FIRST], ids[NEXT]


def _softmax(scores: Floats, allowed: NDArray[np.bool_]) -> Floats:
    masked = np.where(allowed, scores, -np.inf)
    powers = np.exp(masked - masked.max())
    result: Floats = powers / powers.sum()
    return result


def manifest_of(folder: Path, *more: str) -> Manifest:
    """The manifest, once the files that decoding needs, and `more`, have the hashes it names."""
    try:
        manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
        for name in (READER, DECIDER, TOKENIZER, *more):
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
