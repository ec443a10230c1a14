"""Which device: what the sentence says comes first, and nobody is guessed."""

import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.routing import mentions, router
from schemas.device import Device, Kind
from schemas.errors import HubError
from schemas.plan import Argument, Plan, Ref, Step

PHONES = (
    *("set_volume", "lock_screen", "take_a_photo", "send_text_message", "make_phone_call"),
    *("open_application", "change_screen_brightness", "set_timer_alarm", "media_control"),
    *("find_route_google_maps", "search_youtube_videos", "show_notification"),
)
PCS = (
    *("set_volume", "lock_screen", "take_screenshot", "shutdown", "open_url", "media_control"),
    *("open_application", "get_pc_status", "show_notification", "wake_up"),
)
CARS = ("lock_doors", "start_charging", "get_vehicle_status", "navigate_to", "control_lights")
LAMPS = ("turn_on", "turn_off", "set_light", "get_state")
SWITCHES = ("turn_on", "turn_off", "get_state")
HUB_DOES = ("get_weather_forecast", "get_trending_news")


def device(
    identity: str,
    kind: Kind,
    name: str,
    functions: tuple[str, ...],
    room: str | None = None,
    aliases: tuple[str, ...] = (),
    parts: tuple[str, ...] = (),
) -> Device:
    return Device(
        id=identity, kind=kind, name=name, protocol="test", functions=functions, approved=True,
        room=room, aliases=aliases, parts=parts,
    )  # fmt: skip


PIXEL = device("pixel", Kind.PHONE, "Pixel 8", PHONES)
BOBS = device("bobs", Kind.PHONE, "Bob's phone", PHONES)
TAB = device("tab", Kind.PHONE, "Galaxy Tab", PHONES)
OFFICE = device("office", Kind.PC, "office-pc", PCS, room="office")
GAMING = device("gaming", Kind.PC, "gaming laptop", PCS, room="upstairs")
GOLF = device("golf", Kind.CAR, "Golf", CARS)
ID4 = device("id4", Kind.CAR, "ID.4", CARS, aliases=("the family car",))
HUB = device("hub", Kind.HUB, "Hub", HUB_DOES)
CEILING = device("ceiling", Kind.HOME, "Ceiling", LAMPS, room="kitchen")
DESK = device("desk", Kind.HOME, "Desk lamp", LAMPS, room="office")
BED = device("bed", Kind.HOME, "Bedside light", LAMPS, room="upstairs", aliases=("reading light",))
FAN = device("fan", Kind.HOME, "Bedroom fan", SWITCHES, room="bedroom")
KETTLE = device("kettle", Kind.HOME, "Kettle", SWITCHES, room="kitchen")
BLIND = device("blind", Kind.HOME, "Bedroom Blind", ("set_cover", "get_state"), room="bedroom")
GARAGE = device("garage", Kind.HOME, "Garage Door", ("set_cover", "get_state"))
FRONT = device("front", Kind.HOME, "Front Door", ("open_or_lock_door",))
BACK = device("back", Kind.HOME, "Back Door", ("open_or_lock_door",))
THERMOSTAT = device("heat", Kind.HOME, "Hall Thermostat", ("set_nest_temperature",), room="hall")
TV = device("tv", Kind.HOME, "Living Room TV", ("media_control",), room="living room")
BRIDGE = device(
    "bridge", Kind.HOME, "Zigbee bridge", (*LAMPS, "set_cover"),
    parts=("Porch light", "Cellar light", "Freezer", "Light level"),
)  # fmt: skip

ONE_EACH = (PIXEL, OFFICE, GOLF, HUB)
FAMILY = (PIXEL, BOBS, TAB, OFFICE, GAMING, GOLF, ID4, HUB)
HOUSE = (CEILING, DESK, BED, FAN, KETTLE, BLIND, GARAGE, FRONT, BACK, THERMOSTAT, TV)
ALL = FAMILY + HOUSE

Call = tuple[str, dict[str, Argument]]


def plan(*calls: Call | str) -> Plan:
    pairs = [call if isinstance(call, tuple) else (call, {}) for call in calls]
    return Plan(
        steps=tuple(
            Step(index=index, function=function, arguments=dict(arguments))
            for index, (function, arguments) in enumerate(pairs)
        )
    )


def routed(plan: Plan, catalogue: Catalogue) -> list[str]:
    del catalogue
    return [step.device or "" for step in plan.steps]


