"""Where a sentence says when to act, at a fixed clock: Wednesday 25 November 2026, 17:00."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.times import moments, when

NOW = datetime(2026, 11, 25, 17, 0, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("sentence", "words", "at"),
    [
        ("turn on the lamp at 7 pm tomorrow", "at 7 pm tomorrow", "11-26T19:00"),
        ("turn on the lamp at 7", "at 7", "11-26T07:00"),
        ("turn on the lamp at seven thirty", "at seven thirty", "11-26T07:30"),
        ("turn on the lamp at twenty to nine", "at twenty to nine", "11-26T08:40"),
        ("turn the lamp on at 7 pm", "at 7 pm", "11-25T19:00"),
        ("turn the lamp on @ 7 pm", "@ 7 pm", "11-25T19:00"),
        ("tomorrow turn on the lamp at 7 pm", "tomorrow at 7 pm", "11-26T19:00"),
        ("turn it on tomorrow", "tomorrow", "11-26T09:00"),
        ("turn on the lamp on friday", "on friday", "11-27T09:00"),
        ("turn the lamp on friday at 7", "friday at 7", "11-27T07:00"),
        ("the lamp on this evening", "this evening", "11-25T20:00"),
        ("tonight at nine, lock the door", "tonight at nine", "11-25T21:00"),
        ("tomorrow evening at eight close the blinds", "tomorrow evening at eight", "11-26T20:00"),
        ("in 20 minutes start charging", "in 20 minutes", "11-25T17:20"),
        ("in a minute turn off the tv", "in a minute", "11-25T17:01"),
        ("remind me in half an hour to call mom", "in half an hour", "11-25T17:30"),
        ("turn off the lamp after 10 minutes", "after 10 minutes", "11-25T17:10"),
        ("start the fan in 5 minutes for 2 hours", "in 5 minutes", "11-25T17:05"),
        ("turn on the lamp in the kitchen in the morning", "in the morning", "11-26T08:00"),
        ("set the light at 7 in the morning", "at 7 in the morning", "11-26T07:00"),
        ("set the heating to 21 at 7", "at 7", "11-26T07:00"),
        ("raise the volume at 7", "at 7", "11-26T07:00"),
        ("set the fan speed at 3 at 9 pm", "at 9 pm", "11-25T21:00"),
        ("set the volume at 5 percent at 7:30", "at 7:30", "11-26T07:30"),
        ("at 12 noon open the blinds", "at 12 noon", "11-26T12:00"),
        ("turn on the first light at 8 pm", "at 8 pm", "11-25T20:00"),
        ("open window 2 on friday", "on friday", "11-27T09:00"),
        ("play channel 8 tonight", "tonight", "11-25T20:00"),
        ("turn on the lamp on the third", "on the third", "12-03T09:00"),
        ("on the 3rd of december water the plants", "on the 3rd of december", "12-03T09:00"),
        ("at 7 pm play party time", "at 7 pm", "11-25T19:00"),
        ("at 7 pm dinner time turn on the lamp", "at 7 pm", "11-25T19:00"),
        ("turn on the lamp later today at 8 pm", "later today at 8 pm", "11-25T20:00"),
        ("turn on the lamp on Monday week", "on Monday week", "12-07T09:00"),
        ("on the friday after next water the plants", "on the friday after next", "12-11T09:00"),
        ("set an alarm for a week from today at 11", "for a week from today at 11", "12-02T11:00"),
        ("wake me eight tonight", "eight tonight", "11-25T20:00"),
        ("turn on the lamp tomorrow nine thirty", "tomorrow nine thirty", "11-26T09:30"),
        ("turn on the lamp nine thirty tomorrow", "nine thirty tomorrow", "11-26T09:30"),
        ("tomorrow ten turn on the lamp", "tomorrow ten", "11-26T10:00"),
        ("tomorrow 5 lamps on", "tomorrow", "11-26T09:00"),
        ("wake me tomorrow ten to nine", "tomorrow ten to nine", "11-26T08:50"),
        ("start the washer in an hour fifteen", "in an hour fifteen", "11-25T18:15"),
        ("at 7 on the 4th feed the cat", "at 7 on the 4th", "12-04T07:00"),
        ("at 7 on the third floor turn on the lamps", "at 7", "11-26T07:00"),
        ("the 3rd at noon turn on the lamp", "the 3rd at noon", "12-03T12:00"),
        ("24.12. at 18:00 turn on the lamp", "24.12. at 18:00", "12-24T18:00"),
        ("plan it for next monday first thing", "for next monday", "11-30T09:00"),
        ("at 7 may the lamp be on", "at 7", "11-26T07:00"),
        ("turn on the sun lamp on sun", "on sun", "11-29T09:00"),
        ("remind Tom Friday at 7", "Friday at 7", "11-27T07:00"),
        ("on sat turn on the lamp", "on sat", "11-28T09:00"),
        ("turn on the lamp Friday Morning", "Friday Morning", "11-27T08:00"),
        (
            "call seven seven three five five five oh one four at seven",
            "at seven",
            "11-26T07:00",
        ),
        ("at 9 am London time call Ann", "at 9 am London time", "11-26T10:00"),
        ("at 9 am tomorrow London time call Ann", "at 9 am tomorrow London time", "11-26T10:00"),
        ("turn the lamp 7 pm London time on", "7 pm London time", "11-25T20:00"),
        ("when it rains at 7, close the windows at 8 pm", "at 8 pm", "11-25T20:00"),
        (
            "the day after tomorrow at noon turn on the lamp if it rains",
            "the day after tomorrow at noon",
            "11-27T12:00",
        ),
        ("lamp on at 7 pm until 9 pm", "at 7 pm", "11-25T19:00"),
        ("will you turn on the lamp at 7 pm", "at 7 pm", "11-25T19:00"),
        ("send it          tomorrow", "tomorrow", "11-26T09:00"),
        ("call Ann sat 10am", "sat 10am", "11-28T10:00"),
    ],
)
def test_finds_a_moment(sentence: str, words: str, at: str) -> None:
    found = when.find(sentence, NOW)
    assert found is not None
    assert (found.words, found.when.at, found.when.rule) == (words, f"2026-{at}:00", "")


@pytest.mark.parametrize(
    ("sentence", "words", "rule"),
    [
        (
            "every weekday at 7 start the heating",
            "every weekday at 7",
            "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        ),
        ("set an alarm at 7 every day", "at 7 every day", "FREQ=DAILY"),
        ("every day turn on the lamp at 7", "every day at 7", "FREQ=DAILY"),
        ("turn on the light daily at noon", "daily at noon", "FREQ=DAILY"),
        ("play music every friday evening", "every friday evening", "FREQ=WEEKLY;BYDAY=FR"),
        ("turn the lamp on every friday", "every friday", "FREQ=WEEKLY;BYDAY=FR"),
        (
            "on the first of every month at 9 water the plants",
            "on the first of every month at 9",
            "FREQ=MONTHLY;BYMONTHDAY=1",
        ),
        ("water the plants every 20 minutes", "every 20 minutes", "FREQ=MINUTELY;INTERVAL=20"),
        ("every 12 hrs water the plants", "every 12 hrs", "FREQ=HOURLY;INTERVAL=12"),
        (
            "on the 1st and the 15th of every month at 10 am water the plants",
            "on the 1st and the 15th of every month at 10 am",
            "FREQ=MONTHLY;BYMONTHDAY=1,15",
        ),
        (
            "mondays, wednesdays and fridays at 6 water the plants",
            "mondays, wednesdays and fridays at 6",
            "FREQ=WEEKLY;BYDAY=MO,WE,FR",
        ),
        (
            "every first monday of the month water the plants",
            "every first monday of the month",
            "FREQ=MONTHLY;BYDAY=1MO",
        ),
        (
            "starting from monday, every day at 8 feed the fish",
            "starting from monday, every day at 8",
            "FREQ=DAILY",
        ),
    ],
)
def test_finds_a_rhythm(sentence: str, words: str, rule: str) -> None:
    found = when.find(sentence, NOW)
    assert found is not None
    assert (found.words, found.when.rule) == (words, rule)


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "turn on the lamp",
        "turn on the lamp now",
        "turn it off right now",
        "turn it off immediately",
        "turn off everything at once",
        "turn it on today",
        "that's me done for today",
        "First connect the speaker, after that play jazz",
        "first, connect the speaker",
        "first of all turn on the lamp",
        "turn it on at first",
        "the second one",
        "turn on the second one",
        "turn on the lights on the third floor",
        "turn on the 1st and 2nd lamp",
        "turn on every 3rd and 4th lamp",
        "call Norah",
        "call Mary",
        "tell Ann that May called",
        "call May 5 times",
        "you may turn on the lamp",
        "play music on Sun Records",
        "turn on sun lamp",
        "play March of the Penguins",
        "play Friday Night Lights",
        "in the winter garden turn on the lamp",
        "play Wednesday Addams",
        "play the friday playlist",
        "email k at work dot com",
        "this screen is too bright for night time",
        "heating 21.5. Lamp on.",
        "keep the temperature at 24",
        "it is time to keep the temperature at 20",
        "call three oh five five five five oh one one five",
        "save +33 1 99 00 27 78",
        "set the volume from 9 to 5",
        "turn the volume from 9 to 5",
        "set a timer for 1h30",
        "set the volume at 7",
        "keep the volume at 5",
        "set the thermostat at 70",
        "set the thermostat at 20",
        "volume down by 5",
        "raise the temperature by 2",
        "dim from 20 to 9",
        "dim at 5 to 10 percent",
        "dim the lamp at 50 percent",
        "dim the lamp at 7%",
        "car stereo at 0",
        "warm the oven at 20 degrees",
        "turn on the fan for 20 minutes",
        "turn on the lamp in the kitchen",
        "dim the lights in 5 percent steps",
        "dim the lights in 5 minute steps",
        "play the 7 pm news",
        "play 7 pm news",
        "cancel my 7 am alarm",
        "open tomorrow's calendar",
        "daily news",
        "start the morning routine",
        "good morning",
        "good night",
        "turn on the second lamp",
        "turn on the 3rd",
        "turn on every 3rd lamp",
        "turn on the lamp when I come home",
        "turn on the lamp when I come home at 7 pm",
        "turn off the tv after the movie",
        "keep the light on until 9 pm",
        "turn it off before 9 pm",
        "if it rains tomorrow close the windows",
        "as soon as it is dark, turn on the light",
        "when I get up later, turn on the lamp",
        "what's the weather tomorrow",
        "is the door locked at night",
        "play music for some time",
    ],
)
def test_finds_no_time(sentence: str) -> None:
    assert when.find(sentence, NOW) is None


@pytest.mark.parametrize(
    ("sentence", "problem"),
    [
        ("turn on the lamp later", "vague"),
        ("turn on the lamp later today", "vague"),
        ("turn it on soon", "vague"),
        ("turn on the lamp some time tomorrow", "vague"),
        ("after lunch turn on the tv", "vague"),
        ("turn on the lamp before dinner", "vague"),
        ("turn on the lamp at sunset", "vague"),
        ("every day at sunset turn on the lamp", "vague"),
        ("water the plants next week", "vague"),
        ("water the plants this week", "vague"),
        ("water the plants at the weekend", "vague"),
        ("blink the lamp twice a day", "vague"),
        ("blink the lamp twice a day at 7", "vague"),
        ("three times a week on friday at 7 water the plants", "vague"),
        ("on the first monday of the month water the plants", "vague"),
        ("on the first monday of the month at 9 water the plants", "vague"),
        ("on the second monday at 9 water the plants", "vague"),
        ("on the last friday of the month at 9 water the plants", "vague"),
        ("water the plants this weekend at 10", "vague"),
        ("turn on the heating in december", "vague"),
        ("turn on the heating in May", "vague"),
        ("turn the heating off for a week from friday", "vague"),
        ("turn on the lamp from 9 to 5", "vague"),
        ("turn on the lamp every day from 9 to 5", "vague"),
        ("turn on the lamp between 7 and 8 pm", "vague"),
        ("lamp on from 7 pm until 9 pm", "vague"),
        ("in a few minutes turn it off", "vague"),
        ("turn on the lamp yesterday", "past"),
        ("turn on the lamp last night", "past"),
        ("turn off the lamp two hours ago", "past"),
        ("turn on the lamp today at 7", "past"),
        ("lamp on at 25:00", "no_such_date"),
        ("turn on the lamp on 31 february", "no_such_date"),
        ("turn on the lamp at 7 pm in the morning", "contradiction"),
        ("turn it on at seven and turn it off at nine", "contradiction"),
        ("on monday turn on the lamp on tuesday", "contradiction"),
        ("at 7 pm Atlantis time turn on the lamp", "unknown_zone"),
        ("at 7 pm IST turn on the lamp", "unknown_zone"),
    ],
)
def test_unclear(sentence: str, problem: str) -> None:
    with pytest.raises(moments.Unclear) as caught:
        when.find(sentence, NOW)
    assert caught.value.problem == problem


def test_the_places_are_the_sentences_own() -> None:
    sentence = "Tomorrow turn on the lamp at seven thirty, please"
    found = when.find(sentence, NOW)
    assert found is not None
    assert found.spans == ((0, 8), (26, 41))
    assert " ".join(sentence[start:end] for start, end in found.spans) == found.words


WORDS = st.sampled_from(
    [
        *("turn", "set", "on", "off", "to", "the", "lamp", "volume", "London", "time", ",", "and"),
        *("at", "in", "of", "for", "every", "next", "7", "seven", "thirty", "half", "past", "pm"),
        *("tomorrow", "tonight", "friday", "first", "may", "day", "20", "minutes"),
        *("later", "until", "when", "between", "from", "yesterday", "ago", "last", "night", "a"),
        *(
            "monday",
            "sundays",
            "week",
            "weekday",
            "month",
            "hours",
            "1st",
            "15th",
            "½",
            "1h30",
            "-",
        ),
        *("2026-12-24", "24.12.", "IST", "today", "after", "morning", "on", "sat", "oh", "five"),
    ]
)


@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_sentence_has_places_in_order_or_is_unclear(sentence: str) -> None:
    try:
        found = when.find(sentence, NOW)
    except moments.Unclear:
        return
    if found is not None:
        edges = [edge for span in found.spans for edge in span]
        assert edges == sorted(edges)
        assert edges[0] >= 0
        assert edges[-1] <= len(sentence)
        assert found.words == " ".join(sentence[start:end] for start, end in found.spans)
