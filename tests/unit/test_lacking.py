"""What no device can do is refused by the name of the device that was meant, and with a reason."""

from pathlib import Path

import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.routing import router
from schemas.device import Device, Kind
from schemas.plan import Plan, Step
from tests.hubkit import ScriptedAdapter, command, rig

SEAT = "its gateway offers nothing of the kind"
GOLF = Device(
    id="golf", kind=Kind.CAR, name="Golf", protocol="test", functions=("lock_doors",),
    lacking={"adjust_seat_position": SEAT}, approved=True,
)  # fmt: skip
POLO = GOLF.model_copy(update={"id": "polo", "name": "Polo", "lacking": {}})
PIXEL = Device(
    id="p1", kind=Kind.PHONE, name="Pixel", protocol="test", functions=("set_volume",),
    approved=True,
)  # fmt: skip
CARS = tuple(GOLF.model_copy(update={"id": f"c{n}", "name": f"Car {n}"}) for n in range(4))
LAMP = PIXEL.model_copy(update={"id": "lamp", "kind": Kind.HOME, "name": "Lamp"})


@pytest.mark.parametrize(
    ("sentence", "function", "devices", "told"),
    [
        ("move my seat forward", "adjust_seat_position", (GOLF, PIXEL),
         f"Golf cannot adjust seat position: {SEAT}"),
        ("move the seat in the Golf", "adjust_seat_position", (GOLF, POLO),
         f"Golf cannot adjust seat position: {SEAT}"),
        ("move my seat forward", "adjust_seat_position", (GOLF, POLO),
         "Golf and Polo cannot adjust seat position"),
        ("open the sunroof", "operate_sunroof", (GOLF, PIXEL), "Golf cannot operate sunroof"),
        ("take a selfie", "take_a_photo", (PIXEL, LAMP), "Pixel cannot take a photo"),
        ("open the sunroof", "operate_sunroof", (GOLF.model_copy(update={"functions": ()}),),
         "Golf was never reached: whether it can operate sunroof is not known"),
        ("open the sunroof", "operate_sunroof", CARS,
         "no approved device can operate sunroof: it takes a car; "
         "`octopus devices` lists what was found"),
        ("open the sunroof", "operate_sunroof", (PIXEL,),
         "no approved device can operate sunroof: it takes a car; "
         "`octopus devices` lists what was found"),
    ],
)  # fmt: skip
def test_the_device_that_was_meant_is_named(
    catalogue: Catalogue, sentence: str, function: str, devices: tuple[Device, ...], told: str
) -> None:
    plan = Plan(steps=(Step(index=0, function=function, arguments={}),))
    with pytest.raises(router.NoDevice) as refused:
        router.route(plan, devices, sentence, catalogue)
    assert str(refused.value) == told


def test_of_several_the_speakers_own_is_meant(catalogue: Catalogue) -> None:
    plan = Plan(steps=(Step(index=0, function="adjust_seat_position", arguments={}),))
    with pytest.raises(router.NoDevice, match=r"^Golf cannot adjust seat position: its gateway"):
        router.route(
            plan, (GOLF, *CARS, POLO), "move my seat forward", catalogue,
            defaults={Kind.CAR: "golf"},
        )  # fmt: skip


class Gateway(ScriptedAdapter):
    lacking = {"adjust_seat_position": SEAT}


async def test_a_person_is_told_which_car_cannot_move_a_seat_and_why(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    """From the sentence to the answer, with what the car itself said when it was connected."""
    model = {"move my seat forward": "<nexa_23>('driver', 'forward', 20)<nexa_end>"}
    car = GOLF.model_copy(update={"lacking": {}})
    async with rig(
        tmp_path, catalogue, model, more=[(car, Gateway(frozenset({"lock_doors"})))]
    ) as hub:
        hub.registry.load((PIXEL,))
        await hub.registry.connect("golf")
        assert await hub.run(command("move my seat forward")) == "refused"
        record = await hub.journal.get("c1")
        assert record
        assert record.answer == f"Golf cannot adjust seat position: {SEAT}"
