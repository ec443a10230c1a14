"""A sentence with several requests for weights that know one, and what steps in for a server."""

import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator import decoder
from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.octopus import fallback
from orchestrator.octopus.clauses import Splitting
from orchestrator.octopus.completions import ServerAway
from orchestrator.octopus.engine import FunctionalTokenSaid, SentenceTooLong
from orchestrator.octopus.fallback import REST, Fallback
from orchestrator.octopus.grammar import MAX_CALLS
from orchestrator.tokens import literal
from schemas.decoded import Decoded

NONE = "<nexa_20>()"
JOINTS = {"and", "then", "also"}


class Script:
    """A decoder of single calls: what it was told to write, else that nothing is asked for."""

    def __init__(self, told: dict[str, str], sure: dict[str, float] | None = None) -> None:
        self._told = told
        self._sure = sure or {}
        self.asked: list[str] = []

    def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
        self.asked += sentences
        return [
            Decoded(
                text=self._told.get(sentence, NONE) + "<nexa_end>",
                confidence=self._sure.get(sentence, 0.9), steps=2, model="script",
            )
            for sentence in sentences
        ]  # fmt: skip


Split = Callable[[Script, str], Decoded]


@pytest.fixture
def split(catalogue: Catalogue) -> Split:
    def one(script: Script, sentence: str) -> Decoded:
        (told,) = Splitting(script, catalogue, threshold=0.5).decode_all([sentence])
        assert decoder.read(told.text, catalogue)
        return told

    return one


PHOTO, VOLUME, CALL = "<nexa_0>('back')", "<nexa_13>('3', 'media')", "<nexa_8>('Bob')"
CLAUSES = {"take a photo": PHOTO, "set the volume to 3": VOLUME, "call Bob": CALL}


@pytest.mark.parametrize(
    ("sentence", "calls"),
    [
        ("take a photo and set the volume to 3", [PHOTO, VOLUME]),
        ("take a photo, set the volume to 3 and call Bob", [PHOTO, VOLUME, CALL]),
        ("take a photo, and then set the volume to 3, and also call Bob", [PHOTO, VOLUME, CALL]),
        ("take a photo; set the volume to 3;call Bob", [PHOTO, VOLUME, CALL]),
        ("take a photo. set the volume to 3! call Bob", [PHOTO, VOLUME, CALL]),
        ("take a photo AND THEN call Bob", [PHOTO, CALL]),
        ("take a photo  ,  then  call Bob", [PHOTO, CALL]),
        ("take a photo ,and call Bob", [PHOTO, CALL]),
        ("and take a photo and and call Bob and", [PHOTO, CALL]),
        ("; take a photo;; call Bob ;", [PHOTO, CALL]),
        ("take a photo\u00a0and\u00a0call Bob", [PHOTO, CALL]),
    ],
)
def test_each_clause_is_asked_by_itself(sentence: str, calls: list[str], split: Split) -> None:
    script = Script(CLAUSES)
    assert split(script, sentence).text == ";".join(calls) + "<nexa_end>"
    assert script.asked[0] == sentence


def test_what_is_told_of_the_clauses_is_told_of_all(split: Split) -> None:
    sentence = "take a photo and set the volume to 3 and call Bob"
    script = Script(CLAUSES, {sentence: 0.2, "set the volume to 3": 0.6, "call Bob": 0.7})
    told = split(script, sentence)
    assert told.confidence == 0.6
    assert told.steps == 8
    assert told.model == "script"


@pytest.mark.parametrize(
    ("sentence", "whole"),
    [
        ("text John I'm late and call me back", "<nexa_7>('John', 'I\\'m late and call me back')"),
        ("search for salt and pepper", "<nexa_4>('salt and pepper')"),
        ("ann, bob, then ann and bob", "<nexa_4>('ann, bob, then ann and bob')"),
    ],
)  # fmt: skip
def test_what_the_model_copies_is_not_cut(sentence: str, whole: str, split: Split) -> None:
    script = Script(CLAUSES | {sentence: whole, "call me back": CALL, "pepper": PHOTO})
    assert split(script, sentence).text == whole + "<nexa_end>"
    assert script.asked == [sentence]


def test_what_the_model_copies_is_cut_nowhere_it_stands(split: Split) -> None:
    sentence = "play salt and pepper, and play salt and pepper"
    play = "<nexa_17>('salt and pepper', 'salt and pepper')"
    script = Script({sentence: play, "play salt and pepper": play})
    assert split(script, sentence).text == f"{play};{play}<nexa_end>"


def test_a_name_in_a_joint_is_not_that_joint(split: Split) -> None:
    sentence = "take a photo and call An"
    script = Script(CLAUSES | {sentence: "<nexa_8>('an')", "call An": "<nexa_8>('An')"})
    assert split(script, sentence).text == f"{PHOTO};<nexa_8>('An')<nexa_end>"