@pytest.mark.parametrize(
    ("sentence", "call", "expected"),
    [
        ("set the volume to 3 on the computer", "set_volume", "office"),
        ("set the volume of office-pc to 3", "set_volume", "office"),
        ("set the volume of the Office PC to 3", "set_volume", "office"),
        ("set the volume of office_pc to 3", "set_volume", "office"),
        ("set the officepc volume to 3", "set_volume", "office"),
        ("set the volume in the office to 3", "set_volume", "office"),
        ("volume 3 on my phone", "set_volume", "pixel"),
        ("lock my laptop", "lock_screen", "office"),
        ("lock the workstation", "lock_screen", "office"),
        ("take a photo and lock the car", "take_a_photo", "pixel"),
        ("take a photo and lock the car", "lock_doors", "golf"),
        ("take a photo of the car", "take_a_photo", "pixel"),
        ("take a picture with the phone", "take_a_photo", "pixel"),
        ("make a phone call to Bob", ("make_phone_call", {"phone_number": "Bob"}), "pixel"),
        ("phone the dentist", ("make_phone_call", {"phone_number": "the dentist"}), "pixel"),
        (
            "text Bob I left my phone in the car",
            ("send_text_message",
             {"contact_name": "Bob", "message": "I left my phone in the car"}),
            "pixel",
        ),
        (
            "search youtube for laptop reviews",
            ("search_youtube_videos", {"query": "laptop reviews"}),
            "pixel",
        ),
        (
            "show me the way to the car wash by car",
            ("find_route_google_maps", {"destination": "the car wash", "mode": "driving"}),
            "pixel",
        ),
        ("is the car locked", "get_vehicle_status", "golf"),
        ("turn on the lights of the car", "control_lights", "golf"),
        ("what's the weather", "get_weather_forecast", "hub"),
    ],
)  # fmt: skip
def test_goes_where_it_was_said(
    sentence: str, call: Call | str, expected: str, catalogue: Catalogue
) -> None:
    found = router.route(plan(call), ONE_EACH, sentence, catalogue)
    assert routed(found, catalogue) == [expected]


def test_nothing_said_is_the_only_one_able_of_any_kind(catalogue: Catalogue) -> None:
    found = router.route(plan("set_volume"), (OFFICE, GOLF), "volume 3", catalogue)
    assert routed(found, catalogue) == ["office"]
    with pytest.raises(router.WhichDevice, match=r"^which one: Pixel 8 or office-pc\?$"):
        router.route(plan("set_volume"), ONE_EACH, "volume 3", catalogue)
    with pytest.raises(router.WhichDevice, match="Living Room TV, Pixel 8 or office-pc"):
        router.route(plan("media_control"), (*ONE_EACH, TV), "pause", catalogue)
    mine = {Kind.PC: "office"}
    found = router.route(plan("set_volume"), ONE_EACH, "volume 3", catalogue, defaults=mine)
    assert routed(found, catalogue) == ["office"]


@pytest.mark.parametrize(
    ("sentence", "hub_sends", "expected"),
    [
        ("email bob@example.org saying I'm late", True, "hub"),
        ("email bob@example.org from my phone saying I'm late", True, "pixel"),
        ("on the Pixel, email bob@example.org saying I'm late", True, "pixel"),
        ("email bob@example.org saying I'm late", False, "pixel"),
    ],
)
@pytest.mark.parametrize("own", [{}, {Kind.PHONE: "pixel"}], ids=["nobody's", "ann's"])
def test_the_hub_sends_an_e_mail_where_it_can_and_a_phone_drafts_one_where_it_is_named(
    sentence: str, hub_sends: bool, expected: str, own: dict[Kind, str], catalogue: Catalogue
) -> None:
    phone = PIXEL.model_copy(update={"functions": (*PHONES, "send_email")})
    hub = HUB.model_copy(update={"functions": (*HUB_DOES, *["send_email"] * hub_sends)})
    call = "send_email", {"recipient": "bob@example.org", "content": "I'm late"}
    found = router.route(plan(call), (phone, OFFICE, hub), sentence, catalogue, defaults=own)
    assert routed(found, catalogue) == [expected]


VOLUME: Call = ("set_volume", {"level": 3})
TEXT: Call = ("send_text_message", {"contact_name": "Ann", "message": "hi"})


@pytest.mark.parametrize(
    ("sentence", "call", "expected"),
    [
        ("volume 3 on Bob's phone", VOLUME, "bobs"),
        ("volume 3 on bobs phone", VOLUME, "bobs"),
        ("volume 3 on Bob’s phone", VOLUME, "bobs"),
        ("volume 3 on the Pixel", VOLUME, "pixel"),
        ("volume 3 on the pixel phone", VOLUME, "pixel"),
        ("volume 3 on my Pixel 8, please", VOLUME, "pixel"),
        ("volume 3 on the pixel8", VOLUME, "pixel"),
        ("volume 3 on the tablet", VOLUME, "tab"),
        ("volume 3 on the galaxy", VOLUME, "tab"),
        ("volume 3 on the Galaxi Tab", VOLUME, "tab"),
        ("volume 3 on the galxy tab", VOLUME, "tab"),
        ("volume 3 on the pixle", VOLUME, "pixel"),
        ("volume 3 on the tabelt", VOLUME, "tab"),
        ("volume 3 on the gaming lapotp", VOLUME, "gaming"),
        ("volume 3 on the gmaing notebok", VOLUME, "gaming"),
        ("volume 3 on the computer upstiars", VOLUME, "gaming"),
        ("lock the fornt door", ("open_or_lock_door", {"status": "lock"}), "front"),
        ("volume 3 on the laptop", VOLUME, "gaming"),
        ("volume 3 on the notebook", VOLUME, "gaming"),
        ("volume 3 on the gaming laptop", VOLUME, "gaming"),
        ("volume 3 on the desktop", VOLUME, "office"),
        ("volume 3 on the pc", VOLUME, "office"),
        ("volume 3 on the computer upstairs", VOLUME, "gaming"),
        ("volume 3 on the upstairs computer", VOLUME, "gaming"),
        ("text Ann hi from Bob's phone", TEXT, "bobs"),
        ("text Ann hi with the tablet", TEXT, "tab"),
        ("using the tablet text Ann hi", TEXT, "tab"),
        ("on the tablet, set the volume to 3", VOLUME, "tab"),
        ("set the volume to 3, on the office PC", VOLUME, "office"),
        ("unlock the golf", ("lock_doors", {"action": "unlock"}), "golf"),
        ("unlock the ID4", ("lock_doors", {"action": "unlock"}), "id4"),
        ("unlock the id 4", ("lock_doors", {"action": "unlock"}), "id4"),
        ("unlock the Golf's doors", ("lock_doors", {"action": "unlock"}), "golf"),
        ("unlock the family car", ("lock_doors", {"action": "unlock"}), "id4"),
        ("start charging our family car", "start_charging", "id4"),
        ("pause the tv", ("media_control", {"action": "pause"}), "tv"),
        ("play on the living room TV", ("media_control", {"action": "play"}), "tv"),
        ("pause what is playing in the living room", ("media_control", {"action": "pause"}), "tv"),
        ("unlock the back door", ("open_or_lock_door", {"status": "open"}), "back"),
        ("please lock the front door", ("open_or_lock_door", {"status": "lock"}), "front"),
        ("lock the frontdoor", ("open_or_lock_door", {"status": "lock"}), "front"),
        ("thermostat to 70", ("set_nest_temperature", {"target_temperature": 70}), "heat"),
        ("heating to 70", ("set_nest_temperature", {"target_temperature": 70}), "heat"),
        ("make it 70 in the hall", ("set_nest_temperature", {"target_temperature": 70}), "heat"),
    ],
)
def test_one_of_many_is_told_apart(
    sentence: str, call: Call | str, expected: str, catalogue: Catalogue
) -> None:
    found = router.route(plan(call), ALL, sentence, catalogue)
    assert routed(found, catalogue) == [expected]


