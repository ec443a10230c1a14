"""Arguments become canonical, or are asked for."""

from datetime import datetime

import pytest

from orchestrator import amounts, canonical, grounding
from orchestrator.canonical import Context
from orchestrator.catalogue import Catalogue
from orchestrator.questions import Ask
from orchestrator.times import when
from orchestrator.times.moments import Unclear
from schemas.base import Scalar
from schemas.call import Call, Change, Person

NOW = datetime(2026, 11, 22, 17, 0)


def ground(catalogue: Catalogue, sentence: str, function: str, *arguments: Scalar | None) -> Call:
    try:
        found = when.find(sentence, NOW)
    except Unclear:
        found = None
    context = Context(sentence=sentence, now=NOW, found=found)
    return grounding.ground(Call(function=function, arguments=arguments), context, catalogue)


@pytest.mark.parametrize(
    ("sentence", "function", "written", "canonical"),
    [
        ("wake me at 7:30 am", "set_timer_alarm", ("7:30 am", "alarm"), ("07:30", "alarm")),
        ("wake me at 7 am tomorrow", "set_timer_alarm", ("7 am", "alarm"), ("07:00", "alarm")),
        ("alarm at 8 on monday", "set_timer_alarm", ("8", "alarm"), ("08:00", "alarm")),
        ("volume down to 3", "set_volume", ("down to 3", "media"), (3, "media")),
        ("timer for ten minutes", "set_timer_alarm", ("ten minutes", "alarm"), ("PT600S", "alarm")),
        ("volume to seven", "set_volume", ("seven", "media"), (7, "media")),
        ("volume to two", "set_volume", ("two", "media"), (2, "media")),
        ("volume to 50%", "set_volume", ("50%", "media"), (5, "media")),
        ("mute my phone", "set_volume", ("mute", "media"), (0, "media")),
        ("heating to 21 celsius", "set_nest_temperature", ("21 celsius",), (69.8,)),
        ("heating to 21", "set_nest_temperature", ("21",), (69.8,)),
        ("heating to 72", "set_nest_temperature", ("72",), (72,)),
        ("call (415) 555-2671", "make_phone_call", ("(415) 555-2671",), ("+14155552671",)),
        ("call mom", "make_phone_call", ("mom",), (Person(person="mom"),)),
        ("dial two oh two four five six one one one one", "make_phone_call",
         ("two oh two four five six one one one one",), ("+12024561111",)),
        ("call 555-0142", "make_phone_call", ("555-0142",), ("5550142",)),
        ("call 911", "make_phone_call", ("911",), ("911",)),
        ("call (+44) 20 7946 0958", "make_phone_call", ("(+44) 20 7946 0958",),
         ("+442079460958",)),
        ("call +1 415 555 0132", "make_phone_call", ("+1 415 555 0132",), ("+14155550132",)),
        ("call Seven Eleven", "make_phone_call", ("Seven Eleven",),
         (Person(person="Seven Eleven"),)),
        ("open example.com", "open_url", ("example.com",), ("example.com",)),
        ("the bbc.co.uk site", "open_url", ("bbc.co.uk site",), ("bbc.co.uk",)),
        ("email Dr Lal, lal@x.org, hi", "send_email", ("Dr Lal, lal@x.org", None, "hi"),
         ("lal@x.org", None, "hi")),
        ("car volume down by 5", "adjust_volume", ("5", None), (-5, None)),
        ("news in french", "get_trending_news", (None, "french"), (None, "fr")),
        ("weather", "get_weather_forecast", (None,), (None,)),
        ("seat back 3 cm", "adjust_seat_position", ("driver", "backward", "3 cm"),
         ("driver", "backward", 30)),
        ("seat back by 100 mm", "adjust_seat_position", ("driver", "backward", "100 mm"),
         ("driver", "backward", 100)),
        ("rear left window up by 10 cm", "control_window", ("rear left", "up", "10 cm"),
         ("rear left", "up", 100)),
        ("heating to seventy one and a half", "set_nest_temperature",
         ("seventy one and a half",), (71.5,)),
        ("ring as loud as possible", "set_volume", ("as loud as possible", "ring"), (10, "ring")),
        ("screen as dark as it gets", "change_screen_brightness", ("as dark as it gets",), (0,)),
        ("car volume plus 3", "adjust_volume", ("plus 3", None), (3, None)),
        ("car volume +4", "adjust_volume", ("+4", None), (4, None)),
        ("car volume -4", "adjust_volume", ("-4", None), (-4, None)),
        ("car volume \N{MINUS SIGN}4", "adjust_volume", ("\N{MINUS SIGN}4", None), (-4, None)),
        ("seat back half an inch", "adjust_seat_position", ("driver", "backward", "half an inch"),
         ("driver", "backward", 13)),
        ("seat back '10' centimetres", "adjust_seat_position", ("driver", "backward", "10"),
         ("driver", "backward", 100)),
        ("screen to '70' percent", "change_screen_brightness", ("70",), (7,)),
        ("car volume minus two", "adjust_volume", ("minus two", None), (-2, None)),
    ],
)  # fmt: skip
def test_canonical_values(
    sentence: str,
    function: str,
    written: tuple[Scalar | None, ...],
    canonical: tuple[Scalar | None, ...],
    catalogue: Catalogue,
) -> None:
    assert ground(catalogue, sentence, function, *written).arguments == canonical


