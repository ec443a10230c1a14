"""Sentences that forbid acting now, and those that only look like it.

A row is `sentence = function, function`; a piece in braces is an argument copied from the sentence:
`{name:desk lamp}` is the parameter `name` of one of the functions.
"""

import re

import pytest

from orchestrator import guard
from orchestrator.catalogue import Catalogue
from orchestrator.guard.patterns import Kind
from schemas.function import Function, ParameterType

_PIECE = re.compile(r"\{(\w+):([^}]*)\}")

HELD = {
    Kind.NEGATION: """
don't unlock the front door = open_or_lock_door
dont unlock the front door = open_or_lock_door
Don’t turn on the {name:lamp} = turn_on
don t open the {name:garage} = set_cover
never turn off the {name:fridge} = turn_off
please do not call {phone_number:Bob} right now = make_phone_call
the car doors, please don't lock = lock_doors
no need to start charging the car = start_charging
I did not ask you to turn on the {name:lamp} = turn_on
I'd rather you didn't unlock the door = open_or_lock_door
hold off on calling {phone_number:Ann} = make_phone_call
no calling {phone_number:Bob} = make_phone_call
stop! do not open the {name:garage} = set_cover
refrain from unlocking the car = lock_doors
it would be a mistake to unlock the door = open_or_lock_door
leave the {name:lamp} off = turn_off
leave the {name:heater} as it is = turn_on
keep the {name:garage} shut = set_cover
you mustn't shut down the computer = shutdown
you needn't lock the car = lock_doors
nobody is to open the sunroof = operate_sunroof
under no circumstances unlock the car = lock_doors
let's not text {contact_name:Mia} = send_text_message
could you not turn off the {name:heater}? = turn_off
would you mind not honking the horn = honk_and_flash
it's too late to call {phone_number:grandma} = make_phone_call
I can lock the car myself, thanks = lock_doors
avoid opening the {name:shutters} = set_cover
turn on the {name:fan} instead of the {name:heater} = turn_on
you shouldn't wake the pc = wake_up
hands off the {name:thermostat} = turn_on
unlock the front door? absolutely not = open_or_lock_door
don't check the smoke detectors = check_nest_smoke_detector_status
don't bother looking up the news = get_trending_news
""",
    Kind.EXCEPTION: """
turn off all lights except the kitchen light = turn_off
turn off {name:lights except the kitchen light} = turn_off
turn off all the lights but not the kitchen = turn_off
everything but the {name:heater} off = turn_off
turn everything off apart from the router = turn_off
close all the blinds other than the left one = set_cover
switch off every lamp but mine = turn_off
all lights off, excluding the hall = turn_off
lock every door besides the patio = open_or_lock_door
turn off the lot, only leave the hall lamp = turn_off
turn on all the lights minus the nursery = turn_on
with the exception of the fridge turn everything off = turn_off
dim the lights, just not the desk lamp = set_light
read all the headlines except politics = get_trending_news
""",
    Kind.CONDITION: """
if it rains, close the {name:blinds} = set_cover
turn on {name:the lamp if it rains} = turn_on
lock the door when Alice arrives = open_or_lock_door
should it rain, close the car windows = control_window
honk the horn in case somebody is near = honk_and_flash
turn on the {name:lamp} before I leave = turn_on
unlock the door once the kids are home = open_or_lock_door
as soon as the film ends turn off the {name:tv} = turn_off
unless I say otherwise, lock the car = lock_doors
every time the bell rings, turn on the {name:hall light} = turn_on
the moment she gets home unlock the door = open_or_lock_door
open the {name:awning} provided it's sunny = set_cover
wait until the baby sleeps and turn off the {name:lamp} = turn_off
depending on the weather close the sunroof = operate_sunroof
turn off the {name:heater} while I'm away = turn_off
lock the doors, otherwise start charging = lock_doors, start_charging
in the event of fire unlock the door = open_or_lock_door
assuming nobody is home lock the door = open_or_lock_door
text {contact_name:Bob} "hi" if he calls = send_text_message
lock up after the last guest leaves = open_or_lock_door
check whether the door is locked when I leave = get_vehicle_status
""",
    Kind.TIME: """
start charging later = start_charging
unlock the door tomorrow = open_or_lock_door
turn on the {name:heater} after lunch = turn_on
turn on the {name:lamp} at seven = turn_on
turn on the {name:lamp} at 7 = turn_on
start charging in twenty five minutes = start_charging
start charging on Friday = start_charging
start charging every hour = start_charging
open the {name:blinds} at sunrise = set_cover
lock the car tonight = lock_doors
in a bit turn off the {name:lamp} = turn_off
call {phone_number:Bob} some other time, maybe next week = make_phone_call
water comes later, so turn on the {name:pump} this evening = turn_on
turn off the {name:tv} before bed = turn_off
eventually, lock the car = lock_doors
one of these days turn on the {name:sauna} = turn_on
turn on the {name:lamp} every other day = turn_on
lock the door twice a day = open_or_lock_door
""",
    Kind.HYPOTHETICAL: """
should I unlock the front door? = open_or_lock_door
what happens if I unlock the car = lock_doors
would it be ok to turn off the {name:fridge} = turn_off
imagine turning off every {name:light} = turn_off
what if we opened the sunroof = operate_sunroof
I could lock the car = lock_doors
I might turn on the {name:heater} = turn_on
maybe we should call {phone_number:Bob} = make_phone_call
I'm thinking about turning on the {name:heater} = turn_on
suppose I called {phone_number:Ann} = make_phone_call
in theory, could you unlock the door = open_or_lock_door
I wish I could start the {name:sauna} from here = turn_on
do you think I should text {contact_name:Bob} = send_text_message
is it better to close the {name:blinds} = set_cover
would you recommend locking the car = lock_doors
is it worth charging the car = start_charging
could a child open the door = open_or_lock_door
shall we turn on the {name:heater} = turn_on
one could open the {name:awning}, I suppose = set_cover
""",
    Kind.INFORMATIONAL: """
how does unlocking the door work = open_or_lock_door
is it safe to turn on the {name:heater} = turn_on
did you lock the car = lock_doors
why is the door locked = open_or_lock_door
who turned on the {name:lamp} = turn_on
what does locking the car cost = lock_doors
when did you open the {name:garage} = set_cover
does opening the sunroof drain the battery = operate_sunroof
tell me how charging works = start_charging
explain what do not disturb does = enable_do_not_disturb
can guests unlock the door = open_or_lock_door
has anyone called {phone_number:Bob} = make_phone_call
have you locked the car yet = lock_doors
do you know who unlocked the door = open_or_lock_door
how long does it take to charge the car = start_charging
where do I read about pairing a {device_name:speaker} = connect_to_bluetooth_device
is the {name:lamp} turned on? = turn_on
was the car unlocked all night = lock_doors
""",
    Kind.REPORTED: """
Bob said to unlock the door = open_or_lock_door
Bob told me to turn on the {name:lamp} = turn_on
my wife wants me to lock the car = lock_doors
the manual says press start and turn on the {name:pump} = turn_on
she asked me to call {phone_number:Ann} = make_phone_call
"unlock the door", said Tom = open_or_lock_door
according to Ann we should lock the car = lock_doors
I was told to shut down the computer = shutdown
the sign says open the door = open_or_lock_door
my boss asked if I could call {phone_number:Ann} = make_phone_call
he keeps telling me to lock the car = lock_doors
they say you should turn off the {name:heater} = turn_off
lock the car, Dad said = lock_doors
Mia suggested opening the {name:blinds} = set_cover
I told Bob to turn on the {name:lamp} = turn_on
apparently somebody must lock the car = lock_doors
""",
    Kind.PAST: """
I turned off the {name:lamp} = turn_off
we already locked the car = lock_doors
yesterday I called {phone_number:Bob} = make_phone_call
the {name:lamp} has been turned off = turn_off
Anna unlocked the front door = open_or_lock_door
I've just opened the {name:blinds} = set_cover
last night somebody left and locked the door = open_or_lock_door
i just shut the computer down = shutdown
thanks for locking the car = lock_doors
I was charging the car all day = start_charging
I forgot to lock the car yesterday = lock_doors
mom managed to open the {name:awning} = set_cover
unlocking the door took ages = open_or_lock_door
you locked the door, well done = open_or_lock_door
I finished charging the car = start_charging
""",
    Kind.CORRECTION: """
unlock the front door, no wait, the back door = open_or_lock_door
unlock the front door no wait the back door = open_or_lock_door
call {phone_number:John no wait Bob} = make_phone_call
call {phone_number:Ann}, I mean {phone_number:Bob} = make_phone_call
turn on the {name:lamp}, scratch that, the {name:fan} = turn_on
call {phone_number:Bob}, actually call {phone_number:Ann} = make_phone_call
set the volume to 8, make that 6 = set_volume
turn on the {name:fan}, sorry, the {name:heater} = turn_on
open the {name:blinds} or rather close them = set_cover
lock the car, oops, the house = lock_doors
navigate to {destination:Leeds, no, to York} = navigate_to
text {contact_name:Ann} {message:I am at work, scratch that, at home} = send_text_message
turn off the {name:lamp}. Wait, no. = turn_off
lock the car no unlock the car = lock_doors
set the {name:lamp} to 30, no, 40 percent = set_light
what's the weather in {location:Paris}, no, in Rome = get_weather_forecast
turn it on... hang on, no, turn the {name:fan} off = turn_off
""",
    Kind.CANCELLATION: """
forget it = open_or_lock_door
never mind = turn_on
never mind the {name:lamp} = turn_on
cancel that = set_timer_alarm
undo that = turn_off
stop that = media_control
lock the car, never mind = lock_doors
call it off = make_phone_call
I've changed my mind about the {name:lamp} = turn_on
forget about calling {phone_number:Bob} = make_phone_call
disregard what I said about the car = lock_doors
turn on the {name:lamp}... just kidding = turn_on
ignore my last request = turn_on
open the {name:blinds}? no = set_cover
on second thought leave the {name:lamp} = turn_on
take that back = turn_on
""",
    Kind.VAGUE: """
turn {name:it} on = turn_on
turn it on = turn_on
switch {name:that thing} off = turn_off
lock it = open_or_lock_door
open that = set_cover
do the usual = turn_on
call {phone_number:him} = make_phone_call
text {contact_name:her} = send_text_message
turn on {name:something} = turn_on
close the other one = set_cover
call {phone_number:someone} = make_phone_call
could you open it again please = open_or_lock_door
the same again = media_control
do it = turn_on
turn on the thing we talked about = turn_on
send it to him = send_email
turn on the lamp or lock the car = turn_on, lock_doors
""",
}