def on(name: str) -> Call:
    return ("turn_on", {"name": name})


@pytest.mark.parametrize(
    ("sentence", "call", "expected", "name"),
    [
        ("turn on the desk lamp", on("desk lamp"), "desk", "desk lamp"),
        ("turn on the desk lamp", on("the desk lamp"), "desk", "the desk lamp"),
        ("turn on the desk light", on("desk light"), "desk", "Desk lamp"),
        ("turn on the kitchen light", on("kitchen light"), "ceiling", "Ceiling"),
        ("turn on the light in the kitchen", on("light"), "ceiling", "Ceiling"),
        ("turn on the light in the kitchen", on("light in the kitchen"), "ceiling", "Ceiling"),
        ("turn on the reading light", on("reading light"), "bed", "Bedside light"),
        ("turn on the upstairs lamp", on("upstairs lamp"), "bed", "Bedside light"),
        ("turn on the fan", on("fan"), "fan", "fan"),
        ("turn on the bedroom fan", on("bedroom fan"), "fan", "bedroom fan"),
        ("turn on the kettel", on("kettle"), "kettle", "kettle"),
        ("turn on the ketlte", on("ketlte"), "kettle", "Kettle"),
        ("turn on the beddside light", on("beddside light"), "bed", "Bedside light"),
        ("turn on the plug in the kitchen", on("plug"), "kettle", "Kettle"),
        (
            "open the blind",
            ("set_cover", {"name": "blind", "position": "open"}),
            "blind",
            "blind",
        ),
        (
            "open the curtain",
            ("set_cover", {"name": "curtain", "position": "open"}),
            "blind",
            "Bedroom Blind",
        ),
        (
            "close the garage",
            ("set_cover", {"name": "garage", "position": "close"}),
            "garage",
            "garage",
        ),
        (
            "dim the ceiling to 30",
            ("set_light", {"name": "ceiling", "brightness": 30}),
            "ceiling",
            "ceiling",
        ),
    ],
)
def test_a_thing_of_the_home_is_what_its_argument_says(
    sentence: str, call: Call, expected: str, name: str, catalogue: Catalogue
) -> None:
    (step,) = router.route(plan(call), ALL, sentence, catalogue).steps
    assert (step.device, step.arguments["name"]) == (expected, name)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("porch light", "porch light"),
        ("freezer", "freezer"),
        ("zigbee bridge freezer", "Freezer"),
        ("frezer", "Freezer"),
    ],
)
def test_a_gateways_part_is_found(said: str, name: str, catalogue: Catalogue) -> None:
    devices = (BRIDGE, DESK, KETTLE)
    (step,) = router.route(plan(on(said)), devices, f"turn on the {said}", catalogue).steps
    assert (step.device, step.arguments["name"]) == ("bridge", name)


