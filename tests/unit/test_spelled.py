"""The grammar for models that spell: what can be written in it can be read, and nothing else can be
written."""

import re

import llguidance
import numpy as np
import pytest
from tokenizers import Tokenizer

from orchestrator import decoder
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.published import LIMITS, Pieces
from orchestrator.octopus.spelled import lark
from orchestrator.octopus.words import whole
from schemas.base import Scalar
from schemas.call import Call
from schemas.function import Parameter
from tests import gemmakit

DRAWS = 420
"""Of each sentence in each way: more than 10,000 together."""
SENTENCES = [
    "text O'Neil \\'s \"late\" <nexa_3>, ok",
    "text John I'm late and set the volume to 3",
    "text John \"a <nexa_8>('911') b<nexa_end>\" now",
    "mail bob.smith@example.com and bob.smith@example.org at 7:15, or +44 20 7946 0018",
    "say “don't be 'late'” to ‘Zoë’, then 'x \"y z\" w'",
    "path C:\\new\\ \\\\ 'n\\' \\n",
    "🐙🐙 call 👩\u200d👩\u200d👧 Müller straße Ω cafe\u0301",
    "1,000.5 or -3.14 at 12:30: www.x.org/y?z=1",
    "photo",
    "?!. ,;() []{}<> %regex /x/ | start: \"'",
    "the the the the the, the the",
    "play the kids' hits of '99, ok",
    " \u00a0 ",
]
HALVES = 'text John "see you soon" at bob.smith@example.com or the kids\' 12:30'
LONG = [
    "ab" * 500,
    "".join(chr(0x4E00 + number) for number in range(1_000)),
    'text John "' + "see you soon " * 75 + '"',
    '"a" ' * 250,
    "'a" * 500,
    " " * 998 + "a",
    "\\" * 1_000,
]
"""As long as a sentence may be, and hard on a grammar."""
BOTH = pytest.mark.parametrize("several", [False, True])


@pytest.fixture(scope="module")
def known(catalogue: Catalogue) -> Catalogue:
    return catalogue.only(range(gemmakit.FUNCTIONS))


@pytest.fixture(scope="module")
def pieces() -> Tokenizer:
    return gemmakit.tokenizer([*SENTENCES, HALVES, "'), ('", "'), '", "None, True, False"], first=0)


@pytest.fixture(scope="module")
def spelling(pieces: Tokenizer) -> llguidance.LLTokenizer:
    wrapped = llguidance.TokenizerWrapper(Pieces(pieces, pieces.get_vocab_size()))
    return llguidance.LLTokenizer(wrapped)


@BOTH
@pytest.mark.parametrize("sentence", SENTENCES)
def test_whatever_is_drawn_can_be_read(
    sentence: str, several: bool, known: Catalogue, spelling: llguidance.LLTokenizer
) -> None:
    matcher = llguidance.LLMatcher(spelling, lark(known, sentence, several=several), log_level=0)
    random = np.random.default_rng(1)
    for _ in range(DRAWS):
        assert matcher.reset()
        text = spelling.decode_str(_drawn(matcher, random))
        calls = decoder.read(text, known)
        written = ";".join(decoder.write(call, known) for call in calls)
        assert f" {written}<nexa_end>" == text
        assert several or not _is_nested_or_parallel(calls)
        for parameter, value in _arguments(calls, known):
            assert _allowed(parameter, value, sentence), (text, value)


@BOTH
@pytest.mark.parametrize("sentence", LONG, ids=range(len(LONG)))
def test_long_sentences_are_not_too_much(
    sentence: str, several: bool, known: Catalogue, spelling: llguidance.LLTokenizer
) -> None:
    grammar = lark(known, sentence, several=several)
    matcher = llguidance.LLMatcher(spelling, grammar, log_level=0, limits=LIMITS)
    random = np.random.default_rng(1)
    for _ in range(20):
        assert matcher.reset()
        assert decoder.read(spelling.decode_str(_drawn(matcher, random)), known)


def _drawn(matcher: llguidance.LLMatcher, random: np.random.Generator) -> list[int]:
    drawn: list[int] = []
    while not matcher.is_stopped():
        new = matcher.compute_ff_tokens()
        if not new:
            mask = np.frombuffer(matcher.compute_bitmask(), np.uint8)
            open_ = np.flatnonzero(np.unpackbits(mask, bitorder="little"))
            assert len(open_), "no token is allowed"
            new = [int(random.choice(open_))]
        assert matcher.consume_tokens(new), matcher.get_error()
        drawn += new
    assert not matcher.is_error(), matcher.get_error()
    return drawn


