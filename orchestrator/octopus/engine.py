"""The decode loop: sentences to functional-token text, with any model, inside its grammar."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.decoded import Decoded
from schemas.errors import HubError

Floats = NDArray[np.float32]


class SentenceTooLong(HubError):
    """The sentence is longer than the model reads."""

    code = "too_long"


class BrokenWeights(HubError):
    """The weights' scores are no numbers: they are damaged, or not for this model."""

    code = "weights"


class FunctionalTokenSaid(HubError):
    """The sentence holds a functional token; only a model may write one."""

    code = "functional_token"


class Caution(NamedTuple):
    """How probable it is that a sentence forbids acting on it now, and of which kind it then most
    likely is; as it stands, nothing is known."""

    share: float = 0.0
    because: str = ""


class Decoder(Protocol):
    """What decodes sentences, in one way or another."""

    def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
        """Several at once; an error of one is an error of all."""
        ...


class Derivation(Protocol):
    """One sentence's output under way. A choice is a number of the model's own."""

    @property
    def ended(self) -> bool:
        """Whether everything is written."""
        ...

    @property
    def caution(self) -> Caution:
        """What the model makes of the whole sentence."""
        ...

    def calls(self, choice: int) -> bool:
        """Whether the choice is the functional token of an outer call."""
        ...

    def take(self, choice: int) -> None:
        """Make the open decision, and write what follows from it."""
        ...

    def text(self) -> str:
        """What has been written."""
        ...


D = TypeVar("D", bound=Derivation)


class Model(Protocol[D]):
    """Weights that make the decisions of derivations."""

    name: str

    def start(self, sentence: str) -> D:
        """A derivation in which nothing is decided; SentenceTooLong names both lengths."""
        ...

    def probabilities(self, derivations: Sequence[D]) -> Sequence[Floats]:
        """Of the open decision of each: how probable each choice is; 0 outside the grammar."""
        ...


class Engine(Generic[D]):
    """Greedy decoding with one model; used from one thread at a time."""

    def __init__(self, model: Model[D]) -> None:
        self._model = model

    def decode(self, sentence: str) -> Decoded:
        """One sentence; SentenceTooLong names both lengths."""
        (decoded,) = self.decode_all([sentence])
        return decoded

    def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
        """See `Decoder`."""
        derivations = [self._model.start(sentence) for sentence in sentences]
        confidence, steps = [1.0] * len(sentences), [0] * len(sentences)
        while open_ := [at for at, one in enumerate(derivations) if not one.ended]:
            weighed = self._model.probabilities([derivations[at] for at in open_])
            for at, probabilities in zip(open_, weighed, strict=True):
                choice = int(probabilities.argmax())
                if not probabilities[choice] > 0:  # so it is where it is no number
                    raise BrokenWeights
                if derivations[at].calls(choice):
                    confidence[at] = min(confidence[at], float(probabilities[choice]))
                derivations[at].take(choice)
                steps[at] += 1
        return [
            Decoded(
                text=one.text(), confidence=sure, steps=count, model=self._model.name,
                caution=one.caution.share, because=one.caution.because,
            )
            for one, sure, count in zip(derivations, confidence, steps, strict=True)
        ]  # fmt: skip
