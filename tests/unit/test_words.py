"""An argument is whole words of the sentence, and no half of a quotation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.octopus.manifest import TOKENIZER, WEIGHTS
from orchestrator.octopus.tokenizer import WordPieces

PIECES = WordPieces(WEIGHTS / TOKENIZER)


def arguments(sentence: str) -> set[str]:
    """Everything that may be an argument."""
    words = PIECES(sentence)
    return {
        words.between(first, last)
        for first in range(len(words.ids))
        if words.starts[first]
        for last in range(len(words.ids))
        if words.ends(first)[last]
    }


@pytest.mark.parametrize(
    ("sentence", "whole", "cut"),
    [
        ("mail k.haraldsen@nordfisk.no hello", "k.haraldsen@nordfisk.no", "k.haraldsen@nordfisk"),
        ("mail to boss@corp.kr.", "boss@corp.kr", "boss@corp"),
        ("mail ana@uni.br, then stop", "ana@uni.br", "uni.br"),
        ("go to bbc.co.uk/weather on the laptop", "bbc.co.uk/weather", "bbc.co.uk"),
        ("open https://hub.local:8123/x now", "https://hub.local:8123/x", "hub.local"),
        ("forecast for Tromsø please", "Tromsø", "ø"),
        ("alarm at 7:30", "7:30", "30"),
        ("window down by 1.5 inches", "1.5 inches", "5 inches"),
        ("call Okonkwo", "Okonkwo", "Okonk"),
        ("heat it to '75' degrees please", "75", "75' degrees"),
        ('volume down by "10" now', "10", 'by "10'),
        ("text Ana “be there soon” please", "be there soon", "Ana “be there soon"),
    ],
)
def test_no_half_of_a_word_an_address_or_a_quotation(sentence: str, whole: str, cut: str) -> None:
    found = arguments(sentence)
    assert whole in found
    assert cut not in found


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("call mom's phone", "mom"),
        ("it's Granny's birthday, call Granny", "it's Granny's birthday"),
        ("play rock 'n' roll tonight", "rock 'n' roll"),
        ("from 2-3pm", "2"),
        ("to:ana@x.org subject:lunch", "ana@x.org"),
        ("set 'kids' room lights' to 5%", "kids' room lights"),
        ("play the best of the '80s in my parents' room", "best of the '80s"),
        ("rock 'n roll on the boys' speaker", "rock 'n roll"),
        ('a 24" monitor and a 27" tv', '24" monitor'),
        ("set 'x y' in my parents' room", "parents' room"),
        ("turn on the lamp.turn off the fan", "lamp"),
        ("open Spotify.then take a photo", "Spotify"),
        ("the boys' night and Sam's party", "boys' night and Sam's party"),
    ],
)
def test_what_people_say_can_be_an_argument(sentence: str, said: str) -> None:
    assert said in arguments(sentence)


@given(st.text(st.characters(codec="utf-8") | st.sampled_from(" '\"“”‘’.@:/-_,9aé"), max_size=40))
def test_every_argument_that_begins_can_end(sentence: str) -> None:
    words = PIECES(sentence)
    for start in range(len(words.ids)):
        if words.starts[start]:
            assert words.ends(start)[start:].any()
            assert not words.ends(start)[:start].any()


def test_long_words_are_no_burden() -> None:
    words = PIECES("a" + "\x7f" * 12_000 + "b " + "." * 4_000)
    assert words.starts.any()  # in the time a test has, which a quadratic search would not keep