FREE = """
could you unlock the front door? = open_or_lock_door
Can you please turn on the {name:lamp}? = turn_on
would you mind turning on the {name:lamp}? = turn_on
Is it possible to lock the car? = lock_doors
How can I take a selfie with the front camera? = take_a_photo
How do I set my brightness to {level:7}? = change_screen_brightness
Why don't you turn on the {name:fan}? = turn_on
any chance you can lock the car = lock_doors
can we open the {name:blinds}? = set_cover
can't you lock the car? = lock_doors
turn on the {name:lamp} if you don't mind = turn_on
if possible, lock the car = lock_doors
when you can, start charging = start_charging
when you get a chance lock the car = lock_doors
don't forget to lock the door = open_or_lock_door
please make sure to lock the door = open_or_lock_door
I'd like you to turn on the {name:lamp} = turn_on
i need to call {phone_number:mom} = make_phone_call
I want you to lock the car = lock_doors
I was wondering if you could start charging = start_charging
It would be great if you could lock the car = lock_doors
do you think you could call {phone_number:Bob}? = make_phone_call
let's play {music_name:some jazz} = play_music_on_nest_hub
can i hear {music_name:some jazz} = play_music_on_nest_hub
could the {name:blinds} be closed = set_cover
it's time to lock the car = lock_doors
remember to lock the car = lock_doors
you can lock the car now = lock_doors
feel free to turn on the {name:lamp} = turn_on
hey google, lock the car please = lock_doors
alright then, quickly lock the car = lock_doors
{name:kitchen lamp} on = turn_on
car locked please = lock_doors
selfie please = take_a_photo
turn on do not disturb = enable_do_not_disturb
do not disturb please = enable_do_not_disturb
don't disturb me = enable_do_not_disturb
no more music please = media_control
I don't like this song, skip it = media_control
pause it = media_control
skip this one = media_control
turn it up = set_volume
play {music_name:something} = play_music_on_nest_hub
it's not bright enough, set the screen to {level:9} = change_screen_brightness
I'm not home, lock the front door = open_or_lock_door
I can't sleep, turn off the {name:tv} = turn_off
I turned the wrong lamp off, turn on the {name:desk lamp} = turn_on
nobody's in the kitchen, turn the {name:kitchen light} off = turn_off
the {name:garage} is still open, close it = set_cover
the {name:hall lamp} is on, turn {name:it} off = turn_off
I forgot to lock the front door, lock it = open_or_lock_door
I haven't locked the car yet, please do it now = lock_doors
call {phone_number:Dad}, he said he'd be home = make_phone_call
close the {name:awning}, the neighbours said it's too loud = set_cover
don't worry about the noise, just open the {name:garage} = set_cover
don't leave the {name:garage} open, close it = set_cover
don't wait, lock the car = lock_doors
lock the car and thank you = lock_doors
lock the car right now, at once = lock_doors
once again: lock the car = lock_doors
while you're at it, lock the car = lock_doors
as I said, lock the car = lock_doors
sorry to bother you, but could you lock the car = lock_doors
excuse me, lock the car = lock_doors
lock the car because my hands are full = lock_doors
text {contact_name:Bob} {message:I don't know} = send_text_message
text {contact_name:Bob} 'come when you can' = send_text_message
text {contact_name:Ann} {message:never mind, I found it} = send_text_message
text {contact_name:Ann} that {message:I said yes if it rains} = send_text_message
tell {contact_name:Mia} {message:the meeting was cancelled} = send_text_message
email {recipient:anna@example.com} saying {content:I won't come tomorrow} = send_email
play {music_name:Don't Stop Me Now} = play_music_on_nest_hub
play {video_name:What If} on {video_service:Disney Plus} = play_video_on_nest_hub
search youtube for {query:how to unlock a door without a key} = search_youtube_videos
type {text:to be or not to be} on the computer = type_text
show a notification that says {text:don't be late} = show_notification
remind me to {title:call the bank} {start_time:tomorrow at 9} = create_calendar_event
remind me not to {title:eat} {start_time:tomorrow at 9} = create_calendar_event
set an alarm for {time:7 am tomorrow} = set_timer_alarm
wake me up at {time:seven} = set_timer_alarm
take a photo and after that start charging the car = take_a_photo, start_charging
before you lock the car, open the sunroof = operate_sunroof, lock_doors
set the volume at {level:7} = set_volume
set the {name:lamp} to {brightness:30} percent = set_light
lower the volume by {volume_diff:5} = adjust_volume
what's the weather tomorrow = get_weather_forecast
will it rain when I leave work = get_weather_forecast
should I wear a jacket = get_weather_forecast
what's new with the strike = get_trending_news
is the {name:kitchen lamp} on? = get_state
did I leave the {name:oven} on? = get_state
was the {name:back door} left open? = get_state
isn't the {name:iron} off yet = get_state
check if the {name:iron} is on = get_state
what's the car's battery? = get_vehicle_status
how far can the car go = get_vehicle_status
have the smoke alarms gone off? = check_nest_smoke_detector_status
what's the way to the {destination:airport} = find_route_google_maps
how do I get to the {destination:museum} = find_route_google_maps
which route should I take to the {destination:museum} = find_route_google_maps
call {phone_number:Will} = make_phone_call
call {phone_number:May} = make_phone_call
turn on the {name:bar lamp} = turn_on
turn off {name:everything} = turn_off
turn off {name:all the lights} = turn_off
save {phone_number:555 0131} as {name:Will Nott} = create_contact
navigate to the {destination:If Only Bookshop} = navigate_to
what is the quickest way to lock the car = lock_doors
"""