@pytest.mark.parametrize(
    ("sentence", "calls", "expected"),
    [
        ("lock both cars", [("lock_doors", {"action": "lock"})], ["golf", "id4"]),
        ("lock the two cars", [("lock_doors", {"action": "lock"})], ["golf", "id4"]),
        ("lock both of the cars", [("lock_doors", {"action": "lock"})], ["golf", "id4"]),
        ("take a photo on all phones", ["take_a_photo"], ["pixel", "bobs"]),
        ("take a photo on every phone and lock the golf",
         ["take_a_photo", ("lock_doors", {"action": "lock"})], ["pixel", "bobs", "golf"]),
        ("shut down each computer", ["shutdown"], ["office", "gaming"]),
        ("shut down all my computers", ["shutdown"], ["office", "gaming"]),
        ("lock the golf and the id.4", [("lock_doors", {"action": "lock"})], ["golf", "id4"]),
        ("set the volume to 3 on the tablet and on the laptop", [VOLUME], ["tab", "gaming"]),
        ("volume 3 on the tablet and 5 on the laptop",
         [VOLUME, ("set_volume", {"level": 5})], ["tab", "gaming"]),
        ("volume 3 on the tablet and the laptop", [VOLUME, VOLUME], ["tab", "gaming"]),
        ("set the volume on my phone to 3 and start charging the golf",
         [VOLUME, "start_charging"], ["pixel", "golf"]),
        ("start charging the golf, then text Ann hi from the tablet",
         ["start_charging", TEXT], ["golf", "tab"]),
        ("take a photo on the tablet; take a screenshot on the laptop",
         ["take_a_photo", "take_screenshot"], ["tab", "gaming"]),
        ("on the tablet, take a photo and set the volume to 3",
         ["take_a_photo", VOLUME], ["tab", "tab"]),
        ("lock phone and laptop", ["lock_screen"], ["pixel", "gaming"]),
        ("lock the tablet and laptop", ["lock_screen"], ["tab", "gaming"]),
        ("take a photo with both phones and the tablet", ["take_a_photo"],
         ["pixel", "bobs", "tab"]),
        ("wake up the gaming laptop then lock it", ["wake_up", "lock_screen"],
         ["gaming", "gaming"]),
        ("charge both cars and lock them", ["start_charging", "lock_doors"],
         ["golf", "id4", "golf", "id4"]),
        ("turn on the desk lamp and dim it",
         [on("desk lamp"), ("set_light", {"name": "it", "brightness": 5})], ["desk", "desk"]),
        ("lock everything", [("open_or_lock_door", {"status": "lock"})], ["front", "back"]),
        ("lock the doors", [("open_or_lock_door", {"status": "lock"})], ["front", "back"]),
        ("lock all the doors", [("open_or_lock_door", {"status": "lock"})], ["front", "back"]),
        ("turn on all the lights", [on("lights")], ["ceiling", "desk", "bed"]),
        ("turn on all the lights", [on("all the lights")], ["ceiling", "desk", "bed"]),
        ("turn on the lights", [on("lights")], ["ceiling", "desk", "bed"]),
        ("turn on every lamp upstairs", [on("lamp")], ["bed"]),
        ("turn on every lamp upstairs", [on("every lamp upstairs")], ["bed"]),
        ("turn on everything in the kitchen", [on("everything")], ["ceiling", "kettle"]),
        ("turn on everything in the kitchen", [on("everything in the kitchen")],
         ["ceiling", "kettle"]),
        ("turn on all the kitchen lights", [on("kitchen lights")], ["ceiling"]),
        ("turn on the kitchen and office lights", [on("kitchen and office lights")],
         ["ceiling", "desk"]),
        ("turn on the light in the kitchen and the office", [on("light")], ["ceiling", "desk"]),
        ("turn on the fan and the kettle", [on("fan and the kettle")], ["fan", "kettle"]),
        ("turn on the fan and the kettle", [on("fan"), on("kettle")], ["fan", "kettle"]),
        ("turn on the desk lamp and lock the front door",
         [on("desk lamp"), ("open_or_lock_door", {"status": "lock"})], ["desk", "front"]),
        ("what's the weather and lock the golf",
         ["get_weather_forecast", ("lock_doors", {"action": "lock"})], ["hub", "golf"]),
    ],
)  # fmt: skip
def test_several_devices(
    sentence: str, calls: list[Call | str], expected: list[str], catalogue: Catalogue
) -> None:
    defaults = {Kind.PHONE: "pixel"}
    found = router.route(plan(*calls), ALL, sentence, catalogue, defaults=defaults)
    assert routed(found, catalogue) == expected
    assert [step.index for step in found.steps] == list(range(len(expected)))


def test_every_device_gets_its_own_name(catalogue: Catalogue) -> None:
    found = router.route(plan(on("all the lights")), ALL, "turn on all the lights", catalogue)
    names = [step.arguments["name"] for step in found.steps]
    assert names == ["Ceiling", "Desk lamp", "Bedside light"]


@pytest.mark.parametrize(
    ("sentence", "call", "expected"),
    [
        ("take a photo", "take_a_photo", "pixel"),
        ("take a photo on the phone", "take_a_photo", "pixel"),
        ("unlock the car", "lock_doors", "golf"),
        ("unlock the door", "open_or_lock_door", "front"),
        ("take a photo on the tablet", "take_a_photo", "tab"),
    ],
)
def test_the_default_of_a_kind_is_meant_where_several_would_do(
    sentence: str, call: Call | str, expected: str, catalogue: Catalogue
) -> None:
    usual = {"pixel", "golf", "front"}
    devices = tuple(d.model_copy(update={"default": d.id in usual}) for d in ALL)
    found = router.route(plan(call), devices, sentence, catalogue)
    assert routed(found, catalogue) == [expected]


def test_a_default_answers_no_question_between_kinds_and_hides_nobodys_own(
    catalogue: Catalogue,
) -> None:
    devices = tuple(d.model_copy(update={"default": d.id == "pixel"}) for d in ALL)
    for sentence, call in (
        ("set the volume to 3", "set_volume"),
        ("take a photo on my other phone", "take_a_photo"),
        ("take a photo on Bob's phone or the tablet", "take_a_photo"),
    ):
        with pytest.raises(HubError):
            router.route(plan(call), devices, sentence, catalogue)
    mine = {Kind.PHONE: "bobs"}
    found = router.route(plan("take_a_photo"), devices, "a photo", catalogue, defaults=mine)
    assert routed(found, catalogue) == ["bobs"]


