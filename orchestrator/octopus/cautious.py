"""What the embedded weights make of a sentence, beside another model's calls."""

from collections.abc import Sequence

from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.engine import Caution, Decoder, SentenceTooLong
from schemas.decoded import Decoded


class Cautious:
    """Another decoder, whose answers say how far the sentence forbids acting on it."""

    def __init__(self, decoder: Decoder, weights: EmbeddedModel) -> None:
        self._decoder = decoder
        self._weights = weights

    def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
        """See `engine.Decoder`."""
        told = self._decoder.decode_all(sentences)
        return [self._with_caution(*pair) for pair in zip(sentences, told, strict=True)]

    def _with_caution(self, sentence: str, decoded: Decoded) -> Decoded:
        try:
            share, because = self._weights.caution(sentence)
        except SentenceTooLong:
            share, because = Caution()
        return decoded.model_copy(update={"caution": share, "because": because})