def test_a_full_stop_in_what_is_copied_does_not_hide_the_joint_behind(split: Split) -> None:
    sentence = "wake me at 5 p.m. and call Bob"
    wake = "<nexa_10>('5 p.m.', 'alarm')"
    script = Script(CLAUSES | {sentence: wake, "wake me at 5 p.m.": wake})
    assert split(script, sentence).text == f"{wake};{CALL}<nexa_end>"


@pytest.mark.parametrize(
    "sentence",
    [
        'text Bob "take a photo and call Bob"',
        "text Bob “take a photo. call Bob”",
        "text Bob 'take a photo; call Bob'",
    ],
)
def test_quotations_are_never_cut(sentence: str, split: Split) -> None:
    script = Script(CLAUSES)
    split(script, sentence)
    assert script.asked == [sentence]


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("take a photo and call Bob and his wife", {"call Bob and his wife": CALL}),
        ("please, take a photo, call Bob", {"please, take a photo": PHOTO, "call Bob": CALL}),
        ("take a photo, um, call Bob", {"take a photo, um": PHOTO, "call Bob": CALL}),
    ],
)
def test_a_clause_that_asks_for_nothing_is_joined_to_its_neighbour(
    sentence: str, told: dict[str, str], split: Split
) -> None:
    script = Script(CLAUSES | {sentence: PHOTO} | told)
    assert split(script, sentence).text == f"{PHOTO};{CALL}<nexa_end>"
    assert set(told) <= set(script.asked)


def test_a_clause_that_the_model_is_not_sure_of_asks_for_nothing(split: Split) -> None:
    sentence = "take a photo and call Bob"
    script = Script(CLAUSES | {sentence: PHOTO}, {"call Bob": 0.4})
    assert split(script, sentence).text == PHOTO + "<nexa_end>"


def test_what_was_joined_may_ask_for_nothing_again(split: Split) -> None:
    sentence = "so, well, um, you know, take a photo"
    script = Script(CLAUSES | {sentence: PHOTO})
    assert split(script, sentence).text == PHOTO + "<nexa_end>"


@pytest.mark.parametrize(
    "sentence",
    ["take a photo.", "take a photo!?", "take a photo and", "take a photo ;", "and and", "and", ",",
     " , ; . ", "...", "then. and; also, ", "rock-and-roll", "a band,sand"],
)  # fmt: skip
def test_one_clause_or_none_is_asked_once(sentence: str, split: Split) -> None:
    script = Script({sentence: PHOTO})
    assert split(script, sentence).text == PHOTO + "<nexa_end>"
    assert script.asked == [sentence]


@pytest.mark.parametrize(
    ("sentence", "whole", "clauses"),
    [
        ("create a contact for Bob, 555 123 4567", "<nexa_9>('Bob', '555 123 4567')",
         {"create a contact for Bob": "<nexa_9>('Bob', None)", "555 123 4567": CALL}),
        ("navigate from home to work, by bike", "<nexa_5>('home', 'work', 'bicycling')",
         {"navigate from home to work": "<nexa_5>('home', 'work', 'driving')", "by bike": CALL}),
        ("turn on do not disturb, because I wait for a call", "<nexa_15>(True)",
         {"turn on do not disturb": "<nexa_15>(True)", "because I wait for a call": CALL}),
    ],
)  # fmt: skip
def test_one_request_in_two_clauses_stays_one(
    sentence: str, whole: str, clauses: dict[str, str], split: Split
) -> None:
    assert split(Script(clauses | {sentence: whole}), sentence).text == whole + "<nexa_end>"


def test_the_model_is_asked_three_times_at_most(catalogue: Catalogue) -> None:
    class Counting(Script):
        times = 0

        def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
            self.times += 1
            return super().decode_all(sentences)

    script = Counting(CLAUSES)
    sentences = [
        "take a photo, um, call Bob",
        "so, well, um, call Bob",
        "call Bob and take a photo",
    ]
    Splitting(script, catalogue, 0.5).decode_all(sentences)
    assert script.times == 3


def test_an_enumeration_is_not_asked_item_by_item(split: Split) -> None:
    sentence = ", ".join(["take a photo"] * (MAX_CALLS + 1))
    script = Script(CLAUSES)
    assert split(script, sentence).text == NONE + "<nexa_end>"
    assert script.asked == [sentence]


def test_a_long_run_of_spaces_takes_no_time(split: Split) -> None:
    sentence = "take a photo" + " " * 980 + "call Bo"
    assert split(Script({sentence: PHOTO}), sentence).text == PHOTO + "<nexa_end>"


def test_sentences_are_split_each_by_itself(catalogue: Catalogue) -> None:
    both = ["take a photo and call Bob", "tell me a joke"]
    first, second = Splitting(Script(CLAUSES), catalogue, 0.5).decode_all(both)
    assert (first.text, second.text) == (f"{PHOTO};{CALL}<nexa_end>", f"{NONE}<nexa_end>")


_pieces = st.sampled_from(["take", "a photo", "Bob", "café", "🐙", "3", "and", "then", "also",
                           ",", ";", ".", "?", '"', "'", "it's", "band"])  # fmt: skip


