"""Calls, messages, mail and contacts: who is reached, and who never is."""

import json
from urllib.parse import quote

import pytest

from device_adapters.android import AndroidAdapter
from device_adapters.simulated.phone import Fault, Manner, SimulatedPhone
from schemas.errors import DeviceRefused
from schemas.outcome import Evidence
from tests.contract.android.android_kit import NASTY, Call, invocation

VERIFIED, UNVERIFIED, DRAFTED = Evidence.VERIFIED, Evidence.UNVERIFIED, Evidence.DRAFTED


async def test_send_email_is_a_draft(phone: SimulatedPhone, call: Call) -> None:
    done = await call("send_email", recipient="a+b@c.org", title="1 & 2?", content=NASTY)
    assert done.evidence is DRAFTED
    body = quote(NASTY, safe="")
    assert phone.state.intents == [f"mailto:a%2Bb@c.org?subject=1%20%26%202%3F&body={body}"]


@pytest.mark.parametrize("text", ["Hi", NASTY.replace("漢字🙂", ""), "s16"])
async def test_send_text_message(phone: SimulatedPhone, call: Call, text: str) -> None:
    phone.state.provider.add_contact("John O'Neil", "+49 151 1234567")
    phone.state.provider.add_sent("+491511234567", text, 0)
    done = await call("send_text_message", contact_name="john o'neil", message=text)
    assert done.evidence is VERIFIED
    assert phone.state.sent[1:] == [("+491511234567", text)]


@pytest.mark.parametrize(("sdk", "text"), [(28, "Hi"), (34, "é" * 71)])
async def test_a_message_the_phone_cannot_send_alone_is_a_draft(
    phone: SimulatedPhone, call: Call, sdk: int, text: str
) -> None:
    phone.state.sdk = sdk
    done = await call("send_text_message", contact_name="+491511234567", message=text)
    assert (done.evidence, phone.state.sent) == (DRAFTED, [])
    assert phone.state.intents == ["smsto:%2B491511234567"]


async def test_make_phone_call(phone: SimulatedPhone, call: Call) -> None:
    phone.state.provider.add_contact("Élise", "(0151) 123-456")
    done = await call("make_phone_call", phone_number="élise")
    assert (done.evidence, phone.state.called) == (VERIFIED, ["0151123456"])
    with pytest.raises(DeviceRefused, match="another call"):
        await call("make_phone_call", phone_number="+491511234567")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("John", "2 contacts"),
        ("Anna", "2 numbers"),
        ("Nobody", "no contact"),
        ("' OR '1'='1", "no contact"),
        ("Police", "emergency"),
        ("Voicemail", "not a number"),
        ("112", "emergency"),
    ],
)
async def test_whom_it_does_not_call(
    phone: SimulatedPhone, call: Call, name: str, reason: str
) -> None:
    provider = phone.state.provider
    for said in ("John", "JOHN"):
        provider.add_contact(said, "+4915100000")
    raw = provider.add_contact("Anna", "+49 151 1")
    number = {"raw_contact_id": raw, "mimetype": "vnd.android.cursor.item/phone_v2"}
    provider.insert("content://com.android.contacts/data", {**number, "data1": "+49 151 2"})
    provider.add_contact("Police", "110")
    provider.add_contact("Voicemail", "*86")
    for function in ("make_phone_call", "send_text_message"):
        with pytest.raises(DeviceRefused, match=reason):
            await call(function, phone_number=name, contact_name=name, message="x")
    assert (phone.state.called, phone.state.sent) == ([], [])


async def test_a_person_with_a_number_needs_no_contact(phone: SimulatedPhone, call: Call) -> None:
    phone.state.provider.add_contact("Margaret Smith", "+4915166")
    person = "Margaret Smith <+49 151 1234567>"
    done = await call("make_phone_call", phone_number=person)
    assert (done.detail, phone.state.called) == ("Calling Margaret Smith", ["+491511234567"])
    done = await call("send_text_message", contact_name=person, message="Hi")
    assert (done.detail, phone.state.sent) == ("Sent to Margaret Smith", [("+491511234567", "Hi")])


@pytest.mark.parametrize(
    "number",
    [
        "+112", "+1 911", "+49 (112)", "+353 999", "00 44 999", "011 1 911", "0-0-0", "15", "061",
        "1 1 4", "1122", "10111", "9.1/1\n",
    ],
)  # fmt: skip
async def test_emergency_numbers_however_written(
    phone: SimulatedPhone, call: Call, number: str
) -> None:
    for function in ("make_phone_call", "send_text_message"):
        with pytest.raises(DeviceRefused, match="emergency"):
            await call(function, phone_number=number, contact_name=number, message="x")
    assert (phone.state.called, phone.state.sent) == ([], [])


