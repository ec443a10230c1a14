"""The published weights and their like: Gemma with functional tokens, asked with a prompt.

What a step costs is reading the weights, and a few tokens more in it cost nothing. So the prompt's
beginning is read once for all sentences, forced tokens are never asked for, and what is likely to
come is read ahead: what the embedded model would write, then how the sentence goes on behind the
word just copied. Each token is still the one these weights choose.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import llguidance
import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.engine import Caution, Floats, SentenceTooLong
from orchestrator.octopus.folder import UnfitWeights, WeightsFolder
from orchestrator.octopus.gemma import Gemma, Past, Segment
from orchestrator.octopus.prompt import PUBLISHED, parts
from orchestrator.octopus.spelled import lark
from orchestrator.tokens import FUNCTIONAL, functional
from schemas.errors import HubError

Ids = NDArray[np.int64]
MAX_TOKENS = 256
"""Longest sentence that is read, in tokens."""
AHEAD = 8
"""Tokens of the sentence that are read ahead; up to here a step on two cores costs no more."""
Draft = Callable[[str], str]
"""A sentence to what is likely to be written about it."""
LIMITS = llguidance.LLParserLimits(step_lexer_fuel=100_000_000, verbose_errors=False)
"""A long word without spaces, or a long quotation, takes more than llguidance's own limit."""
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class GrammarFailed(HubError):
    """The grammar of the sentence cannot be kept to."""

    code = "grammar"


class PublishedModel:
    """Weights in memory, and the grammar of the functions that they know."""

    def __init__(
        self,
        name: str,
        folder: WeightsFolder,
        gemma: Gemma,
        catalogue: Catalogue,
        *,
        prompt: str = PUBLISHED,
        several: bool = False,
        draft: Draft | None = None,
    ) -> None:
        """`catalogue`: of the functions the weights know; `several`: they know parallel and nested
        calls; `draft`: a cheaper model's word for what these will say."""
        self.name = name
        self._gemma = gemma
        self._catalogue = catalogue
        self._prompt = parts(prompt)
        self._several = several
        self._draft = draft
        self._tokenizer = folder.tokenizer
        pieces = Pieces(folder.tokenizer, gemma.config.vocab_size)
        self._reading = pieces.plain
        self._writing = llguidance.LLTokenizer(llguidance.TokenizerWrapper(pieces))
        grammar = lark(catalogue, "", several=several)
        if wrong := llguidance.LLMatcher.validate_grammar(grammar, self._writing):
            raise UnfitWeights(f"{folder.path} cannot write every call: {wrong.splitlines()[0]}")
        named = (folder.tokenizer.token_to_id(functional(f.token)) for f in catalogue)
        self._functional = frozenset(token for token in named if token is not None)
        self._bos = [] if gemma.config.bos_token_id is None else [int(gemma.config.bos_token_id)]
        both = zip(self._asked("a"), self._asked("1"), strict=False)
        self._prefix = [token for token, _ in takewhile(lambda two: two[0] == two[1], both)]
        self._past = gemma.past()
        if self._prefix:
            gemma.read([Segment(self._past, self._prefix)])

    def start(self, sentence: str) -> "Spelling":
        """See `engine.Model`; GrammarFailed."""
        ids = self._asked(sentence)
        said = self._reading.encode(" " + sentence, add_special_tokens=False).ids
        if len(said) > MAX_TOKENS:
            raise SentenceTooLong(
                f"the sentence has {len(said)} tokens; at most {MAX_TOKENS} are read"
            )
        known = len(self._prefix) if ids[: len(self._prefix)] == self._prefix else 0
        past = self._past.copy() if known else self._gemma.past()
        grammar = lark(self._catalogue, sentence, several=self._several)
        matcher = llguidance.LLMatcher(self._writing, grammar, log_level=0, limits=LIMITS)
        words = [self._writing.decode_str([token]).strip() for token in said]
        likely = Likely(self._drafted(sentence), said, words)
        return Spelling(matcher, self._writing, past, ids[known:], likely, self._functional)

    def probabilities(self, derivations: Sequence["Spelling"]) -> list[Floats]:
        """See `engine.Model`; one pass over the weights for all that need one."""
        unread = [one for one in derivations if one.unread]
        segments = [Segment(one.past, one.to_read()) for one in unread]
        if segments:
            for one, made in zip(unread, self._gemma.read(segments), strict=True):
                one.was_read(made)
        return [self._weighed(one) for one in derivations]

    def _weighed(self, one: "Spelling") -> Floats:
        scores = self._gemma.scores(one.hidden, torch.from_numpy(one.open()))
        weighed: Floats = scores.softmax(0).numpy()
        return weighed

    def _asked(self, sentence: str) -> list[int]:
        """The prompt's tokens; nothing in the sentence becomes a functional one."""
        before, after = self._prompt
        text = f"{before}{sentence}{after}"
        return [*self._bos, *self._reading.encode(text, add_special_tokens=False).ids]

    def _drafted(self, sentence: str) -> list[int]:
        text = self._draft(sentence) if self._draft else ""
        return self._tokenizer.encode(" " + text, add_special_tokens=False).ids if text else []