@pytest.mark.parametrize(
    ("sentence", "function", "written", "asks"),
    [
        ("call my mom", "make_phone_call", ("+15556667777",), "was not said"),
        ("call 555-0142 ext 5", "make_phone_call", ("555-0142 ext 5",), "cannot be read"),
        ("I can now call", "make_phone_call", ("Ann",), "was not said"),
        ("call 555-HOME", "make_phone_call", ("555-HOME",), "cannot be read"),
        ("text John", "send_text_message", ("John", None), "which message?"),
        ("turn the brightness down", "change_screen_brightness", (10,), "was not said"),
        ("seat back 10 percent", "adjust_seat_position", ("driver", "backward", "10 percent"),
         "cannot be read"),
        ("seat back 10 percent", "adjust_seat_position", ("driver", "backward", "10"),
         "cannot be read"),
        ("seat back 2 feet", "adjust_seat_position", ("driver", "backward", "2 feet"),
         "cannot be read"),
        ("not as loud as before", "set_volume", ("as loud as before", "ring"), "cannot be read"),
        ("volume to 70", "set_volume", ("70", "media"), "cannot be read"),
        ("alarm at 18:00 tomorrow", "set_timer_alarm", ("18:00", "alarm"), "within a day"),
        ("alarm at 7 every day", "set_timer_alarm", ("7", "alarm"), "repeats"),
        ("change the car's volume", "adjust_volume", (None, None), "which volume diff or"),
        ("wake me next friday at 7", "set_timer_alarm", ("next friday at 7", "alarm"),
         "within a day"),
        ("text him hello", "send_text_message", ("him", "hello"), "cannot be read"),
        ("call the usual", "make_phone_call", ("the usual",), "cannot be read"),
        ("event lunch on 31 February at noon", "create_calendar_event",
         ("lunch", "31 February at noon", None), "no 31 February"),
        ("event lunch every monday at noon", "create_calendar_event",
         ("lunch", "every monday at noon", None), "repeats"),
        ("lamp to octarine", "set_light", ("lamp", None, "octarine"), "cannot be read"),
    ],
)  # fmt: skip
def test_asks_instead_of_inventing(
    sentence: str,
    function: str,
    written: tuple[Scalar | None, ...],
    asks: str,
    catalogue: Catalogue,
) -> None:
    with pytest.raises(Ask, match="(?i)" + asks.replace("?", r"\?")):
        ground(catalogue, sentence, function, *written)


def test_nested_calls_are_grounded_too(catalogue: Catalogue) -> None:
    inner = Call(function="get_weather_forecast", arguments=("Seoul",))
    call = Call(function="send_text_message", arguments=("John", inner))
    context = Context(sentence="text John the weather in Seoul", now=NOW)
    grounded = grounding.ground(call, context, catalogue)
    assert grounded.arguments == (Person(person="John"), inner)


