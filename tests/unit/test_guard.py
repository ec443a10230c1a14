"""Sentences that forbid acting now, and those that only look like it."""

import pytest

from orchestrator import guard
from orchestrator.catalogue import Catalogue


@pytest.mark.parametrize(
    ("sentence", "function", "said"),
    [
        ("don't unlock the front door", "open_or_lock_door", ()),
        ("never turn off the fridge", "turn_off", ("fridge",)),
        ("turn off all lights except the kitchen light", "turn_off", ("lights",)),
        ("lock the door when Alice arrives", "open_or_lock_door", ()),
        ("if it rains, close the blinds", "set_cover", ("blinds",)),
        ("turn on the heater at 7 pm", "turn_on", ("heater",)),
        ("unlock the door tomorrow", "open_or_lock_door", ()),
        ("forget it", "open_or_lock_door", ()),
        ("Don\N{RIGHT SINGLE QUOTATION MARK}t turn on the lamp", "turn_on", ("lamp",)),
        ("turn off all the lights but not the kitchen", "turn_off", ("lights", "kitchen")),
        ("no need to start charging the car", "start_charging", ()),
        ("I did not ask you to turn on the lamp", "turn_on", ("lamp",)),
        ("the car doors, please don't lock", "lock_doors", ()),
        ("turn on the lamp at 22:30", "turn_on", ("lamp",)),
        ("turn on the lamp at seven", "turn_on", ("lamp",)),
        ("start charging in half an hour", "start_charging", ()),
        ("start charging in twenty five minutes", "start_charging", ()),
        ("start charging on Friday", "start_charging", ()),
        ("start charging every hour", "start_charging", ()),
        ("start charging later", "start_charging", ()),
        ("turn on the lamp before I leave", "turn_on", ("lamp",)),
        ("honk the horn in case somebody is near", "honk_and_flash", ()),
        ("should it rain, close the car windows", "control_window", ()),
    ],
)
def test_objects(sentence: str, function: str, said: tuple[str, ...], catalogue: Catalogue) -> None:
    assert guard.objection(sentence, (catalogue[function],), said)


@pytest.mark.parametrize(
    ("sentence", "function", "said"),
    [
        ("could you unlock the front door?", "open_or_lock_door", ()),
        ("turn on do not disturb", "enable_do_not_disturb", ()),
        ("don't forget to lock the door", "open_or_lock_door", ()),
        ("text Bob I don't know", "send_text_message", ("Bob", "I don't know")),
        ("text Bob 'come when you can'", "send_text_message", ("Bob", "come when you can")),
        ("set an alarm for 7 am tomorrow", "set_timer_alarm", ("7 am tomorrow",)),
        ("take a photo and after that start charging the car", "take_a_photo", ()),
        ("I was wondering if you could start charging", "start_charging", ()),
        ("set the volume at 7", "set_volume", ("7",)),
        ("what's the weather tomorrow", "get_weather_forecast", ()),
    ],
)
def test_does_not_object(
    sentence: str, function: str, said: tuple[str, ...], catalogue: Catalogue
) -> None:
    assert guard.objection(sentence, (catalogue[function],), said) is None