def test_every_part_of_a_gateway_is_one(catalogue: Catalogue) -> None:
    devices = (BRIDGE, DESK, KETTLE)
    found = router.route(plan(on("lights")), devices, "turn on all the lights", catalogue)
    assert [(step.device, step.arguments["name"]) for step in found.steps] == [
        ("bridge", "Porch light"), ("bridge", "Cellar light"), ("desk", "Desk lamp"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "call", "candidates"),
    [
        ("take a photo", "take_a_photo", ["Bob's phone", "Galaxy Tab", "Pixel 8"]),
        ("take a photo on the phone", "take_a_photo", ["Bob's phone", "Pixel 8"]),
        ("take a photo on my other phone", "take_a_photo", ["Bob's phone", "Pixel 8"]),
        ("unlock the car", "lock_doors", ["Golf", "ID.4"]),
        ("take a photo on the Pixel or the tablet", "take_a_photo", ["Galaxy Tab", "Pixel 8"]),
        ("unlock the door", "open_or_lock_door", ["Back Door", "Front Door"]),
        ("turn on the kitchen", on("kitchen"), ["Ceiling", "Kettle"]),
        ("turn on both lights", on("lights"), ["Bedside light", "Ceiling", "Desk lamp"]),
        ("turn on both lights", on("both lights"), ["Bedside light", "Ceiling", "Desk lamp"]),
        ("turn on it", on("it"), ["Bedroom fan", "Bedside light", "Ceiling", "Desk lamp",
                                  "Kettle"]),
        ("set the volume on my Pixel to 3 and the volume on the office PC to 5",
         "set_volume", ["Pixel 8", "office-pc"]),
    ],
)  # fmt: skip
def test_what_may_be_several_is_asked(
    sentence: str, call: Call | str, candidates: list[str], catalogue: Catalogue
) -> None:
    with pytest.raises(router.WhichDevice) as asked:
        router.route(plan(call), ALL, sentence, catalogue)
    assert [device.name for device in asked.value.candidates] == candidates
    assert asked.value.step == 0


def test_the_question_names_them(catalogue: Catalogue) -> None:
    with pytest.raises(router.WhichDevice, match=r"^which one: Golf or ID\.4\?$"):
        router.route(plan("start_charging"), ALL, "start charging", catalogue)
    lamps = [device(room, Kind.HOME, "Lamp", LAMPS, room=room) for room in ("den", "bath")]
    with pytest.raises(router.WhichDevice, match=r"Lamp \(bath\) or Lamp \(den\)"):
        router.route(plan(on("lamp")), tuple(lamps), "turn on the lamp", catalogue)


def test_both_of_another_number_is_asked(catalogue: Catalogue) -> None:
    third = device("up", Kind.CAR, "Up", CARS)
    for devices in ((GOLF, ID4, third), (GOLF,)):
        with pytest.raises(router.WhichDevice):
            router.route(plan("start_charging"), devices, "charge both cars", catalogue)


