"""The events as a chain: each holds a hash of itself and of the one before, and a digest of what it
tells of, so that a changed byte or a missing row is found; pure.

The ends of the chain stand in the table `seal`. Who can write the database can also write a new
chain: it shows damage and careless hands, not a forger with the hub's own rights.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

DECIDED = ("decision", "reason", "model_text", "confidence", "model", "undoes")
"""The columns of a command that say what was decided about it."""
NOTHING = b""
"""The content of an event that tells of nothing but its state."""


class Link(NamedTuple):
    """One end of the chain."""

    sequence: int
    hash: bytes


START = Link(0, hashlib.sha256(b"octopus").digest())


def digest(*texts: str) -> bytes:
    """SHA-256 of some texts, each with its length."""
    whole = hashlib.sha256()
    for text in texts:
        said = text.encode()
        whole.update(b"%d " % len(said))
        whole.update(said)
    return whole.digest()


def decided(run: Mapping[str, Any]) -> str:
    """What was decided about a command, as one text; `run` holds the columns of `DECIDED`."""
    return json.dumps([run[column] for column in DECIDED], ensure_ascii=False)


def concluded(decision: str, answer: str, trace: str) -> bytes:
    """The content of a command's end: what was decided (see `decided`), answered, and its trace,
    which commands of older releases do not have."""
    return digest(decision, answer, *([trace] if trace else []))


def sealed(before: Link, event: Mapping[str, Any]) -> dict[str, Any]:
    """The event (`run`, `step`, `state`, `at`, `content`) with its sequence and its hash."""
    sequence = before.sequence + 1
    row = [sequence, event["run"], event["step"], event["state"], event["at"]]
    said = hashlib.sha256(before.hash)
    said.update(json.dumps(row, separators=(",", ":")).encode())
    said.update(event["content"])
    return {**event, "sequence": sequence, "hash": said.digest()}
