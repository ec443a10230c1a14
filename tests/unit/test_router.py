"""Which device: what the sentence says comes first, and nobody is guessed."""

import pytest

from orchestrator import router
from orchestrator.catalogue import Catalogue
from schemas.device import Device, Kind
from schemas.plan import Plan, Step


def device(identity: str, kind: Kind, name: str, *functions: str) -> Device:
    return Device(
        id=identity, kind=kind, name=name, protocol="test", functions=functions, approved=True
    )


PHONE = device("p", Kind.PHONE, "Pixel 8", "set_volume", "lock_screen", "take_a_photo")
TABLET = device("t", Kind.PHONE, "Tab", "set_volume", "take_a_photo")
PC = device("c", Kind.PC, "office-pc", "set_volume", "lock_screen")
CAR = device("k", Kind.CAR, "Golf", "lock_doors")


def route(sentence: str, function: str, devices: tuple[Device, ...], catalogue: Catalogue) -> str:
    plan = Plan(steps=(Step(index=0, function=function, arguments={}),))
    routed = router.route(plan, devices, sentence, catalogue).steps[0].device
    assert routed is not None
    return routed


@pytest.mark.parametrize(
    ("sentence", "function", "expected"),
    [
        ("set the volume to 3", "set_volume", "p"),
        ("set the volume to 3 on the computer", "set_volume", "c"),
        ("set the volume of office-pc to 3", "set_volume", "c"),
        ("volume 3 on my phone", "set_volume", "p"),
        ("lock my laptop", "lock_screen", "c"),
        ("take a photo and lock the car", "take_a_photo", "p"),
        ("take a photo and lock the car", "lock_doors", "k"),
    ],
)
def test_goes_where_it_was_said(
    sentence: str, function: str, expected: str, catalogue: Catalogue
) -> None:
    assert route(sentence, function, (PHONE, PC, CAR), catalogue) == expected


def test_two_that_were_said_are_asked_about(catalogue: Catalogue) -> None:
    sentence = "set the volume on my phone to 3 and the volume on the office PC to 5"
    with pytest.raises(router.WhichDevice, match=r"Pixel 8, office-pc"):
        route(sentence, "set_volume", (PHONE, PC), catalogue)


def test_two_of_a_kind_are_asked_about_unless_one_is_named(catalogue: Catalogue) -> None:
    with pytest.raises(router.WhichDevice):
        route("take a photo", "take_a_photo", (PHONE, TABLET), catalogue)
    assert route("take a photo on the Tab", "take_a_photo", (PHONE, TABLET), catalogue) == "t"


def test_nobody_stands_in_for_another_device(catalogue: Catalogue) -> None:
    with pytest.raises(router.NoDevice, match="it takes a PC"):
        route("lock my laptop", "lock_screen", (PHONE,), catalogue)
    with pytest.raises(router.NoDevice, match="it takes a car"):
        route("lock the car", "lock_doors", (PHONE,), catalogue)
