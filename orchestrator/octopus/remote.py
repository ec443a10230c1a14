"""Functional-token weights behind an OpenAI-compatible completions server (vLLM, llama.cpp …)."""

import asyncio
import logging
import math
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.catalogue import Catalogue
from orchestrator.decoder import read
from orchestrator.octopus import spelled
from orchestrator.octopus.completions import (
    Client,
    Refused,
    ServerAway,
    Session,
    Unusable,
    run,
)
from orchestrator.octopus.engine import FunctionalTokenSaid
from orchestrator.octopus.prompt import PUBLISHED, parts
from orchestrator.tokens import END, FUNCTIONAL, functional
from schemas.call import Call
from schemas.decoded import Decoded
from schemas.errors import MalformedCall

log = logging.getLogger(__name__)

MAX_TOKENS = 256

_PLAIN, _SPECIAL, _GRAMMAR = range(3)
"""What a server is asked beyond OpenAI's own fields: nothing; to show functional tokens; to keep
to the grammar too."""
_RIGHT_WEIGHTS = "are its weights made for functional tokens, and does it show special tokens?"


class _Answer(BaseModel):
    """JSON from a server: wrong types are refused, further fields are not."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


_Logarithm = Annotated[float, Field(le=0.001, allow_inf_nan=False)]
"""Of a probability; rounding may lift it above 0."""


class _Token(_Answer):
    token: str
    logprob: _Logarithm


class _Logprobs(_Answer):
    """The lists of OpenAI's completions (vLLM), or the one of its chat (llama.cpp)."""

    tokens: tuple[str, ...] | None = None
    token_logprobs: tuple[_Logarithm | None, ...] | None = None
    content: tuple[_Token, ...] | None = None

    def pairs(self) -> list[tuple[str, float | None]]:
        """Every token, and the logarithm of its probability."""
        if self.content:
            return [(one.token, one.logprob) for one in self.content]
        return list(zip(self.tokens or (), self.token_logprobs or (), strict=False))


class _Choice(_Answer):
    text: str
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None


class _Usage(_Answer):
    completion_tokens: int | None = None


class _Completion(_Answer):
    choices: tuple[_Choice, ...] = Field(min_length=1)
    usage: _Usage | None = None


class _Weights(_Answer):
    id: str


class _Models(_Answer):
    data: tuple[_Weights, ...] = Field(min_length=1)


class Server:
    """A model on a server; used from one thread at a time, and outside of an event loop. No error
    or log line holds what a person said."""

    name: str

    def __init__(
        self,
        url: str,
        catalogue: Catalogue,
        *,
        weights: str = "",
        key: str | None = None,
        prompt: str = PUBLISHED,
        several: bool = False,
        timeout: float = 10.0,
        grammar: bool = True,
    ) -> None:
        """`catalogue`: of the functions the weights know; `weights`: their name on the server, else
        its first; `timeout`: seconds for one `decode_all`, further tries included."""
        self._client = Client(url, key, timeout)
        self.name = self._client.name
        self._catalogue = catalogue
        self._named = self._weights = weights
        self._prompt = parts(prompt)
        self._several = several
        self._level = self._full = _GRAMMAR if grammar else _SPECIAL

    def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
        """Several sentences at once; an error of one is an error of all: ServerAway, or
        FunctionalTokenSaid, and then nothing was sent."""
        if any(FUNCTIONAL.search(sentence) for sentence in sentences):
            raise FunctionalTokenSaid
        try:
            return run(self._together(sentences))
        except ServerAway:
            self._weights, self._level = self._named, self._full  # it may come back as another
            raise

    async def _together(self, sentences: Sequence[str]) -> list[Decoded]:
        async with self._client.session() as session:
            if not self._weights:
                self._weights = (await session.get("/models", _Models)).data[0].id
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._decode(session, one)) for one in sentences]
        return [task.result() for task in tasks]

    async def _decode(self, session: Session, sentence: str) -> Decoded:
        completion = await self._complete(session, sentence, self._level)
        choice = completion.choices[0]
        written, end, _ = choice.text.partition(END)
        if not end and choice.finish_reason == "length":
            raise Unusable(f"writes no {END} within {MAX_TOKENS} tokens")
        text = written.strip() + END
        tokens = choice.logprobs.pairs() if choice.logprobs else []
        confidence = self._confidence(self._calls(text), tokens)
        counted = completion.usage.completion_tokens if completion.usage else None
        steps = len(tokens) if counted is None else counted
        return Decoded(text=text, confidence=confidence, steps=steps, model=self.name)

    async def _complete(self, session: Session, sentence: str, level: int) -> _Completion:
        """Servers may refuse fields that they do not know, or a grammar they cannot read."""
        try:
            asked = self._asked(sentence, level)
            completion = await session.post("/completions", asked, _Completion)
        except Refused:
            if level == _PLAIN:
                raise
            return await self._complete(session, sentence, level - 1)
        if level < self._level:
            self._level = level  # what it took is what it is asked from now on
            without = "the grammar" if level == _SPECIAL else "fields that are not OpenAI's"
            log.info("the model server %s is asked without %s", self.name, without)
        return completion

    def _asked(self, sentence: str, level: int) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "model": self._weights,
            "prompt": sentence.join(self._prompt),
            "max_tokens": MAX_TOKENS,
            "temperature": 0,
            "stop": [END],
            "logprobs": 1,
        }
        if level >= _SPECIAL:
            asked["skip_special_tokens"] = False  # vLLM
            tokens = [functional(function.token) for function in self._catalogue]
            asked["preserved_tokens"] = [*tokens, END]  # llama.cpp
        if level >= _GRAMMAR:
            # vLLM. llama.cpp would want it in `grammar` behind "%llguidance"; but that ends the
            # process of one built without llguidance, and such are most.
            grammar = spelled.lark(self._catalogue, sentence, several=self._several)
            asked["structured_outputs"] = {"grammar": grammar}
        return asked

    def _calls(self, text: str) -> tuple[Call, ...]:
        try:
            return read(text, self._catalogue)
        except MalformedCall as error:
            # What was found instead may be the person's words.
            what = str(error).partition(", found ")[0]
        hint = "" if FUNCTIONAL.match(text.removesuffix(END)) else f": {_RIGHT_WEIGHTS}"
        raise Unusable(f"writes no call ({what}){hint}")

    def _confidence(
        self, calls: Sequence[Call], tokens: Sequence[tuple[str, float | None]]
    ) -> float:
        """The lowest probability among the functional tokens of the outer calls."""
        stripped = [(token.strip(), sure) for token, sure in tokens]
        written = takewhile(lambda one: one[0] != END, stripped)
        said = [(token, sure) for token, sure in written if FUNCTIONAL.fullmatch(token)]
        meant = [one for call in calls for one in _functional(call, self._catalogue)]
        if tokens and [token for token, _ in said] != [token for token, _ in meant]:
            raise Unusable("gives log probabilities of other functional tokens than it says")
        outer = [sure for (_, sure), (_, depth) in zip(said, meant, strict=False) if not depth]
        known = [sure for sure in outer if sure is not None]
        if len(known) < len(calls):
            raise Unusable("gives no log probabilities: how sure it is stays unknown")
        return min(1.0, math.exp(min(known)))


def _functional(call: Call, catalogue: Catalogue, depth: int = 0) -> Iterator[tuple[str, int]]:
    """The functional tokens of a call in the order they were written, and how deep each stands."""
    yield functional(catalogue[call.function].token), depth
    for argument in call.arguments:
        if isinstance(argument, Call):
            yield from _functional(argument, catalogue, depth + 1)