def _is_nested_or_parallel(calls: tuple[Call, ...]) -> bool:
    return len(calls) > 1 or any(isinstance(value, Call) for value in calls[0].arguments)


def _arguments(calls: tuple[Call, ...], known: Catalogue) -> list[tuple[Parameter, Scalar | None]]:
    found = []
    for call in calls:
        for parameter, value in zip(known[call.function].parameters, call.arguments, strict=True):
            inner = isinstance(value, Call)
            found += _arguments((value,), known) if inner else [(parameter, value)]
    return found


def _allowed(parameter: Parameter, value: Scalar | None, sentence: str) -> bool:
    """Whether a text is a default, a value to choose, or a piece of the sentence."""
    if not isinstance(value, str) or value in (parameter.default, *parameter.choices):
        return True
    if not parameter.grounded and re.fullmatch(r"\d{4}(-\d\d){4}", value):
        return True
    places = (match.span() for match in re.finditer(f"(?={re.escape(value)})", sentence))
    return value == value.strip() and any(whole(sentence, s, s + len(value)) for s, _ in places)


@pytest.fixture
def writable(known: Catalogue, pieces: Tokenizer, spelling: llguidance.LLTokenizer) -> "Writable":
    return Writable(known, pieces, spelling)


class Writable:
    """Whether a text is in the grammar of a sentence, to its end."""

    def __init__(
        self, known: Catalogue, pieces: Tokenizer, spelling: llguidance.LLTokenizer
    ) -> None:
        self._known = known
        self._pieces = pieces
        self._spelling = spelling

    def __call__(self, text: str, sentence: str, *, several: bool = False) -> bool:
        grammar = lark(self._known, sentence, several=several)
        matcher = llguidance.LLMatcher(self._spelling, grammar, log_level=0)
        tokens = self._pieces.encode(" " + text, add_special_tokens=False).ids
        return bool(matcher.consume_tokens(tokens) and matcher.is_stopped())


@BOTH
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("<nexa_0>('front')<nexa_end>", "selfie"),
        ("<nexa_0>('back')<nexa_end>", "selfie"),
        ("<nexa_6>()<nexa_end>", "smoke?"),
        ("<nexa_20>()<nexa_end>", "tell me a joke"),
        ("<nexa_7>('O\\'Neil', 'I\\'m late')<nexa_end>", "text O'Neil I'm late"),
        ("<nexa_7>('C', 'C:\\\\new')<nexa_end>", "text C: C:\\new"),
        ("<nexa_2>('\"see you soon\"')<nexa_end>", HALVES),
        ("<nexa_2>('see')<nexa_end>", HALVES),
        ("<nexa_2>('John \"see you soon\" at')<nexa_end>", HALVES),
        ("<nexa_2>('bob.smith@example.com')<nexa_end>", HALVES),
        ("<nexa_2>('kids')<nexa_end>", HALVES),
        ("<nexa_2>('12:30')<nexa_end>", HALVES),
        ("<nexa_11>(5)<nexa_end>", "half as bright"),
        ("<nexa_11>(-5)<nexa_end>", "half as bright"),
        ("<nexa_16>(72.5)<nexa_end>", "warmer"),
        ("<nexa_16>(72.0)<nexa_end>", "warmer"),
        ("<nexa_11>('half')<nexa_end>", "half as bright"),
        ("<nexa_14>('speaker', 10)<nexa_end>", "connect to my speaker"),
        ("<nexa_15>(True)<nexa_end>", "quiet"),
        ("<nexa_12>('dinner', 'eight', '2024-01-31-20-00')<nexa_end>", "dinner at eight"),
    ],
)
def test_what_belongs_there_can_be_written(
    text: str, sentence: str, several: bool, writable: Writable
) -> None:
    assert writable(text, sentence, several=several)


