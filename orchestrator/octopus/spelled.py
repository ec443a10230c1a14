"""The grammar of the catalogue for models that spell what they write, in llguidance's Lark.

The same rules as `grammar.py`: only functions that exist, with exactly their parameters. An
argument is a piece of the sentence at whole words, an enum value, a boolean, the declared default,
a number, or a nested call. A model running here and a server get the same text.
"""

import json
from collections.abc import Iterator

from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.octopus.grammar import MAX_CALLS, takes
from orchestrator.octopus.words import quotations, units
from orchestrator.tokens import END, functional, literal
from schemas.function import Function, Parameter, ParameterType

_NUMBER = r"NUMBER: /(0|-?[1-9][0-9]{0,6})(\.(0|[0-9]{0,2}[1-9]))?/"
_DATETIME = r"DATETIME: /'[0-9]{4}(-[0-9]{2}){4}'/"
_SPAN = r"""SPAN: "'" (PIECE & /\S|\S(?s:.*)\S/) "'" """
_SPELLED = {ParameterType.INTEGER: "NUMBER", ParameterType.NUMBER: "NUMBER"}
"""Types that weights write in digits where the sentence has words; grounding checks them against
the sentence."""


def lark(catalogue: Catalogue, sentence: str, *, several: bool) -> str:
    """The grammar of what may be written about `sentence`; `several`: parallel and nested calls
    too, as the embedded weights know them."""
    rules = [_start(catalogue, several)]
    # Weights for single calls never learned to say that something was not said; but where there is
    # nothing to copy, there is nothing else to write.
    silent = several or not sentence.strip()
    for function in catalogue:
        rules += _rules(function, catalogue, several, silent)
    return "\n".join([*rules, _NUMBER, _DATETIME, *_span(sentence)]) + "\n"


def _start(catalogue: Catalogue, several: bool) -> str:
    calls = [f"f{f.token}" for f in catalogue if f.name != IRRELEVANT]
    more = f' (";" call){{0,{MAX_CALLS - 1}}}' if several else ""
    none = [f"f{catalogue[IRRELEVANT].token}"] if IRRELEVANT in catalogue else []
    return f'start: " " ({" | ".join(["call" + more, *none])}) {END}\ncall: {" | ".join(calls)}'


def _rules(function: Function, catalogue: Catalogue, several: bool, silent: bool) -> Iterator[str]:
    """The function as an outer call `f`, and as an inner one `i` that holds no further call;
    `silent`: what was not said may be left out."""
    inner = [[f"i{f.token}" for f in catalogue if takes(p, f)] for p in function.parameters]
    plain = [_values(p, silent or not p.required) for p in function.parameters]
    nesting = [[*p, *i] for p, i in zip(plain, inner, strict=True)] if several else plain
    yield _rule(f"f{function.token}", function, nesting)
    if several:
        yield _rule(f"i{function.token}", function, plain)


def _rule(name: str, function: Function, arguments: list[list[str]]) -> str:
    if not arguments:
        return f'{name}: {functional(function.token)} "()"'
    written = ' ", " '.join(f"({' | '.join(values)})" for values in arguments)
    return f'{name}: {functional(function.token)} "(" {written} ")"'


def _values(parameter: Parameter, may_be_left_out: bool) -> list[str]:
    values = parameter.choices
    boolean = parameter.type is ParameterType.BOOLEAN
    found = [_text(value.capitalize() if boolean else literal(value)) for value in values]
    if may_be_left_out:
        found.append(_text(literal(parameter.default)))
    if not values:
        found.append("SPAN")
    if parameter.type in _SPELLED:
        found.append(_SPELLED[parameter.type])
    if parameter.type is ParameterType.DATETIME and not parameter.grounded:
        found.append("DATETIME")
    return list(dict.fromkeys(found))


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _span(sentence: str) -> Iterator[str]:
    """A quoted piece of the sentence that cuts no word and no quotation, without spaces around."""
    quoted = list(quotations(sentence))
    marked = [(start - 1, end + 1) for start, end in quoted]
    # Where they overlap, what begins first is kept whole, and of the other what is left.
    kept = sorted([*marked, *units(sentence)], key=lambda span: (span[0], -span[1]))
    pieces = [_chunks(sentence, span, kept) for span in [(0, len(sentence)), *quoted]]
    regexes = [json.dumps({"substring_chunks": chunks}, ensure_ascii=False) for chunks in pieces]
    yield "PIECE: " + " | ".join(f"%regex {regex}" for regex in regexes)
    yield _SPAN


def _chunks(sentence: str, span: tuple[int, int], kept: list[tuple[int, int]]) -> list[str]:
    """The text of `span` as a quoted string has it, in pieces nobody says half of: what is to be
    `kept` whole, and the letters between."""
    at, end = span
    found: list[str] = []
    for first, last in kept:
        if at < last <= end:
            found += [*sentence[at:first], sentence[max(at, first) : last]]
            at = last
    return [literal(piece)[1:-1] for piece in [*found, *sentence[at:end]]]
