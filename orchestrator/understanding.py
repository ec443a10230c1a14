"""What a model wrote about a sentence to calls and a decision, without touching a device."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from orchestrator import decoder, grounding, guard, leftovers, orders, texts
from orchestrator.canonical import Canonical, Context
from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.orders import Order
from orchestrator.policy import Policy, Verdict
from orchestrator.questions import Ask, Reply
from orchestrator.times import rhythms, when
from orchestrator.times.moments import Unclear
from schemas.base import Value
from schemas.call import Call, NamedCall
from schemas.decoded import Decoded
from schemas.errors import HubError, MalformedCall
from schemas.execution import Decision
from schemas.function import Effect, Function, Parameter, ParameterType
from schemas.question import Question
from schemas.when import When

MAX_SENTENCE = 1_000
"""Longest sentence in characters."""
_DOUBT = 0.001
"""Below this caution the model is all but certain that a sentence may be acted on: what the rules
object to then is nearly always a plain request (decision 11)."""
_LIKELY = 0.5
"""Above this caution, what the sentence forbids is likelier the reason than that nothing fits."""
_CONTENT = frozenset({"message", "content", "title", "text", "query", "label"})
"""Parameters that hold somebody's own words: a time in them is told, not kept."""
_TAIL = re.compile(r"\b(?:at|in|on|every|tomorrow|tonight|this)\b", re.IGNORECASE)
"""What a time behind a name or a place begins with."""
Objecting = Callable[
    [str, tuple[Function, ...], tuple[tuple[str, ParameterType], ...]], guard.Objection | None
]
"""See `guard.objection`."""


class Understanding(Value):
    """What the model wrote, what it means, and whether it may be done. `calls` are canonical as far
    as they can be; `written` are the model's own, for an answer to be put in."""

    sentence: str
    text: str = ""
    written: tuple[Call, ...] = ()
    calls: tuple[Call, ...] = ()
    confidence: float = 0.0
    model: str = ""
    decision: Decision
    reason: str = ""
    when: When | None = None
    question: Question | None = None
    order: Order | None = None
    exact: bool = False  # the arguments are a program's, and no pieces of a sentence


class Refused(HubError):
    """The sentence forbids acting on it now."""

    code = "refused"


