"""Functional-token text to calls: a recursive-descent reader of the published grammar.

    output := call (";" call)* end?         call     := functional arguments?
    end    := "<nexa_end>"                  arguments := "(" [argument ("," argument)*] ")"
    argument := call | quoted | number | True | False | None | bare words

It also reads what real weights write: an apostrophe that is not escaped, no end token, an end
token on a line of its own, a functional token without parentheses, text after the end.
"""

import re

from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.tokens import END, FUNCTIONAL, functional, literal
from schemas.base import Scalar
from schemas.call import Call, Change, Person
from schemas.errors import MalformedCall
from schemas.function import Function

MAX_DEPTH = 8
MAX_LENGTH = 20_000

_BARE = re.compile(r"[^,();]*")
_CLOSING = re.compile(r"\s*[,)]")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "'": "'", '"': '"', "\\": "\\"}
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "none": None, "null": None}


def read(text: str, catalogue: Catalogue) -> tuple[Call, ...]:
    """The calls `text` holds, at least one; MalformedCall says what is wrong."""
    if len(text) > MAX_LENGTH:
        raise MalformedCall(f"the model wrote {len(text)} characters; {MAX_LENGTH} are allowed")
    calls = _Reader(text, catalogue).output()
    if len(calls) > 1 and any(call.function == IRRELEVANT for call in calls):
        raise MalformedCall(f"{IRRELEVANT} stands beside other calls")
    return calls


class _Reader:
    """A position in the text; every method reads one rule and moves on."""

    def __init__(self, text: str, catalogue: Catalogue) -> None:
        self._text = text
        self._at = 0
        self._catalogue = catalogue

    def output(self) -> tuple[Call, ...]:
        calls = [self._call(1)]
        while self._skip(";"):
            calls.append(self._call(1))
        if not self._skip(END) and self._at < len(self._text):
            raise self._malformed("the end")
        return tuple(calls)

    def _call(self, depth: int) -> Call:
        if depth > MAX_DEPTH:
            raise MalformedCall(f"calls are nested more than {MAX_DEPTH} deep")
        function = self._function()
        arguments: list[Scalar | Call | None] = []
        if self._skip("("):
            while not self._skip(")"):
                if arguments:
                    self._expect(",")
                arguments.append(self._argument(depth))
        return Call(function=function.name, arguments=_filled(function, arguments))

    def _function(self) -> Function:
        self._space()
        token = FUNCTIONAL.match(self._text, self._at)
        if token is None or not token[1].isdecimal():
            raise self._malformed("a functional token")
        function = self._catalogue.with_token(int(token[1])) if len(token[1]) < 6 else None
        if function is None:
            raise MalformedCall(f"no function has the token {token[0][:40]}")
        self._at = token.end()
        return function

    def _argument(self, depth: int) -> Scalar | Call | None:
        self._space()
        if FUNCTIONAL.match(self._text, self._at):
            return self._call(depth + 1)
        if self._text[self._at : self._at + 1] in ("'", '"'):
            return self._quoted()
        bare = _BARE.match(self._text, self._at)
        if bare is None or not bare[0].strip():
            raise self._malformed("an argument")
        self._at = bare.end()
        return _scalar(bare[0].strip())

    def _quoted(self) -> str:
        quote = self._text[self._at]
        written = []
        at = self._at + 1
        while at < len(self._text):
            letter = self._text[at]
            if letter == "\\" and self._text[at + 1 : at + 2] in _ESCAPES:
                written.append(_ESCAPES[self._text[at + 1]])
                at += 2
                continue
            if letter == quote and _CLOSING.match(self._text, at + 1):
                self._at = at + 1
                return "".join(written)
            written.append(letter)
            at += 1
        raise self._malformed("a closing quote")

    def _space(self) -> None:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1

    def _skip(self, mark: str) -> bool:
        self._space()
        found = self._text.startswith(mark, self._at)
        self._at += len(mark) if found else 0
        return found

    def _expect(self, mark: str) -> None:
        if not self._skip(mark):
            raise self._malformed(f"'{mark}'")

    def _malformed(self, expected: str) -> MalformedCall:
        found = self._text[self._at : self._at + 30]
        return MalformedCall(
            f"expected {expected} at character {self._at}, found {found!r}"
            if found
            else f"expected {expected}, but the text ends"
        )


def _scalar(text: str) -> Scalar | None:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if number := _NUMBER.fullmatch(text):
        return float(text) if number[1] else int(text)
    return text


def _filled(
    function: Function, arguments: list[Scalar | Call | None]
) -> tuple[Scalar | Call | None, ...]:
    """The arguments with declared defaults for those left out; too many are refused."""
    missing = len(function.parameters) - len(arguments)
    if missing < 0:
        raise MalformedCall(
            f"{function.name} takes {len(function.parameters)} arguments, {len(arguments)} given"
        )
    defaults = [p.default for p in function.parameters[len(arguments) :]]
    return (*arguments, *defaults)


def write(call: Call, catalogue: Catalogue) -> str:
    """A call as functional-token text, without the end token; `read` gives the call back."""
    written = []
    for argument in call.arguments:
        assert not isinstance(argument, Change | Person), "a model writes words"
        if isinstance(argument, Call):
            written.append(write(argument, catalogue))
        else:
            written.append(literal(argument))
    return f"{functional(catalogue[call.function].token)}({', '.join(written)})"
