"""The embedded model where a model server is of no help."""

import logging
import time
from collections.abc import Sequence

from orchestrator.octopus.completions import ServerAway, Unusable
from orchestrator.octopus.engine import Decoder, FunctionalTokenSaid
from orchestrator.tokens import FUNCTIONAL
from schemas.decoded import Decoded

log = logging.getLogger(__name__)

REST = 30.0
"""Seconds that a server which let people wait is not asked again."""
_LONG = 1.0


class Fallback:
    """Asks the server; where that fails, the embedded model answers, and the answer says why."""

    def __init__(self, server: Decoder, embedded: Decoder) -> None:
        self._server = server
        self._embedded = embedded
        self._rests_until = 0.0
        self._why = ""

    def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
        """See `engine.Decoder`."""
        harmless = [sentence for sentence in sentences if not FUNCTIONAL.search(sentence)]
        told = dict(zip(harmless, self._served(harmless), strict=True))
        others = [sentence for sentence in sentences if sentence not in told]
        told.update(zip(others, self._instead(others, str(FunctionalTokenSaid())), strict=True))
        return [told[sentence] for sentence in sentences]

    def _served(self, sentences: Sequence[str]) -> list[Decoded]:
        began = time.monotonic()
        if began < self._rests_until:
            return self._instead(sentences, self._why)
        try:
            return self._server.decode_all(sentences) if sentences else []
        except ServerAway as error:
            self._why = str(error)
            if time.monotonic() - began > _LONG and not isinstance(error, Unusable):
                self._rests_until = time.monotonic() + REST
            log.warning("%s; the embedded model answers", error)
            return self._instead(sentences, self._why)

    def _instead(self, sentences: Sequence[str], why: str) -> list[Decoded]:
        told = self._embedded.decode_all(sentences)
        return [one.model_copy(update={"model": f"{one.model}, because: {why}"}) for one in told]