class Understander:
    """Reads, guards, grounds and asks the policy; keeps nothing between sentences."""

    def __init__(
        self,
        catalogue: Catalogue,
        policy: Policy,
        *,
        threshold: float,
        caution: float = 1.0,
        region: str,
        now: Callable[[], datetime],
        names: Callable[[], Iterable[str]] = tuple,
        objection: Objecting = guard.objection,
    ) -> None:
        """`threshold`: the least confidence; `caution`: above it the model's word that a sentence
        forbids acting counts; `names`: what devices are called."""
        self._catalogue = catalogue
        self.policy = policy
        self._threshold = threshold
        self._caution = caution
        self.region = region
        self.now = now
        self._names = names
        self._objection = objection

    def readings(self, sentence: str) -> tuple[str, ...]:
        """What is to be decoded: the sentence and, where it names a time, the same without it."""
        found = self._found(sentence)
        rest = _cut(sentence, found).strip(" ,;:.-") if found else ""
        return (sentence, rest) if rest else (sentence,)

    def __call__(self, sentence: str, decoded: Sequence[Decoded], user: str) -> Understanding:
        """What comes of a sentence whose `readings` were decoded; whatever is wrong with it is a
        decision too."""
        if order := orders.read(sentence):
            reason = f"for the hub itself: {order.wish}"
            return Understanding(
                sentence=sentence, decision=Decision.ORDER, reason=reason, order=order
            )
        try:
            one, written = self._chosen(sentence, decoded)
        except MalformedCall as error:
            return Understanding(
                sentence=sentence, text=decoded[0].text, confidence=decoded[0].confidence,
                model=decoded[0].model, decision=Decision.REFUSE,
                reason=texts.NO_CALL.format(why=error),
            )  # fmt: skip
        context = self._context(sentence)
        understood = Understanding(
            sentence=sentence, text=one.text, written=written, confidence=one.confidence,
            calls=tuple(grounding.lenient(call, context, self._catalogue) for call in written),
            model=one.model, decision=Decision.ACT,
        )  # fmt: skip
        try:
            self._check_model(understood, one)
            later = self._later(sentence, written)
            self._check_sentence(understood, one, later or context.found)
        except (Refused, Unclear) as refusal:
            update: dict[str, object] = {"decision": Decision.REFUSE, "reason": str(refusal)}
            return understood.model_copy(update=update)
        understood = understood.model_copy(update={"when": later.when if later else None})
        return self._decided(understood, context, user)

    def called(self, call: NamedCall, text: str, user: str) -> Understanding:
        """What comes of a call that a program makes: no model and no guard, but values are read and
        the policy is asked as ever."""
        parameters = self._catalogue[call.function].parameters
        values = tuple(call.arguments.get(parameter.name) for parameter in parameters)
        understood = Understanding(
            sentence=text, written=(Call(function=call.function, arguments=values),),
            confidence=1.0, decision=Decision.ACT, exact=True,
        )  # fmt: skip
        return self._decided(understood, self._context_of(understood), user)

    def ground(self, understood: Understanding, given: dict[str, Canonical]) -> tuple[Call, ...]:
        """The canonical calls, with what a person answered; Ask where something is missing."""
        context = self._context_of(understood).model_copy(update={"given": given})
        return self._grounded(understood.written, context)

    def answered(
        self, question: Question, reply: Reply, understood: Understanding
    ) -> dict[str, Canonical] | None:
        """See `grounding.answered`."""
        context = self._context(reply.words)
        return grounding.answered(question, reply, understood.written, context, self._catalogue)

    def asks_for_text(self, question: Question, understood: Understanding) -> bool:
        """Whether a question is for a text, in which any words may stand."""
        return grounding.asks_for_text(question, understood.written, self._catalogue)

    def _grounded(self, written: tuple[Call, ...], context: Context) -> tuple[Call, ...]:
        return tuple(
            grounding.ground(call, context, self._catalogue, str(number))
            for number, call in enumerate(written)
        )

    def _context_of(self, understood: Understanding) -> Context:
        if understood.exact:
            return Context(
                sentence=understood.sentence, now=self.now(), region=self.region, exact=True
            )
        return self._context(understood.sentence)

    def _context(self, sentence: str) -> Context:
        return Context(
            sentence=sentence, now=self.now(), region=self.region, found=self._found(sentence)
        )

    def _found(self, sentence: str) -> when.Found | None:
        """The time that a sentence names; None where it names none, or none that can be read."""
        try:
            return when.find(sentence, self.now())
        except Unclear:
            return None

    def _chosen(
        self, sentence: str, decoded: Sequence[Decoded]
    ) -> tuple[Decoded, tuple[Call, ...]]:
        """The reading that counts, and its calls: where the sentence's time is no part of what is
        done, the sentence without it says what that is."""
        written = decoder.read(decoded[0].text, self._catalogue)
        if len(decoded) == 1 or self._timed(written):
            return decoded[0], written
        if self._found(self._without_content(sentence, written)) is None:
            return decoded[0], written
        rest = decoder.read(decoded[1].text, self._catalogue)
        if rest[0].function == IRRELEVANT or self._timed(rest):
            return decoded[0], written
        return decoded[1], rest

    def _later(self, sentence: str, written: tuple[Call, ...]) -> when.Found | None:
        """The time at which the calls are to be made, where that is not now; Unclear where it
        cannot be kept, Refused where it may be meant for one call of several."""
        if self._timed(written):
            return None
        reading = not any(f.effect is not Effect.READ for f in self._functions(written))
        try:
            found = when.find(self._without_content(sentence, written), self.now())
        except Unclear:
            if reading:
                return None
            raise
        if found is None or (reading and not found.when.rule):
            return None
        around = [sentence[: found.spans[0][0]], sentence[found.spans[-1][1] :]]
        if len(written) > 1 and all(_says_something(text) for text in around):
            raise Refused(texts.WHICH_IS_LATER)
        return found

    def _timed(self, written: tuple[Call, ...]) -> bool:
        """Whether a time is an argument."""
        return any(p.timed for p, _ in self._pieces(written))

    def _without_content(self, sentence: str, written: tuple[Call, ...]) -> str:
        """The sentence with spaces for what is somebody's own words; "at 7 pm" behind a song's name
        or a place is none of them."""
        for parameter, value in self._pieces(written):
            if parameter.type is not ParameterType.TEXT:
                continue
            tail = None if parameter.name in _CONTENT else _TAIL.search(value, 1)
            own = value[: tail.start()] if tail else value
            whole = rf"(?<!\w){re.escape(own)}(?!\w)"
            # Content mostly stands behind everything else.
            found = [*re.finditer(whole, sentence)][-1:]
            for place in found:
                sentence = sentence[: place.start()] + " " * len(own) + sentence[place.end() :]
        return sentence

    def _check_model(self, understood: Understanding, one: Decoded) -> None:
        """Refused where nothing fits, or the model is not sure; where nothing may fit because the
        sentence forbids it, that is what a person is told."""
        if understood.written[0].function == IRRELEVANT:
            if not one.because or one.caution <= _LIKELY:
                raise Refused(texts.NO_FUNCTION)
            if one.because == guard.Kind.TIME:
                when.find(understood.sentence, self.now())  # Unclear says more of a wrong time
            raise Refused(guard.reason(one.because))
        if understood.confidence < self._threshold:
            raise Refused(texts.NOT_SURE.format(confidence=understood.confidence))

    def _check_sentence(
        self, understood: Understanding, one: Decoded, found: when.Found | None
    ) -> None:
        """Refused where the sentence, its time aside, forbids acting now."""
        functions, pieces = self._functions(understood.written), self._pieces(understood.written)
        sentence = understood.sentence if found is None else _cut(understood.sentence, found)
        said = tuple((value, parameter.type) for parameter, value in pieces)
        certain = bool(one.because) and one.caution < _DOUBT
        objection = self._objection(sentence, functions, said)
        if objection and not certain:
            raise Refused(objection.reason)
        if one.because and one.caution > self._caution:
            raise Refused(guard.reason(one.because))
        left = leftovers.number(sentence, [value for _, value in pieces], self._names())
        if left and any(function.effect is not Effect.READ for function in functions):
            raise Refused(texts.NOT_CLEAR_WHAT_FOR.format(what=left))

    def _decided(self, understood: Understanding, context: Context, user: str) -> Understanding:
        """Ground the calls and ask the policy, as far as it can say before a device is known."""
        try:
            calls = self._grounded(understood.written, context)
        except Ask as ask:
            asks = Decision.REFUSE if understood.exact else Decision.ASK
            return understood.model_copy(
                update={"decision": asks, "reason": str(ask), "question": ask.question}
            )
        decision, reason = Decision.ACT, ""
        if understood.when:
            spoken = rhythms.spoken(understood.when, context.now)
            decision, reason = Decision.SCHEDULE, f"scheduled: {spoken}"
        at = context.now
        if understood.when:
            at = rhythms.instant(understood.when).astimezone(at.tzinfo)
        for call in _all(calls):
            function = self._catalogue[call.function]
            names = [parameter.name for parameter in function.parameters]
            arguments = dict(zip(names, call.arguments, strict=True))
            ruling = self.policy.verdict(user, function, arguments=arguments, at=at)
            if ruling.verdict is Verdict.DENY and ruling.settled:
                decision, reason = Decision.REFUSE, ruling.reason
                break
            if ruling.verdict is not Verdict.ALLOW and decision is Decision.ACT:
                decision, reason = Decision.CONFIRM, ruling.reason
        return understood.model_copy(
            update={"calls": calls, "decision": decision, "reason": reason}
        )

    def _functions(self, written: tuple[Call, ...]) -> tuple[Function, ...]:
        return tuple(self._catalogue[call.function] for call in _all(written))

    def _pieces(self, written: tuple[Call, ...]) -> list[tuple[Parameter, str]]:
        """The arguments that are pieces of the sentence, inner calls' included."""
        return [
            (parameter, value)
            for call in _all(written)
            for parameter, value in zip(
                self._catalogue[call.function].parameters, call.arguments, strict=True
            )
            if isinstance(value, str) and value and not parameter.choices
        ]


def _all(calls: tuple[Call, ...]) -> Iterator[Call]:
    """Every call, inner ones first."""
    for call in calls:
        yield from _all(tuple(a for a in call.arguments if isinstance(a, Call)))
        yield call


def _cut(sentence: str, found: when.Found) -> str:
    """The sentence without the words that say when."""
    kept, at = [], 0
    for start, end in found.spans:
        kept.append(sentence[at:start].rstrip(" ,"))
        at = end
    return " ".join([*kept, sentence[at:].lstrip(" ,")]).strip()


def _says_something(text: str) -> bool:
    """Whether more stands there than signs and a polite word."""
    words = [word.strip(",.;:!?") for word in text.casefold().split()]
    return any(
        word not in ("", "please", "and", "then", "hey", "ok", "so", "thanks") for word in words
    )
