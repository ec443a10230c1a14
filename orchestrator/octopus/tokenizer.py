"""Sentences to word pieces."""

import json
from pathlib import Path

from tokenizers import Tokenizer

from orchestrator.octopus.words import Words

CLS, SEP = 101, 102
MAX_PIECES = 200
"""Longest sentence the embedded model reads, in word pieces with the two markers."""


class WordPieces:
    """The weights' own WordPiece tokenizer. Nothing a person writes becomes a special token."""

    def __init__(self, file: Path) -> None:
        description = json.loads(file.read_text(encoding="utf-8"))
        # Special tokens are recognised inside plain text unless the tokenizer does not know them.
        description.update(added_tokens=[], post_processor=None, truncation=None, padding=None)
        self._tokenizer = Tokenizer.from_str(json.dumps(description))

    def __call__(self, sentence: str) -> Words:
        """The sentence's pieces between the two markers; the markers stand for no letters."""
        encoding = self._tokenizer.encode(sentence, add_special_tokens=False)
        ids = (CLS, *encoding.ids, SEP)
        return Words(sentence, ids, ((0, 0), *encoding.offsets, (0, 0)))
