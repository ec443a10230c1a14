"""What words of a sentence mean devices, and what only looks so."""

import pytest

from orchestrator.routing import names
from orchestrator.routing.mentions import Mention, find
from orchestrator.routing.spoken import BLANK
from schemas.device import Device, Kind


def device(name: str, kind: Kind = Kind.PHONE, room: str | None = None, *aliases: str) -> Device:
    return Device(id=name, kind=kind, name=name, protocol="test", room=room, aliases=aliases)


DEVICES = (
    device("Pixel 8"),
    device("Bob's phone"),
    device("Galaxy Tab"),
    device("office-pc", Kind.PC, "office"),
    device("Golf", Kind.CAR),
    device("ID.4", Kind.CAR, None, "family car"),
    device("Desk lamp", Kind.HOME, "office"),
    device("Bedside", Kind.HOME, "upstairs bedroom"),
)


def said(sentence: str) -> list[tuple[str, str]]:
    return [(sentence[m.start : m.end], m.how) for m in find(sentence, DEVICES)]


def only(sentence: str) -> Mention:
    (mention,) = find(sentence, DEVICES)
    return mention


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("volume 3 on the Pixel 8", [("Pixel 8", "name")]),
        ("volume 3 on the pixel", [("pixel", "name")]),
        ("volume 3 on PIXEL-8", [("PIXEL-8", "name")]),
        ("volume 3 on Bobs phone", [("Bobs phone", "name")]),
        ("volume 3 on bob’s phone", [("bob’s phone", "name")]),
        ("volume 3 on the office pc", [("office pc", "name")]),
        ("volume 3 on office_pc", [("office_pc", "name")]),
        ("lock the family car", [("family car", "name")]),
        ("lock id 4 and the golf", [("id 4", "name"), ("golf", "name")]),
        ("lock the Golf's doors", [("Golf's", "name"), ("doors", "kind")]),
        ("the phone and the computer", [("phone", "kind"), ("computer", "kind")]),
        ("everything in the office", [("office", "room")]),
        ("the computer upstairs", [("computer", "kind"), ("upstairs", "room")]),
        ("the bedroom", [("bedroom", "room")]),
        ("the office lamp", [("office lamp", "kind")]),
        ("the galxy tab", [("galxy tab", "name")]),
        ("make a phone call", []),
        ("what is his phone number", []),
        ("take a picture of the car", []),
        ("go there by car", []),
        ("lock up", []),
        ("light it", []),
        ("set it to auto", []),
        ("nothing at all", []),
        ("", []),
        (f"phone {BLANK * 4}", []),
        ("phone the dentist", []),
        ("phone volume to 5", [("phone", "kind")]),
    ],
)
def test_found(sentence: str, expected: list[tuple[str, str]]) -> None:
    assert said(sentence) == expected


@pytest.mark.parametrize(
    ("sentence", "every", "count", "own"),
    [
        ("the car", False, 0, False),
        ("my car", False, 0, True),
        ("our car", False, 0, True),
        ("cars", True, 0, False),
        ("all my cars", True, 0, True),
        ("both cars", True, 2, False),
        ("both of the cars", True, 2, False),
        ("the two cars", True, 2, False),
        ("all three cars", True, 3, False),
        ("each car", True, 0, False),
        ("every car", True, 0, False),
        ("set it to 3, cars", True, 0, False),
    ],
)
def test_how_many(sentence: str, every: bool, count: int, own: bool) -> None:
    mention = only(sentence)
    assert (mention.every, mention.count, mention.own) == (every, count, own)
    assert set(mention.devices) == {"Golf", "ID.4"}


@pytest.mark.parametrize(
    ("sentence", "devices"),
    [
        ("on the tablet", {"Galaxy Tab"}),
        ("on the phone", {"Pixel 8", "Bob's phone"}),
        ("on the laptop", {"office-pc"}),
        ("on the lamp", {"Desk lamp"}),
        ("on Dad's phone", set()),
        ("on dads phone", set()),
        ("from her phone", set()),
        ("on his mobile", set()),
        ("on the Pixel 9", set()),
        ("in the attic", set()),
    ],
)
def test_who_is_meant(sentence: str, devices: set[str]) -> None:
    assert set(only(sentence).devices) == devices


@pytest.mark.parametrize(
    ("sentence", "sure"),
    [
        ("on the galaxy", True),
        ("on the desk", False),
        ("the desk drawer", False),
        ("desk", False),
        ("the golf", True),
        ("a new tab", False),
    ],
)
def test_a_word_of_a_name_may_be_no_device(sentence: str, sure: bool) -> None:
    assert only(sentence).sure is sure


def test_an_everyday_word_that_is_a_name_is_not_sure() -> None:
    alarm = (device("Alarm", Kind.HOME),)
    assert [m.sure for m in find("set an alarm", alarm)] == [True]
    assert [m.sure for m in find("set an alarm", alarm, frozenset({"alarm"}))] == [False]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("pixle", "pixel"),
        ("pxel", "pxel"),  # four letters
        ("tabelt", "tablet"),
        ("tabeltt", "tabeltt"),  # two slips in seven
        ("telvisoin", "television"),
        ("ligths", "lights"),
        ("pixel7", "pixel7"),
        ("certain", "certain"),
        ("eights", "eights"),
        ("tesla", "tesla"),
        ("lampx", "lampx"),  # as near to one as to the other
    ],
)
def test_a_misspelt_word_is_the_only_nearest(said: str, meant: str) -> None:
    known = names.spellings([*names.SPELLINGS, "pixel", "pixel8", "testa", "lampo", "lampa"])
    assert names.corrected(said, known) == meant


@pytest.mark.parametrize("name", ["the", "and", "", "set", ".*", "<>", "on the"])
def test_stop_words_are_no_name(name: str) -> None:
    assert find("set the .* and <> on the table", (device(name),)) == ()
