"""What a model wrote about a sentence to calls and a decision, without touching a device."""

from collections.abc import Callable
from datetime import datetime

from orchestrator import decoder, grounding, guard
from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.policy import Policy, Verdict
from schemas.base import Value
from schemas.call import Call
from schemas.decoded import Decoded
from schemas.errors import MalformedCall
from schemas.execution import Decision

MAX_SENTENCE = 1_000
"""Longest sentence in characters."""


class Understanding(Value):
    """What the model wrote, what it means, and whether it may be done."""

    text: str
    calls: tuple[Call, ...]
    confidence: float
    decision: Decision
    reason: str
    model: str


class Understander:
    """Reads, grounds, guards and asks the policy; keeps nothing between sentences."""

    def __init__(
        self,
        catalogue: Catalogue,
        policy: Policy,
        *,
        threshold: float,
        region: str,
        now: Callable[[], datetime],
    ) -> None:
        self._catalogue = catalogue
        self._policy = policy
        self._threshold = threshold
        self._region = region
        self._now = now

    def __call__(self, sentence: str, decoded: Decoded, user: str) -> Understanding:
        """Whatever is wrong with it is a decision too."""

        def decided(decision: Decision, reason: str, calls: tuple[Call, ...]) -> Understanding:
            return Understanding(
                text=decoded.text, calls=calls, confidence=decoded.confidence,
                decision=decision, reason=reason, model=decoded.model,
            )  # fmt: skip

        try:
            written = decoder.read(decoded.text, self._catalogue)
        except MalformedCall as error:
            return decided(Decision.REFUSE, f"the model wrote no call: {error}", ())
        context = grounding.Context(sentence=sentence, now=self._now(), region=self._region)
        calls = tuple(grounding.lenient(call, context, self._catalogue) for call in written)
        if calls[0].function == IRRELEVANT:
            return decided(Decision.REFUSE, "no function fits", calls)
        if decoded.confidence < self._threshold:
            reason = f"not sure enough what is meant ({decoded.confidence:.0%})"
            return decided(Decision.REFUSE, reason, calls)
        functions = tuple(self._catalogue[name] for call in calls for name in _names(call))
        copied = tuple(piece for call in written for piece in _copied(call, self._catalogue))
        if objection := guard.objection(sentence, functions, copied):
            return decided(Decision.REFUSE, objection, calls)
        try:
            calls = tuple(grounding.ground(call, context, self._catalogue) for call in written)
        except grounding.Question as question:
            return decided(Decision.ASK, str(question), calls)
        verdicts = {f.name: self._policy.verdict(user, f) for f in functions}
        for name, verdict in verdicts.items():
            if verdict is Verdict.DENY:
                return decided(Decision.REFUSE, f"the policy denies {name}", calls)
        asking = [name for name, verdict in verdicts.items() if verdict is Verdict.CONFIRM]
        if asking:
            return decided(Decision.CONFIRM, f"the policy asks before {asking[0]}", calls)
        return decided(Decision.ACT, "", calls)


def _names(call: Call) -> list[str]:
    inner = [name for a in call.arguments if isinstance(a, Call) for name in _names(a)]
    return [*inner, call.function]


def _copied(call: Call, catalogue: Catalogue) -> list[str]:
    """The pieces of the sentence that are arguments, the inner calls' included."""
    pieces = []
    for parameter, value in zip(catalogue[call.function].parameters, call.arguments, strict=True):
        if isinstance(value, Call):
            pieces += _copied(value, catalogue)
        elif isinstance(value, str) and value and not parameter.choices:
            pieces.append(value)
    return pieces