@BOTH
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("<nexa_2>('Seoul')", "weather in Seoul"),  # no end
        ("<nexa_2>('Seoul')<nexa_end>x", "weather in Seoul"),
        ("<nexa_2>('Seoul')<nexa_end>\n\nFunction description:", "weather in Seoul"),
        ("<nexa_2>('Seoul')<nexa_end><nexa_end>", "weather in Seoul"),
        ("<nexa_2>('Seoul');<nexa_end>", "weather in Seoul"),
        ("<nexa_2>('Seoul',)<nexa_end>", "weather in Seoul"),
        ("<nexa_2>( 'Seoul')<nexa_end>", "weather in Seoul"),
        ("<nexa_2>('Seoul', 'Seoul')<nexa_end>", "weather in Seoul"),
        ("<nexa_2>()<nexa_end>", "weather in Seoul"),
        ("<nexa_2><nexa_end>", "weather in Seoul"),
        ("<nexa_7>('John')<nexa_end>", "text John"),
        ("<nexa_7>('John','John')<nexa_end>", "text John"),
        ("<nexa_20>('John')<nexa_end>", "text John"),
        ("<nexa_end>", "text John"),
        ("<bos>", "text John"),
        ("<nexa_2>('Busan')<nexa_end>", "weather in Seoul"),
        ("<nexa_2>('Seou')<nexa_end>", "weather in Seoul"),
        ("<nexa_2>('eoul')<nexa_end>", "weather in Seoul"),
        ("<nexa_2>('in weather')<nexa_end>", "weather in Seoul"),
        ("<nexa_2>(' Seoul')<nexa_end>", "weather in Seoul"),
        ("<nexa_2>('in ')<nexa_end>", "weather in Seoul"),
        ("<nexa_2>('')<nexa_end>", "weather in Seoul"),
        ("<nexa_2>(\"Seoul\")<nexa_end>", "weather in Seoul"),
        ("<nexa_2>(Seoul)<nexa_end>", "weather in Seoul"),
        ("<nexa_2>('John \"see')<nexa_end>", HALVES),
        ("<nexa_2>('John \"see you soon')<nexa_end>", HALVES),
        ("<nexa_2>('soon\" at')<nexa_end>", HALVES),
        ("<nexa_2>('bob.smith')<nexa_end>", HALVES),
        ("<nexa_2>('example.com')<nexa_end>", HALVES),
        ("<nexa_2>('30')<nexa_end>", HALVES),
        ("<nexa_2>('O'Neil')<nexa_end>", "weather at O'Neil"),
        ("<nexa_0>('side')<nexa_end>", "side"),
        ("<nexa_0>(None)<nexa_end>", "side"),
        ("<nexa_15>('quiet')<nexa_end>", "quiet"),
        ("<nexa_15>(true)<nexa_end>", "quiet"),
        ("<nexa_11>(007)<nexa_end>", "half"),
        ("<nexa_11>(-0)<nexa_end>", "half"),
        ("<nexa_11>(1.50)<nexa_end>", "half"),
        ("<nexa_11>(12345678)<nexa_end>", "half"),
        ("<nexa_8>(911)<nexa_end>", "help"),
        ("<nexa_12>('dinner', '2024-01-31-20-00', None)<nexa_end>", "dinner"),
    ],
)  # fmt: skip
def test_what_does_not_belong_there_cannot(
    text: str, sentence: str, several: bool, writable: Writable
) -> None:
    assert not writable(text, sentence, several=several)


@pytest.mark.parametrize(
    "text",
    [
        "<nexa_2>('Seoul');<nexa_0>('front')<nexa_end>",
        "<nexa_7>('John', <nexa_2>('Seoul'))<nexa_end>",
        "<nexa_7>('John', None)<nexa_end>",
        ";".join(["<nexa_6>()"] * 6) + "<nexa_end>",
    ],
)
def test_only_weights_for_several_calls_write_them(text: str, writable: Writable) -> None:
    sentence = "text John the weather in Seoul"
    assert writable(text, sentence, several=True)
    assert not writable(text, sentence, several=False)


@pytest.mark.parametrize(
    "text",
    [
        ";".join(["<nexa_6>()"] * 7) + "<nexa_end>",
        "<nexa_20>();<nexa_6>()<nexa_end>",
        "<nexa_6>();<nexa_20>()<nexa_end>",
        "<nexa_7>('John', <nexa_20>())<nexa_end>",
        "<nexa_7>('John', <nexa_0>('front'))<nexa_end>",  # gives a file, not a text
        "<nexa_7>('John', <nexa_4>(<nexa_2>('Seoul')))<nexa_end>",
        "<nexa_7>(<nexa_2>('Seoul'), 'John')<nexa_end>",
        "<nexa_0>(<nexa_2>('Seoul'))<nexa_end>",
    ],
)
def test_there_is_a_limit_to_several_calls(text: str, writable: Writable) -> None:
    assert not writable(text, "text John the weather in Seoul", several=True)


@BOTH
def test_only_functions_of_the_catalogue_can_be_called(
    several: bool, known: Catalogue, pieces: Tokenizer, spelling: llguidance.LLTokenizer
) -> None:
    fewer = Writable(known.only({2, 6, 20}), pieces, spelling)
    assert fewer("<nexa_6>()<nexa_end>", "smoke", several=several)
    assert not fewer("<nexa_8>('smoke')<nexa_end>", "smoke", several=several)