@pytest.mark.parametrize(
    ("sentence", "function", "written", "change"),
    [
        ("make it louder", "set_volume", "louder", (1, 2)),
        ("a bit quieter", "set_volume", "a bit quieter", (1, -1)),
        ("a lot louder", "set_volume", "a lot louder", (1, 4)),
        ("turn the volume down", "set_volume", "down", (1, -2)),
        ("volume 9, down by 5", "set_volume", "5", (1, -5)),
        ("ring volume +4", "set_volume", "4", (1, 4)),
        ("ring volume \N{MINUS SIGN}4", "set_volume", "\N{MINUS SIGN}4", (1, -4)),
        ("volume up by 20 percent", "set_volume", "up by 20 percent", (1, 2)),
        ("half the volume", "set_volume", "half", (0.5, 0)),
        ("dim the screen by half", "change_screen_brightness", "by half", (0.5, 0)),
        ("double the volume", "set_volume", "double", (2, 0)),
        ("two degrees warmer", "set_nest_temperature", "two degrees warmer", (1, 2)),
        ("2 degrees celsius cooler", "set_nest_temperature", "2 degrees celsius cooler", (1, -3.6)),
    ],
)
def test_a_difference_is_kept_until_the_value_is_known(
    sentence: str, function: str, written: str, change: tuple[float, float], catalogue: Catalogue
) -> None:
    rest = ("media",) if function == "set_volume" else ()
    (value, *_) = ground(catalogue, sentence, function, written, *rest).arguments
    assert isinstance(value, Change)
    assert (value.times, value.by) == (change[0], pytest.approx(change[1]))


@pytest.mark.parametrize(
    ("times", "by", "now", "value"),
    [(1, 2, 5, 7), (1, 4, 9, 10), (1, -4, 1, 0), (0.5, 0, 1, 0), (2, 0, 1, 2), (1, 0.4, 5, 6)],
)
def test_a_change_is_held_within_the_range(
    times: float, by: float, now: int, value: int, catalogue: Catalogue
) -> None:
    parameter = catalogue["set_volume"].parameters[0]
    assert amounts.reckoned(Change(words="", times=times, by=by), now, parameter) == value


@pytest.mark.parametrize("color", ["red", "warm white", "Light Blue", "#ffcc00", "navy"])
def test_colours_are_known_by_name(color: str, catalogue: Catalogue) -> None:
    grounded = ground(catalogue, f"lamp to {color}", "set_light", "lamp", None, color)
    assert grounded.arguments == ("lamp", None, color.lower())


@pytest.mark.parametrize(
    ("said", "color"), [("a warm orange", "orange"), ("deep pink", "deep pink"), ("warm", None)]
)
def test_a_shade_that_has_no_name_is_the_colour(
    said: str, color: str | None, catalogue: Catalogue
) -> None:
    parameter = catalogue["set_light"].parameters[2]
    context = Context(sentence=said, now=NOW)
    assert canonical.canonical(parameter, said, context) == color


def test_three_off_the_volume_is_less(catalogue: Catalogue) -> None:
    sentence = "knock three off the volume in the car"
    grounded = ground(catalogue, sentence, "adjust_volume", "three", None)
    assert grounded.arguments == (-3, None)


def test_whoever_is_named_is_looked_up_for_mail_too(catalogue: Catalogue) -> None:
    grounded = ground(catalogue, "email bob hello", "send_email", "bob", None, "hello")
    assert grounded.arguments == (Person(person="bob"), None, "hello")


def test_what_was_answered_counts(catalogue: Catalogue) -> None:
    call = Call(function="set_volume", arguments=(None, "media"))
    context = Context(sentence="set the volume", now=NOW, given={"0.level": 4})
    assert grounding.ground(call, context, catalogue).arguments == (4, "media")


@pytest.mark.parametrize(
    ("sentence", "value"),
    [("set the volume to 5 and double the brightness", 5), ("play half the sky and volume 3", 3)],
)
def test_a_number_is_a_value_whatever_else_is_halved(
    sentence: str, value: int, catalogue: Catalogue
) -> None:
    grounded = ground(catalogue, sentence, "set_volume", str(value), "media")
    assert grounded.arguments == (value, "media")