@pytest.mark.parametrize(
    ("sentence", "call", "devices", "told"),
    [
        ("lock my laptop", "lock_screen", (PIXEL,), "the my laptop|laptop can lock screen.*a PC"),
        ("lock the car", "lock_doors", (PIXEL,), "it takes a car"),
        ("take a photo on the Golf", "take_a_photo", ALL, "^Golf cannot take a photo$"),
        ("on the Golf, take a photo", "take_a_photo", ALL, "^Golf cannot take a photo$"),
        ("volume 3 on the tablet", VOLUME, ONE_EACH, "called the tablet can set volume"),
        ("volume 3 on my iPhone", VOLUME, ONE_EACH, "called the iPhone"),
        ("text Ann hi from Dad's phone", TEXT, ONE_EACH, "called Dad's phone can send text"),
        ("text Ann hi from dads phone", TEXT, ONE_EACH, "called dads phone"),
        ("text Ann hi from her phone", TEXT, ONE_EACH, "called her phone"),
        ("volume 3 on the Pixel 9", VOLUME, ALL, "called the Pixel"),
        ("volume 3 on the laptop", VOLUME, (device("d", Kind.PC, "Big desktop", PCS), PIXEL),
         "called the laptop"),
        ("unlock the side door", "open_or_lock_door", ALL, "side door"),
        ("pause the radio", "media_control", (PIXEL, OFFICE), "called the radio"),
        ("turn on the fan", on("fan"), (CEILING,), "^no approved home device is called 'fan'$"),
        ("turn on the fan", on("the fan"), (CEILING, KETTLE), "called 'fan'"),
        ("turn on the attic light", on("attic light"), ALL, "called 'attic light'"),
        ("turn on the light in the attic", on("light"), ALL, "called 'attic light'"),
        ("turn on every lamp in the attic", on("lamp"), ALL, "called 'attic lamp'"),
        ("turn on the golf", on("golf"), ALL, "^Golf cannot turn on$"),
        ("turn on the thermostat", on("thermostat"), ALL, "^Hall Thermostat cannot turn on$"),
        ("turn on the", on("the"), ALL, "called 'the'"),
        ("open the blind", ("set_cover", {"name": "blind", "position": "open"}), (GARAGE,),
         "called 'blind'"),
        ("make it 70 in the bedroom", "set_nest_temperature", ALL, "in the bedroom"),
        ("turn on the chandelier", on("chandelier"), ALL, "called 'chandelier'"),
        ("turn on the fountain", on("the fountain"), ALL, "called 'fountain'"),
        ("open the gate", ("set_cover", {"name": "gate", "position": "open"}), ALL,
         "called 'gate'"),
        ("turn on <nexa_4>", on("<nexa_4>"), (device("n", Kind.HOME, "<nexa_3>", LAMPS),),
         "called 'nexa 4'"),
        ("turn on lamp 3", on("lamp 3"), (device("n", Kind.HOME, "Lamp 2", LAMPS),),
         "called 'lamp 3'"),
        ("unlock the Tesla", "lock_doors", ONE_EACH, "called the Tesla can lock doors"),
        ("charge my Volvo", "start_charging", ONE_EACH, "called the Volvo"),
        ("charge Bob's Tesla", "start_charging", ONE_EACH, "called Bob's Tesla"),
        ("unlock the polo", "lock_doors", (ID4, PIXEL), "called the polo"),
        ("unlock the ID.3", "lock_doors", (ID4, PIXEL), "called the ID"),
        ("unlock the id3", "lock_doors", (ID4, PIXEL), "called the id3"),
        ("volume 3 on the pixel 7", VOLUME, ONE_EACH, "called the pixel"),
        ("volume 3 on the pixel7", VOLUME, ONE_EACH, "called the pixel7"),
        ("volume 3 on the macbook", VOLUME, ONE_EACH, "called the macbook"),
        ("volume 3 on the iPad", VOLUME, (TAB, OFFICE), "called the iPad"),
        ("play on the Sonos", "media_control", ALL, "called the Sonos"),
        ("volume 3 on the Playstation", VOLUME, ALL, "called the Playstation"),
        ("volume 3 on the thinkpad", VOLUME, ALL, "called the thinkpad"),
        ("pause the speaker", "media_control", (TV, PIXEL), "called the speaker"),
        ("volume 3 on the TV", VOLUME, ALL, "^Living Room TV cannot set volume$"),
        ("volume 3 on her ipad", VOLUME, ONE_EACH, "called her ipad"),
        ("volume 3 on the Galaxy S24", VOLUME, ALL, "called the Galaxy"),
        ("volume 3 on my Galaxy S24", VOLUME, ONE_EACH, "called the Galaxy"),
        ("charge Bob's red car", "start_charging", ONE_EACH, "called Bob's red car"),
    ],
)  # fmt: skip
def test_nobody_stands_in_for_another_device(
    sentence: str, call: Call | str, devices: tuple[Device, ...], told: str, catalogue: Catalogue
) -> None:
    with pytest.raises(router.NoDevice, match=told):
        router.route(plan(call), devices, sentence, catalogue)