@settings(deadline=None)
@given(pieces=st.lists(_pieces, min_size=1, max_size=12), spaces=st.sampled_from([" ", "  "]))
def test_no_word_but_joints_is_lost(pieces: list[str], spaces: str, catalogue: Catalogue) -> None:
    class Copying(Script):
        """Finds something in every clause."""

        def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
            self.asked += sentences
            whole = len(self.asked) == 1
            return [
                Decoded(
                    text=(NONE if whole else f"<nexa_2>({literal(one)})") + "<nexa_end>",
                    confidence=0.9,
                )
                for one in sentences
            ]

    sentence = spaces.join(pieces)
    script = Copying({})
    (told,) = Splitting(script, catalogue, 0.5).decode_all([sentence])
    calls = decoder.read(told.text, catalogue)
    if calls[0].function == "get_weather_forecast":
        clauses = [str(call.arguments[0]) for call in calls]
        assert list(dict.fromkeys(clauses)) == script.asked[1:]
        assert all(clause.strip() for clause in clauses)
        words = re.findall(r"\w+", sentence)
        left = iter(re.findall(r"\w+", " ".join(clauses)))
        lost = [word for word in words if word not in JOINTS and word not in left]
        assert not lost
    else:
        assert [call.function for call in calls] == ["irrelevant_function"]


class Server:
    """A model server as far as a fallback knows one."""

    def __init__(
        self, clock: "Clock", problem: Exception | None = None, takes: float = 0.0
    ) -> None:
        self.asked: list[list[str]] = []
        self.problem = problem
        self.takes = takes
        self._clock = clock

    def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
        self.asked.append([*sentences])
        self._clock.now += self.takes
        if any("<nexa_" in sentence for sentence in sentences):
            raise FunctionalTokenSaid
        if self.problem:
            raise self.problem
        return [Decoded(text=PHOTO, confidence=0.9, model="server") for _ in sentences]


class Clock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(fallback.time, "monotonic", clock.monotonic)
    return clock


def _models(told: Sequence[Decoded]) -> list[str]:
    return [one.model for one in told]


def test_a_server_that_answers_is_all_there_is(clock: Clock) -> None:
    own = Script({})
    told = Fallback(Server(clock), own).decode_all(["a", "b"])
    assert _models(told) == ["server", "server"]
    assert own.asked == []


def test_a_server_that_is_away_is_stood_in_for_with_the_reason(clock: Clock) -> None:
    server = Server(clock, ServerAway("the model server x cannot be reached"))
    own = Script({"a": PHOTO})
    told = Fallback(server, own).decode_all(["a", "b"])
    assert _models(told) == ["script, because: the model server x cannot be reached"] * 2
    assert told[0].text == PHOTO + "<nexa_end>"


@pytest.mark.parametrize(("takes", "asked"), [(0.5, 3), (1.0, 3), (1.5, 1)])
def test_only_a_server_that_let_people_wait_rests(clock: Clock, takes: float, asked: int) -> None:
    server = Server(clock, ServerAway("gone"), takes)
    both = Fallback(server, Script({}))
    for _ in range(3):
        assert _models(both.decode_all(["a"])) == ["script, because: gone"]
    assert len(server.asked) == asked


def test_a_server_is_asked_again_after_its_rest(clock: Clock) -> None:
    server = Server(clock, ServerAway("gone"), takes=2.0)
    both = Fallback(server, Script({}))
    both.decode_all(["a"])
    server.problem, server.takes = None, 0.0
    clock.now += REST - 0.1
    assert _models(both.decode_all(["a"])) == ["script, because: gone"]
    clock.now += 0.1
    assert _models(both.decode_all(["a"])) == ["server"]
    assert len(server.asked) == 2


def test_a_functional_token_costs_only_its_own_sentence_the_server(clock: Clock) -> None:
    server = Server(clock)
    told = Fallback(server, Script({})).decode_all(["a", "<nexa_8>", "b"])
    said = str(FunctionalTokenSaid())
    assert _models(told) == ["server", f"script, because: {said}", "server"]
    assert server.asked == [["a", "b"]]
    assert _models(Fallback(server, Script({})).decode_all(["<nexa_8>"])) == [told[1].model]


def test_a_functional_token_gives_the_server_no_rest(clock: Clock) -> None:
    server = Server(clock, takes=2.0)
    both = Fallback(server, Script({}))
    both.decode_all(["<nexa_8>"])
    assert _models(both.decode_all(["a"])) == ["server"]


def test_what_the_embedded_model_cannot_read_is_its_own_to_say(clock: Clock) -> None:
    class Short(Script):
        def decode_all(self, sentences: Sequence[str]) -> list[Decoded]:
            raise SentenceTooLong("the sentence has 201 word pieces")

    with pytest.raises(SentenceTooLong, match="201"):
        Fallback(Server(clock, ServerAway("gone")), Short({})).decode_all(["a"])


def test_there_is_a_refusal(catalogue: Catalogue) -> None:
    assert catalogue[IRRELEVANT].token == 20  # which these scripts write