@dataclass(frozen=True)
class Likely:
    """What is likely to be written next: how a draft goes on, else how the sentence does behind the
    word that was just copied."""

    draft: list[int]
    said: list[int]
    words: list[str]  # the texts of `said`, without spaces

    def after(self, written: list[int], last: str) -> list[int]:
        """`last`: the text of the last token."""
        if written == self.draft[: len(written)]:
            return self.draft[len(written) :]
        for at, word in enumerate(self.words, 1):
            if word == last.strip():
                return self.said[at : at + AHEAD]
        return []


class Spelling:
    """A derivation of the grammar over tokens. A choice is a place among the tokens that may come
    next."""

    caution = Caution()

    def __init__(
        self,
        matcher: llguidance.LLMatcher,
        tokenizer: llguidance.LLTokenizer,
        past: Past,
        prompt: list[int],
        likely: Likely,
        functional_tokens: frozenset[int],
    ) -> None:
        self.past = past
        self._matcher = matcher
        self._tokenizer = tokenizer
        self._likely = likely
        self._functional = functional_tokens
        self._written: list[int] = []
        self._open: Ids | None = None
        self._guess: list[int] = []  # tokens that were read ahead
        self._made: list[Tensor] = []  # [width] each, before the first guess and behind each
        self._write([])
        self.unread = [*prompt, *self._written]

    @property
    def ended(self) -> bool:
        """See `engine.Derivation`."""
        if self._matcher.is_error():
            raise GrammarFailed
        stopped: bool = self._matcher.is_stopped()
        return stopped

    def calls(self, choice: int) -> bool:
        """See `engine.Derivation`."""
        outer = len(self._written) < 2 or self._text(self._written[-1:]).endswith(";")
        return outer and int(self.open()[choice]) in self._functional

    def open(self) -> Ids:
        """The tokens that may come next, in the order of their ids."""
        if self._open is None:
            mask = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
            self._open = np.flatnonzero(np.unpackbits(mask, bitorder="little"))
        return self._open

    def take(self, choice: int) -> None:
        """See `engine.Derivation`."""
        token = int(self.open()[choice])
        self._matcher.consume_token(token)
        new = self._write([token])
        while new and self._guess[:1] == new[:1]:
            self._guess.pop(0)
            self._made.pop(0)
            new.pop(0)
        if new:
            self.past.length -= len(self._guess)
            self._guess, self._made, self.unread = [], [], new

    def text(self) -> str:
        """See `engine.Derivation`."""
        return self._text(self._written).strip()

    @property
    def hidden(self) -> Tensor:
        """What the open decision is made from, [width]."""
        return self._made[0]

    def to_read(self) -> list[int]:
        """What was written and not read, and what will likely follow."""
        likely = self._likely.after(self._written, self._text(self._written[-1:]))
        self._guess = likely[: self._matcher.validate_tokens(likely)]
        return [*self.unread, *self._guess]

    def was_read(self, made: Tensor) -> None:
        """What the model made of `to_read`, [tokens, width]."""
        self._made = list(made[len(self.unread) - 1 :])
        self.unread = []

    def _write(self, tokens: list[int]) -> list[int]:
        """The tokens, and those that must follow them."""
        new = tokens
        while not self.ended and (forced := self._forced()):
            self._matcher.consume_tokens(forced)
            new = [*new, *forced]
        self._written += new
        self._open = None
        return new

    def _forced(self) -> list[int]:
        """Tokens that must come next: there is nothing else, or only other ways to cut the same
        letters, of which the tokenizer's own is taken."""
        self._open = None
        forced: list[int] = self._matcher.compute_ff_tokens()
        letters = b"" if forced else self._matcher.compute_ff_bytes()
        if not letters:
            return forced
        forced = self._tokenizer.tokenize_bytes(letters)
        if len(forced) > 1:
            return forced[:-1]
        longest = max(len(self._tokenizer.decode_bytes([int(token)])) for token in self.open())
        # Where a token goes on behind these letters, it may be the one that the model would write.
        return [] if longest > len(letters) else forced

    def _text(self, tokens: list[int]) -> str:
        text: str = self._tokenizer.decode_str(tokens)
        return text


class Pieces:
    """The tokens as llguidance wants them. Letters never become a special token: neither those that
    a person writes, nor those that are copied."""

    bos_token_id, eos_token_id = None, 0  # no grammar here writes them

    def __init__(self, tokenizer: Tokenizer, count: int) -> None:
        """Of the first `count` tokens: those that the weights know."""
        known = range(min(count, tokenizer.get_vocab_size()))
        self.tokens = [_bytes(tokenizer.id_to_token(token) or "") for token in known]
        told = json.loads(tokenizer.to_str())
        special = [t for t in told["added_tokens"] if _is_special(t)]
        self.special_token_ids = [t["id"] for t in special if t["id"] in known]
        told["added_tokens"] = [t for t in told["added_tokens"] if not _is_special(t)]
        told |= {"post_processor": None, "truncation": None, "padding": None}
        self.plain = Tokenizer.from_str(json.dumps(told))

    def __call__(self, text: str) -> list[int]:
        """The tokens of letters."""
        return list(self.plain.encode(text, add_special_tokens=False).ids)


def _bytes(piece: str) -> bytes:
    byte = _BYTE.fullmatch(piece)
    return bytes.fromhex(byte[1]) if byte else piece.replace("▁", " ").encode()


def _is_special(added: dict[str, Any]) -> bool:
    return bool(added["special"] or FUNCTIONAL.fullmatch(added["content"]))