@pytest.mark.parametrize(
    ("sentence", "call", "expected"),
    [
        ("text Bob the Tesla is here", ("send_text_message",
         {"contact_name": "Bob", "message": "the Tesla is here"}), "pixel"),
        ("open the Tesla app", "open_application", "pixel"),
        ("take a photo of my Volvo", "take_a_photo", "pixel"),
        ("Alexa, take a photo", "take_a_photo", "pixel"),
        ("will my golf game be rained out", "get_weather_forecast", "hub"),
        ("computer, what is the weather", "get_weather_forecast", "hub"),
        ("play the one by the blinds", "media_control", "pixel"),
        ("play jumper by third eye blind", "media_control", "pixel"),
        ("turn on the lights at eight", "control_lights", "golf"),
        ("share the volume with certain rooms on my tracks", "set_volume", "pixel"),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_device_is_none(
    sentence: str, call: Call | str, expected: str, catalogue: Catalogue
) -> None:
    defaults = {Kind.PHONE: "pixel", Kind.CAR: "golf"}
    devices = (*ONE_EACH, CEILING, BLIND)
    found = router.route(plan(call), devices, sentence, catalogue, defaults=defaults)
    assert routed(found, catalogue) == [expected]


@pytest.mark.parametrize("name", ["Tesla", "Model 3 Tesla"])
def test_a_make_that_a_device_is_called_is_that_device(name: str, catalogue: Catalogue) -> None:
    for named in ({"name": name}, {"aliases": (name,)}):
        tesla = GOLF.model_copy(update={"id": "tesla", **named})
        found = router.route(plan("lock_doors"), (ID4, tesla), "lock the tesla", catalogue)
        assert routed(found, catalogue) == ["tesla"]
    charger = device("box", Kind.HOME, "Garage box", SWITCHES, parts=("Tesla charger",))
    found = router.route(
        plan("start_charging"), (ID4, charger), "charge over the Tesla charger", catalogue
    )
    assert routed(found, catalogue) == ["id4"]


OWNERS = {
    "ann": {Kind.PHONE: "pixel", Kind.CAR: "golf", Kind.PC: "gaming"},
    "Bob": {Kind.PHONE: "tab", Kind.CAR: "id4", Kind.PC: "office"},
    "james": {Kind.CAR: "gone"},
    "Mary Ann": {Kind.CAR: "id4"},
}


@pytest.mark.parametrize(
    ("sentence", "call", "expected"),
    [
        ("charge Bob's car", "start_charging", ["id4"]),
        ("charge bobs car", "start_charging", ["id4"]),
        ("charge Bob’s car", "start_charging", ["id4"]),
        ("charge Ann's car", "start_charging", ["golf"]),
        ("charge Mary Ann's car", "start_charging", ["id4"]),
        ("charge my car", "start_charging", ["golf"]),
        ("charge Ann's car and Bob's car", "start_charging", ["golf", "id4"]),
        ("lock bobs computer", "lock_screen", ["office"]),
        ("volume 3 on Ann's laptop", VOLUME, ["gaming"]),
        ("volume 3 on Bob's phone", VOLUME, ["bobs"]),  # a device is called just that
        ("volume 3 on Bob's tablet", VOLUME, ["tab"]),
        ("text Ann hi from Bob's tablet", TEXT, ["tab"]),
        ("call Ann's cell", ("make_phone_call", {"phone_number": "Ann"}), ["pixel"]),
        ("call Bob's mobile", ("make_phone_call", {"phone_number": "Bob"}), ["pixel"]),
        ("call Dad on his mobile", ("make_phone_call", {"phone_number": "Dad"}), ["pixel"]),
    ],
)
def test_a_speakers_device_is_meant_by_their_name(
    sentence: str, call: Call | str, expected: list[str], catalogue: Catalogue
) -> None:
    found = router.route(
        plan(call), ALL, sentence, catalogue, defaults=OWNERS["ann"], owners=OWNERS
    )
    assert routed(found, catalogue) == expected


@pytest.mark.parametrize("sentence", ["charge James' car", "charge james car", "charge Dad's car"])
def test_nobody_elses_stands_in_for_it(sentence: str, catalogue: Catalogue) -> None:
    with pytest.raises(router.NoDevice, match=r"called .* car can start charging"):
        router.route(plan("start_charging"), ALL, sentence, catalogue, owners=OWNERS)


@pytest.mark.parametrize(
    ("sentence", "call", "expected"),
    [
        ("take a photo", "take_a_photo", "bobs"),
        ("take a photo on my phone", "take_a_photo", "bobs"),
        ("take a photo on the phone", "take_a_photo", "bobs"),
        ("take a photo on my Pixel", "take_a_photo", "pixel"),
        ("take a photo on the tablet", "take_a_photo", "tab"),
        ("set the volume to 3", VOLUME, "bobs"),
        ("unlock my car", "lock_doors", "golf"),
        ("what is the range", "get_vehicle_status", "golf"),
        ("take a screenshot", "take_screenshot", "office"),
        ("call mom on her cell", ("make_phone_call", {"phone_number": "mom"}), "bobs"),
        ("show me the way home", ("find_route_google_maps", {"destination": "home"}), "bobs"),
    ],
)
def test_the_speakers_own(
    sentence: str, call: Call | str, expected: str, catalogue: Catalogue
) -> None:
    defaults = {Kind.PHONE: "bobs", Kind.CAR: "golf", Kind.PC: "office"}
    found = router.route(plan(call), ALL, sentence, catalogue, defaults=defaults)
    assert routed(found, catalogue) == [expected]


def test_my_own_that_cannot_is_not_replaced(catalogue: Catalogue) -> None:
    old = device("old", Kind.PHONE, "Nokia", ("set_volume",))
    mine = {Kind.PHONE: "old"}
    with pytest.raises(router.NoDevice, match="Nokia cannot take a photo"):
        router.route(
            plan("take_a_photo"), (PIXEL, old), "take a photo on my phone", catalogue,
            defaults=mine,
        )  # fmt: skip
    found = router.route(plan("take_a_photo"), (PIXEL, old), "photo", catalogue, defaults=mine)
    assert routed(found, catalogue) == ["pixel"]


def test_what_a_person_picked_comes_first(catalogue: Catalogue) -> None:
    two = plan("take_a_photo", "start_charging")
    chosen = {0: ("tab",), 1: ("golf", "id4")}
    found = router.route(two, ALL, "photo on the pixel, charge", catalogue, chosen=chosen)
    assert routed(found, catalogue) == ["tab", "golf", "id4"]
    with pytest.raises(router.NoDevice, match="Golf cannot"):
        router.route(two, ALL, "photo, charge", catalogue, chosen={0: ("golf",)})
    with pytest.raises(router.NoDevice, match="not there any more"):
        router.route(two, ALL, "photo, charge", catalogue, chosen={0: ("gone",)})
    lamp = router.route(plan(on("it")), ALL, "turn it on", catalogue, chosen={0: ("desk",)})
    assert lamp.steps[0].arguments == {"name": "Desk lamp"}


def test_it_is_the_last_commands_device(catalogue: Catalogue) -> None:
    found = router.route(plan(on("it")), ALL, "turn it on", catalogue, recent=("desk",))
    assert (found.steps[0].device, found.steps[0].arguments["name"]) == ("desk", "Desk lamp")
    found = router.route(plan("lock_doors"), ALL, "lock it", catalogue, recent=("id4",))
    assert routed(found, catalogue) == ["id4"]
    found = router.route(plan(on("them")), ALL, "turn them on", catalogue, recent=("desk", "fan"))
    assert routed(found, catalogue) == ["desk", "fan"]
    with pytest.raises(router.WhichDevice):
        router.route(plan("lock_doors"), ALL, "lock it", catalogue, recent=("desk",))


def test_it_comes_before_the_speakers_own(catalogue: Catalogue) -> None:
    mine = {Kind.PHONE: "pixel", Kind.CAR: "golf"}
    calls = plan(VOLUME, "take_a_photo")
    # The dialogue has put "the volume" for "it".
    sentence = "set the volume to 5 and take a photo"
    found = router.route(calls, ALL, sentence, catalogue, defaults=mine, recent=("tab",))
    assert routed(found, catalogue) == ["tab", "pixel"]
    named = router.route(
        plan(VOLUME), ALL, "set it to 5 on the laptop", catalogue, defaults=mine, recent=("tab",)
    )
    assert routed(named, catalogue) == ["gaming"]
    twice = plan(("lock_doors", {"action": "lock"}), "get_vehicle_status")
    sentence = "lock the ID.4 and tell me its range"
    found = router.route(twice, ALL, sentence, catalogue, defaults=mine, recent=("golf",))
    assert routed(found, catalogue) == ["id4", "id4"]


def test_it_among_several_things_of_a_name_is_the_last(catalogue: Catalogue) -> None:
    off, floor = plan(("turn_off", {"name": "lamp"})), device("f", Kind.HOME, "Floor lamp", LAMPS)
    found = router.route(off, (floor, DESK), "turn off the lamp", catalogue, recent=("desk",))
    assert routed(found, catalogue) == ["desk"]
    with pytest.raises(router.WhichDevice):
        router.route(off, (floor, DESK), "turn off the lamp", catalogue)


@pytest.mark.parametrize(
    ("sentence", "inner", "expected"),
    [
        ("show the laptop's battery on my tablet", "get_pc_status", ["gaming", "tab"]),
        ("notify me on the tablet of the cpu load of the office pc", "get_pc_status",
         ["office", "tab"]),
        ("show me on the pc what the weather does, as a notification", "get_weather_forecast",
         ["hub", "office"]),
        ("show the golf's range on the tablet", "get_vehicle_status", ["golf", "tab"]),
    ],
)  # fmt: skip
def test_a_result_is_one_devices_and_goes_to_another(
    sentence: str, inner: str, expected: list[str], catalogue: Catalogue
) -> None:
    calls = plan(inner, ("show_notification", {"text": Ref(step=0)}))
    found = router.route(calls, ALL, sentence, catalogue, defaults={Kind.PC: "office"})
    assert routed(found, catalogue) == expected


def test_one_step_for_each_in_a_clause(catalogue: Catalogue) -> None:
    calls = plan(
        ("lock_doors", {"action": "lock"}), ("open_or_lock_door", {"status": "lock"}),
    )  # fmt: skip
    found = router.route(calls, ALL, "lock the golf and the front door", catalogue)
    assert routed(found, catalogue) == ["golf", "front"]


def test_results_follow_the_new_numbers(catalogue: Catalogue) -> None:
    calls = plan(
        ("lock_doors", {"action": "lock"}),
        ("get_vehicle_status", {"item": "range"}),
        ("send_text_message", {"contact_name": "Ann", "message": Ref(step=1)}),
    )
    sentence = "lock both cars and text Ann the Golf's range from the tablet"
    found = router.route(calls, ALL, sentence, catalogue)
    assert routed(found, catalogue) == ["golf", "id4", "golf", "tab"]
    assert found.steps[3].arguments["message"] == Ref(step=2)


def test_several_results_go_into_no_call(catalogue: Catalogue) -> None:
    calls = plan(
        ("get_vehicle_status", {"item": "range"}),
        ("send_text_message", {"contact_name": "Ann", "message": Ref(step=0)}),
    )
    with pytest.raises(router.CannotFanOut, match=r"^the result of several devices cannot go"):
        router.route(
            calls, (*ONE_EACH, ID4), "text Ann the range of both cars", catalogue
        )  # fmt: skip


HOSTILE = (
    "<nexa_3>", "Robert'); DROP TABLE devices;--", ".*", "the", "and", "", " ", "\0", "x" * 60,
    "a b c d e f g h i j k l m n o p q r s t u v w x y z", "((((", "[a-z]+", "\\", "%s{0}",
    "alarm", "volume", "photo", "set the", "’s", "on", "ſ", "İ", "\N{ZERO WIDTH JOINER}",
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_only_data(name: str, catalogue: Catalogue) -> None:
    thing = device("thing", Kind.HOME, name, LAMPS, aliases=(name,), room=name, parts=(name,))
    devices = (thing, *ONE_EACH)
    sentence = "set an alarm for 7 and take a photo and set the volume to 3"
    calls = plan(("set_timer_alarm", {"time": "07:00", "label": "alarm"}), "take_a_photo", VOLUME)
    mine = {Kind.PHONE: "pixel"}
    found = router.route(calls, devices, sentence, catalogue, defaults=mine)
    assert routed(found, catalogue) == ["pixel"] * 3
    with pytest.raises(router.NoDevice):
        router.route(plan(on("the fan")), devices, "turn on the fan", catalogue)
    assert mentions.find(f"turn on {name}", devices) is not None


@pytest.mark.parametrize("sentence", ["", " ", "and", "\0", ", . ;", "’s", "the the the", "\n"])
def test_any_sentence_is_read(sentence: str, catalogue: Catalogue) -> None:
    found = router.route(plan("take_a_photo"), ONE_EACH, sentence, catalogue)
    assert routed(found, catalogue) == ["pixel"]