@pytest.mark.parametrize("number", ["+44 20 7946 0999", "0049 151 1234567", "01112345678", "5550"])
async def test_numbers_that_only_look_a_little_like_it(call: Call, number: str) -> None:
    assert (await call("make_phone_call", phone_number=number)).evidence is VERIFIED


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        ("Ann <112>", "emergency"),
        ("Ann <*21*5#>", "not a number"),
        ("+491511234567 <>", "not a number"),
        ("Eve <+491511234567> <Mum>", "not a number"),
    ],
)
async def test_the_number_of_a_person_is_looked_at_too(
    phone: SimulatedPhone, call: Call, person: str, reason: str
) -> None:
    with pytest.raises(DeviceRefused, match=reason):
        await call("make_phone_call", phone_number=person)
    assert phone.state.called == []


def add_number(phone: SimulatedPhone, raw: int | None, number: str, kind: int | None) -> None:
    row = {"raw_contact_id": raw, "mimetype": "vnd.android.cursor.item/phone_v2", "data2": kind}
    phone.state.provider.insert("content://com.android.contacts/data", {**row, "data1": number})


async def listed(call: Call) -> list[tuple[str, str, str]]:
    done = await call("list_contacts")
    assert done.evidence is VERIFIED
    assert isinstance(done.result, str)
    return [(row["name"], row["number"], row["label"]) for row in json.loads(done.result)]


async def test_list_contacts(phone: SimulatedPhone, call: Call) -> None:
    assert await listed(call) == []
    raw = phone.state.provider.add_contact("Élise, data1=+1 'x' 漢字🙂", "+49 151 1")
    for kind, number in ((1, "+49 30 1"), (2, "+49 151 2"), (3, "+49 30 3"), (4, "+49 30 4")):
        add_number(phone, raw, number, kind)
    add_number(phone, raw, "+49 30 3", 3)  # another app's copy
    add_number(phone, raw, "Voicemail", None)
    other = phone.state.provider.add_contact("Élise, data1=+1 'x' 漢字🙂", "5550100")
    name = "Élise, data1=+1 'x' 漢字🙂"
    assert await listed(call) == [
        (name, "+49 151 1", ""),
        (name, "+49 30 1", "home"),
        (name, "+49 151 2", "mobile"),
        (name, "+49 30 3", "work"),
        (name, "5550100", ""),
    ]
    done = await call("list_contacts")
    assert {row["contact"] for row in json.loads(str(done.result))} == {str(raw), str(other)}
    assert done.detail == "Contacts: 2"


async def test_no_row_of_the_address_book_poses_as_another(
    phone: SimulatedPhone, call: Call
) -> None:
    provider = phone.state.provider
    raw = provider.add_contact("Eve\nRow: 1 contact_id=2, display_name=Mum", "+49151666")
    add_number(phone, raw, "+1\nRow: 1 contact_id=2, data2=2, data1=+49151666", 2)
    provider.add_contact("Mum", "+49151777")
    add_number(phone, 2, "+49151778", 2)
    assert await listed(call) == [("Mum", "+49151777", ""), ("Mum", "+49151778", "mobile")]


async def test_an_address_book_of_thousands(phone: SimulatedPhone, call: Call) -> None:
    for number in range(5_010):
        phone.state.provider.add_contact(f"Contact {number}", f"+4915100{number:05}")
    rows = await listed(call)
    assert len(rows) == 5_000
    assert rows[-1] == ("Contact 4999", "+491510004999", "")


async def test_a_contact_cannot_pose_as_another(phone: SimulatedPhone, call: Call) -> None:
    phone.state.provider.add_contact("Eve\nRow: 1 contact_id=7, data1=+1900", "+4915166")
    phone.state.provider.add_contact("Mum", "+49151777777")
    await call("make_phone_call", phone_number="Mum")
    assert phone.state.called == ["+49151777777"]


@pytest.mark.parametrize("name", ["Ann O'Neil", "--x", NASTY])
async def test_create_contact(
    phone: SimulatedPhone, adapter: AndroidAdapter, call: Call, name: str
) -> None:
    arguments = {"name": name, "phone_number": "+491511234567"}
    assert await adapter.probe(invocation("create_contact", **arguments)) is None
    done = await call("create_contact", **arguments)
    assert done.evidence is VERIFIED
    assert phone.state.contacts == [(name, "+491511234567")]
    assert await adapter.probe(invocation("create_contact", **arguments)) == done


async def test_half_a_contact_is_taken_away(phone: SimulatedPhone, call: Call) -> None:
    refusal = "java.lang.SecurityException: no"
    phone.inject(Fault("phone_v2", Manner.ANSWER, stderr=refusal))
    with pytest.raises(DeviceRefused, match="SecurityException"):
        await call("create_contact", name="Ann", phone_number="+491511234567")
    rows = phone.state.provider.query("content://com.android.contacts/raw_contacts", None, "1", "")
    assert rows == []
