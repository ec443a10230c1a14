"""The reader of functional-token text."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import decoder
from orchestrator.catalogue import Catalogue
from schemas.call import Call
from schemas.errors import MalformedCall

FIXTURES = Path(__file__).parent.parent / "fixtures"
CATALOGUE = Catalogue.load(Path(__file__).parent.parent.parent / "config/functions")


def test_reads_single_parallel_and_nested_calls(catalogue: Catalogue) -> None:
    text = "<nexa_0>('front');<nexa_7>('John', <nexa_2>('Seoul'))<nexa_end>"
    assert decoder.read(text, catalogue) == (
        Call(function="take_a_photo", arguments=("front",)),
        Call(
            function="send_text_message",
            arguments=("John", Call(function="get_weather_forecast", arguments=("Seoul",))),
        ),
    )


@pytest.mark.parametrize(
    ("text", "function", "arguments"),
    [
        (" <nexa_7>('John', 'I'm late')<nexa_end>", "send_text_message", ("John", "I'm late")),
        ("<nexa_2>('Seoul')", "get_weather_forecast", ("Seoul",)),
        ("<nexa_2>('Seoul')\n<nexa_end>", "get_weather_forecast", ("Seoul",)),
        ("<nexa_0>", "take_a_photo", ("back",)),
        ("<nexa_2>('A')<nexa_end>\n\nFunction description: x", "get_weather_forecast", ("A",)),
        ("<nexa_16>(72)<nexa_end>", "set_nest_temperature", (72,)),
        ("<nexa_16>(72.5)<nexa_end>", "set_nest_temperature", (72.5,)),
        ("<nexa_15>(true)<nexa_end>", "enable_do_not_disturb", (True,)),
        ("<nexa_10>('7am')<nexa_end>", "set_timer_alarm", ("7am", "alarm")),
        ('<nexa_4>("a, b")<nexa_end>', "search_youtube_videos", ("a, b",)),
        ("<nexa_4>('<nexa_end>')<nexa_end>", "search_youtube_videos", ("<nexa_end>",)),
    ],
)
def test_reads_what_real_weights_write(
    text: str, function: str, arguments: tuple[object, ...], catalogue: Catalogue
) -> None:
    (call,) = decoder.read(text, catalogue)
    assert (call.function, call.arguments) == (function, arguments)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a functional token"),
        ("('Taylor Swift')", "a functional token"),
        ("<nexa_99>()<nexa_end>", "no function has the token <nexa_99>"),
        ("<nexa_2>('Seoul'", "a closing quote"),
        ("<nexa_2>('Seoul", "a closing quote"),
        ("<nexa_2>('a', 'b')<nexa_end>", "takes 1 arguments, 2 given"),
        ("<nexa_20>('x')<nexa_end>", "takes 0 arguments"),
        ("<nexa_20>();<nexa_2>('x')<nexa_end>", "stands beside other calls"),
        ("<nexa_2>(" * 50, "nested more than 8 deep"),
        ("<nexa_2>('a')" + "x" * 30_000, "30013 characters"),
    ],
)
def test_says_what_is_wrong(text: str, says: str, catalogue: Catalogue) -> None:
    with pytest.raises(MalformedCall) as error:
        decoder.read(text, catalogue)
    assert says in str(error.value)


def test_reads_every_recorded_output(catalogue: Catalogue) -> None:
    rows = [
        json.loads(line)
        for line in (FIXTURES / "real_outputs.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert len(rows) == 22
    for row in rows:
        if row["raw"].lstrip().startswith("<nexa_"):
            token = int(row["raw"].split("<nexa_")[1].split(">")[0])
            function = catalogue.with_token(token)
            assert function is not None
            assert decoder.read(row["raw"], catalogue)[0].function == function.name
        else:
            with pytest.raises(MalformedCall):
                decoder.read(row["raw"], catalogue)


@given(st.text(), st.text())
def test_writes_back_any_text(name: str, message: str) -> None:
    call = Call(function="send_text_message", arguments=(name, message))
    assert decoder.read(decoder.write(call, CATALOGUE) + "<nexa_end>", CATALOGUE) == (call,)


@given(st.text(alphabet="<nexa_0127end>()',; \\\"", max_size=60))
def test_never_crashes(text: str) -> None:
    with contextlib.suppress(MalformedCall):
        decoder.read(text, CATALOGUE)