def _rows(text: str) -> list[str]:
    return text.strip().splitlines()


def _objection(row: str, catalogue: Catalogue) -> guard.Objection | None:
    written, names = row.rsplit(" = ", 1)
    functions = tuple(catalogue[name] for name in names.split(", "))
    said = tuple((piece, _type(name, functions)) for name, piece in _PIECE.findall(written))
    return guard.objection(_PIECE.sub(r"\2", written), functions, said)


def _type(name: str, functions: tuple[Function, ...]) -> ParameterType:
    return next(p.type for f in functions for p in f.parameters if p.name == name)


@pytest.mark.parametrize("row", [row for rows in HELD.values() for row in _rows(rows)])
def test_objects(row: str, catalogue: Catalogue) -> None:
    found = _objection(row, catalogue)
    assert found
    assert found.reason == guard.REASONS[found.kind]


@pytest.mark.parametrize("row", _rows(FREE))
def test_does_not_object(row: str, catalogue: Catalogue) -> None:
    assert _objection(row, catalogue) is None


@pytest.mark.parametrize("kind", HELD)
def test_the_kind_is_mostly_right(kind: Kind, catalogue: Catalogue) -> None:
    """A sentence may be of several kinds; the one that is said should mostly be the obvious one."""
    found = [_objection(row, catalogue) for row in _rows(HELD[kind])]
    assert sum(one is not None and one.kind is kind for one in found) > len(found) * 2 / 3


def test_every_kind_has_a_reason_that_says_nothing_of_grammar() -> None:
    assert set(guard.REASONS) == set(Kind)
    assert all(reason and reason[-1] != "." for reason in guard.REASONS.values())


def test_words_of_a_short_reference_count_and_of_content_do_not(catalogue: Catalogue) -> None:
    lamp, text = catalogue["turn_on"], catalogue["send_text_message"]
    words = "the lamp unless it rains"
    assert guard.objection(f"turn on {words}", (lamp,), ((words, ParameterType.ENTITY),))
    said = (("Bob", ParameterType.CONTACT), (words, ParameterType.TEXT))
    assert guard.objection(f"text Bob {words}", (text,), said) is None
