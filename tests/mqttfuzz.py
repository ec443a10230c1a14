"""Hostile messages for the MQTT door: made from the operations' own fields, from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from orchestrator.operations import OPERATIONS

LIMIT = 16 * 1024
SENTENCE = "take a selfie"


class Hostile(NamedTuple):
    """One message; `answerable` where its topic says who is to be answered."""

    topic: str
    payload: bytes
    kind: str
    answerable: bool = True


TEXTS = (
    "", " ", "\x00", "a\nb", "\x1b[2J", "\u202egnp.exe", "\ufeff", "é" * 300, "x" * 1_001,
    "😀" * 400,
    "../../etc/passwd", "'; DROP TABLE command; --", "$(reboot)", "{{7*7}}", "%s%n", "octopus/#",
    "<script>alert(1)</script>", "-1", "null", "NaN",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1 << 63, -(1 << 64), 10**400, 0.0, 1e308, -0.0, [], {}, [[]], [None],
    {"a": {"b": {}}}, ["x"] * 60, [1, "x", None], {"": ""}, {"x" * 500: 1}, *TEXTS,
)  # fmt: skip
RAW = (
    b'{"text": NaN}', b'{"text": "x", "expires": Infinity}', b'{"text": "x", "hold": -Infinity}',
    b'{"id": NaN}', b'{"text": "\\ud800"}', b'{"\\udfff": 1}', b'{"execution": "a\\udc00b"}',
    b'{"text": "x", "text": "y", "id": 1, "id": "a"}', b"[]", b"[1]", b'"x"', b"7", b"null",
    b"true", b"{", b"{}}", b'{"a":}', b"{'a': 1}", b'{"text": "x"} x', b"\xef\xbb\xbf{}", b"{\x00}",
    b'{"id": 1e999}',
    b'{"id": 1.5}', b'{"id": {}}', b'{"user": "eve"}', b'{"door": "mqtt"}',
)  # fmt: skip


def hostile(seed: int, base: str = "octopus", user: str = "ann") -> Iterator[Hostile]:
    """Messages without end."""
    chance = random.Random(seed)
    makers: tuple[tuple[str, Callable[[random.Random, str], bytes]], ...] = (
        ("bytes", _bytes),
        ("not quite JSON", _raw),
        ("deep JSON", _deep),
        ("long", _long),
        ("wrong types", _wrong_types),
        ("hostile text", _hostile_text),
        ("spoilt", _spoilt),
    )
    operations = [*OPERATIONS, "command topic"]
    while True:
        for operation in operations:
            kind, make = chance.choice(makers)
            known = operation if operation in OPERATIONS else "command"
            command = operation == "command topic"
            topic = f"{base}/command/{user}" if command else f"{base}/request/{user}/{operation}"
            yield Hostile(topic, make(chance, known), kind)
        yield _strange_topic(chance, base, user)


def _strange_topic(chance: random.Random, base: str, user: str) -> Hostile:
    payload = chance.choice((b"", SENTENCE.encode(), b"{}", chance.randbytes(30)))
    said = chance.choice(TEXTS[1:])
    segment = "".join(c for c in said if c >= " " and c not in "#+") or "a b"  # brokers refuse them
    topic, answerable = chance.choice(
        (
            (f"{base}/command/{segment}", False),
            (f"{base}/request/{segment}/health", False),
            (f"{base}/request/", False),
            (f"{base}/request/{user}", True),
            (f"{base}/request/{user}/", True),
            (f"{base}/request/{user}/{segment}", True),
            (f"{base}/request/{user}/health/{'x/' * 50}", True),
        )
    )
    return Hostile(topic, payload, "strange topic", answerable)


def _bytes(chance: random.Random, _: str) -> bytes:
    return chance.randbytes(chance.randrange(1, 300))


def _raw(chance: random.Random, _: str) -> bytes:
    return chance.choice(RAW)


def _deep(chance: random.Random, operation: str) -> bytes:
    depth = chance.choice((50, 900, 1_500, 3_000))
    field = chance.choice((*OPERATIONS[operation].request.model_fields, "x"))
    opening = chance.choice((b"[", b'{"a":'))
    closing = {b"[": b"]", b'{"a":': b"}"}[opening] * depth if chance.random() < 0.5 else b""
    return b'{"%s": %s1%s}' % (field.encode(), opening * depth, closing)


def _long(chance: random.Random, _: str) -> bytes:
    size = chance.choice((LIMIT - 12, LIMIT + 1, LIMIT * 4))
    return (b'{"text": "%s"}' % (b"x" * size))[: max(size, LIMIT + 1)]


def _wrong_types(chance: random.Random, operation: str) -> bytes:
    fields = list(OPERATIONS[operation].request.model_fields)
    chosen = chance.sample(fields, chance.randint(0, len(fields)))
    said = {field: chance.choice(VALUES) for field in chosen}
    if chance.random() < 0.2:
        said[chance.choice(("colour", "user", "", "__class__"))] = chance.choice(VALUES)
    return json.dumps(said).encode()


def _hostile_text(chance: random.Random, operation: str) -> bytes:
    fields = OPERATIONS[operation].request.model_fields
    return json.dumps({field: chance.choice(TEXTS) for field in fields}).encode()


def _spoilt(chance: random.Random, operation: str) -> bytes:
    said = dict.fromkeys(OPERATIONS[operation].request.model_fields, SENTENCE)
    payload = bytearray(json.dumps(said | {"id": "x"}).encode())
    for _ in range(chance.randrange(1, 4)):
        payload[chance.randrange(len(payload))] = chance.randrange(256)
    return bytes(payload)
