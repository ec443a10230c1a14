"""Arguments become canonical, or are asked for."""

from datetime import datetime

import pytest

from orchestrator import grounding
from orchestrator.catalogue import Catalogue
from schemas.base import Scalar
from schemas.call import Call

NOW = datetime(2026, 11, 22, 17, 0)


def ground(catalogue: Catalogue, sentence: str, function: str, *arguments: Scalar | None) -> Call:
    context = grounding.Context(sentence=sentence, now=NOW)
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
        ("call mom", "make_phone_call", ("mom",), ("mom",)),
        ("dial two oh two four five six one one one one", "make_phone_call",
         ("two oh two four five six one one one one",), ("+12024561111",)),
        ("call 555-0142", "make_phone_call", ("555-0142",), ("5550142",)),
        ("call 911", "make_phone_call", ("911",), ("911",)),
        ("call (+44) 20 7946 0958", "make_phone_call", ("(+44) 20 7946 0958",),
         ("+442079460958",)),
        ("call +1 415 555 0132", "make_phone_call", ("+1 415 555 0132",), ("+14155550132",)),
        ("call Seven Eleven", "make_phone_call", ("Seven Eleven",), ("Seven Eleven",)),
        ("open example.com", "open_url", ("example.com",), ("example.com",)),
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
        ("call 555-HOME", "make_phone_call", ("555-HOME",), "cannot be read"),
        ("text John", "send_text_message", ("John", None), "which message?"),
        ("make it louder", "set_volume", ("louder", "media"), "cannot be read"),
        ("turn the brightness down", "change_screen_brightness", (10,), "was not said"),
        ("car volume plus 3", "adjust_volume", (None, "plus 3"), "cannot be read"),
        ("seat back 10 percent", "adjust_seat_position", ("driver", "backward", "10 percent"),
         "cannot be read"),
        ("seat back 10 percent", "adjust_seat_position", ("driver", "backward", "10"),
         "cannot be read"),
        ("seat back 2 feet", "adjust_seat_position", ("driver", "backward", "2 feet"),
         "cannot be read"),
        ("ring volume +4", "set_volume", ("+4", "ring"), "cannot be read"),
        ("ring volume +4", "set_volume", ("4", "ring"), "cannot be read"),
        ("ring volume up 4", "set_volume", ("4", "ring"), "cannot be read"),
        ("ring volume \N{MINUS SIGN}4", "set_volume", ("\N{MINUS SIGN}4", "ring"),
         "cannot be read"),
        ("car volume plus 3", "adjust_volume", (None, "3"), "cannot be read"),
        ("not as loud as before", "set_volume", ("as loud as before", "ring"), "cannot be read"),
        ("volume to 70", "set_volume", ("70", "media"), "cannot be read"),
        ("email bob hello", "send_email", ("bob", None, "hello"), "cannot be read"),
        ("volume 9, down by 5", "set_volume", ("down by 5", "media"), "cannot be read"),
        ("volume 9, down by 5", "set_volume", ("5", "media"), "cannot be read"),
        ("alarm at 18:00 tomorrow", "set_timer_alarm", ("18:00", "alarm"), "cannot be read"),
        ("alarm at 7 every day", "set_timer_alarm", ("7", "alarm"), "cannot be read"),
        ("change the car's volume", "adjust_volume", (None, None), "which volume diff or"),
        ("wake me next friday at 7", "set_timer_alarm", ("next friday at 7", "alarm"),
         "cannot be read"),
    ],
)  # fmt: skip
def test_asks_instead_of_inventing(
    sentence: str,
    function: str,
    written: tuple[Scalar | None, ...],
    asks: str,
    catalogue: Catalogue,
) -> None:
    with pytest.raises(grounding.Question, match="(?i)" + asks.replace("?", r"\?")):
        ground(catalogue, sentence, function, *written)


def test_nested_calls_are_grounded_too(catalogue: Catalogue) -> None:
    inner = Call(function="get_weather_forecast", arguments=("Seoul",))
    call = Call(function="send_text_message", arguments=("John", inner))
    context = grounding.Context(sentence="text John the weather in Seoul", now=NOW)
    assert grounding.ground(call, context, catalogue) == call
