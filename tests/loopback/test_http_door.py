"""The web page, served by the real server to a browser without JavaScript, and to attackers."""

from __future__ import annotations

import asyncio
import contextlib
import html
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.doors.http.door import HttpDoor
from orchestrator.doors.http.page import forms, news, pages, visits
from orchestrator.doors.http.page.forms import MAX_FORM
from orchestrator.doors.http.page.pages import FOLDER
from orchestrator.doors.http.page.visits import Visits
from orchestrator.doors.http.ways import HERE
from schemas.call import Invocation, Restore
from schemas.device import Device, Kind
from schemas.errors import InvalidSettings
from schemas.outcome import Done, Evidence
from tests.apikit import PHONE, TABLET
from tests.hubkit import ScriptedAdapter, command
from tests.webkit import Browser, Site, browsing, site

SELFIE = "Take a selfie with the front camera"
CALL = "call 5551234567"
VOLUME = "set the volume to 5"
NASTY = "<script>alert('1')</script> & \"q\""
MODEL = {
    SELFIE: "<nexa_0>('front')<nexa_end>",
    CALL: "<nexa_8>('5551234567')<nexa_end>",
    VOLUME: "<nexa_13>('5', 'media')<nexa_end>",
    NASTY: "<nexa_20>()<nexa_end>",
    "selfie": "<nexa_0>('front')<nexa_end>",
    "undo that": "<nexa_20>()<nexa_end>",
    "selfie every day at 7 am": "<nexa_0>('front')<nexa_end>",
}
FOUND = Device(
    id="p3", kind=Kind.PHONE, name="Fold <b>7</b>", protocol="test",
    address={"host": "192.0.2.7", "port": "5555"},
)  # fmt: skip


@pytest.fixture
async def page(tmp_path: Path, catalogue: Catalogue) -> AsyncIterator[Site]:
    tablet = ScriptedAdapter(frozenset(TABLET.functions))
    async with site(tmp_path, catalogue, MODEL, more=[(TABLET, tablet)]) as served:
        yield served


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as one:
        yield one


def at(url: str) -> str:
    """The path of an address."""
    return urlsplit(url).path


def said_by(browser: Browser) -> str:
    """The head of a request that only a rude browser sends."""
    [(name, value)] = browser.client.cookies.items()
    return f"Host: 127.0.0.1\r\nCookie: {name}={value}\r\n"


async def selfie(page: Site, identity: str = "c1", user: str = "ann") -> None:
    """A command that succeeds."""
    await page.hub.pipeline.submit(command(SELFIE, identity, user, devices=("Pixel",)))
    assert (await page.ended(identity)).state == "succeeded"


async def test_a_sentence_is_sent_and_the_page_shows_what_became_of_it(
    page: Site, browser: Browser
) -> None:
    await page.come_in(browser)
    assert "What should be done?" in browser.text
    home = browser.url
    assert await browser.press("Send", text=CALL) == 200
    assert browser.url == home, "what becomes of it is shown where it was said"
    [asked] = await page.asked()
    await browser.open(f"{home}run/{asked['id']}")
    assert "The hub asks" in browser.text
    assert await browser.press("Yes, do it") == 200
    record = await page.ended(asked["id"])
    assert (record.state, record.command.user, record.command.door) == ("succeeded", "ann", "http")
    await browser.open(browser.url)
    assert browser.url == f"{home}run/{record.command.id}", "it stays where it was answered"
    assert record.answer in browser.text
    assert "verified" in browser.text
    assert "very sure, 100 %" in browser.text
    assert MODEL[CALL] in html.unescape(browser.page.text)
    await browser.open(home)
    assert record.answer in browser.text


async def test_no_is_no(page: Site, browser: Browser) -> None:
    await page.come_in(browser)
    await page.hub.pipeline.submit(command(CALL))
    await page.asked()
    await browser.open(browser.url)
    await browser.press("No")
    assert (await page.ended("c1")).state == "cancelled"
    assert not page.hub.adapter.calls


async def test_a_question_is_answered_by_a_button_or_in_words(page: Site, browser: Browser) -> None:
    await page.come_in(browser)
    for identity, answer in (("c1", "Tablet"), ("c2", "")):
        await page.hub.pipeline.submit(command(VOLUME, identity))
        await page.asked()
        await browser.open(browser.url.partition("run/")[0])
        if answer:
            assert await browser.press(answer) == 200
        else:
            assert await browser.press("Answer", text="gibberish of no use") == 400
            assert "does not answer" in browser.text
            await browser.open(f"{browser.url.partition('do/')[0]}run/{identity}")
            assert await browser.press("Answer", text="the pixel") == 200
        assert (await page.ended(identity)).state == "succeeded"
    assert [call.function for call in page.hub.adapter.calls] == ["set_volume"]


async def test_what_was_answered_elsewhere_is_told(page: Site, browser: Browser) -> None:
    await page.come_in(browser)
    await page.hub.pipeline.submit(command(CALL))
    [asked] = await page.asked()
    await browser.open(browser.url)
    await page.hub.pipeline.confirm("c1", asked["token"], "ann", yes=False)
    assert await browser.press("Yes, do it") == 409
    assert "it was used, has expired, or never was" in browser.text
    assert (await page.ended("c1")).state == "cancelled"


async def test_everybody_sees_and_answers_only_their_own(page: Site, browser: Browser) -> None:
    await page.hub.pipeline.submit(command(CALL, user="bob"))
    [asked] = await page.asked("bob")
    await page.come_in(browser, "ann")
    assert CALL not in browser.text
    home = browser.url
    assert await browser.open(f"{home}run/c1") == 400
    assert CALL not in browser.text
    await browser.open(home)
    [form] = re.findall(r'name="visit" value="([^"]+)"', browser.page.text)[:1]
    answer = {"visit": form, "execution": "c1", "token": asked["token"], "answer": "yes"}
    reply = await browser.client.post(f"{home}do/confirm", data=answer)
    assert reply.status_code == 409
    assert not page.hub.adapter.calls


async def test_devices_and_schedules_are_managed(page: Site, browser: Browser) -> None:
    page.hub.registry.propose(FOUND)
    await page.come_in(browser)
    assert "phone, found by adb over Wi-Fi at 192.0.2.7" in browser.text, "which one it is"
    assert await browser.press(f"Approve: {FOUND.name}") == 200
    assert "p3" in {device.id for device in page.hub.registry.approved}
    assert await browser.press("Rename: Tablet", name="Wall tablet") == 200
    assert "Wall tablet" in browser.text
    said = {"room": " hall ", "aliases": "the screen, panel,", "default": "yes"}
    assert await browser.press("Save: Wall tablet", **said) == 200
    [tablet] = [one for one in page.hub.registry.approved if one.name == "Wall tablet"]
    assert (tablet.room, tablet.aliases, tablet.default) == ("hall", ("the screen", "panel"), True)
    assert await browser.press("Remove for good: Wall tablet") == 200
    assert "Wall tablet" not in {device.name for device in page.hub.registry.approved}
    assert await browser.press("Rename: Pixel", name="x" * 61) == 400
    assert "1 to 60 characters" in browser.text


async def test_who_may_not_manage_sees_no_such_button(page: Site, browser: Browser) -> None:
    page.hub.registry.propose(FOUND)
    await page.come_in(browser, "bob")
    assert "Pixel" in browser.text
    assert "Somebody who manages this hub can approve it" in browser.text
    assert "do/device/" not in browser.page.text


async def test_the_last_command_is_taken_back(tmp_path: Path, catalogue: Catalogue) -> None:
    before = Restore(function="set_volume", arguments={"level": 3, "volume_type": "media"})

    async def set_volume(invocation: Invocation) -> Done:
        return Done(evidence=Evidence.VERIFIED, undo=before)

    async with site(tmp_path, catalogue, MODEL, call=set_volume) as page, browsing() as browser:
        await page.come_in(browser)
        assert await browser.press("Send", text=VOLUME) == 200
        [sent] = await page.hub.journal.latest(1, "ann")
        await page.ended(sent.command.id)
        await browser.open(browser.url)
        assert await browser.press(f"Undo: {VOLUME}") == 200
        [undoing] = await page.hub.journal.latest(1, "ann")
        assert (await page.ended(undoing.command.id)).undoes == sent.command.id
        assert page.hub.adapter.calls[-1].arguments["level"] == 3
        await browser.open(browser.url)
        assert f"Undo: {VOLUME}" not in browser.page.text, "it is back already"


async def test_older_commands_are_leafed_through(
    page: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "HISTORY", 2)
    for number in range(5):
        await selfie(page, f"n{number}")
    await page.come_in(browser)
    await browser.open(f"{browser.url}history")
    seen = []
    while True:
        seen += re.findall(r'href="[^"]*/run/(\w+)"', browser.page.text)
        older = re.findall(r'href="([^"]*)"[^>]*>Older<', browser.page.text.replace("&amp;", "&"))
        if not older:
            break
        assert await browser.open(urljoin(browser.url, older[0])) == 200
    assert seen == ["n4", "n3", "n2", "n1", "n0"], "each once, the newest first"
    assert await browser.open(f"{browser.url.partition('?')[0]}?show=trouble") == 200
    assert "There are none of these" in browser.text
    assert await browser.open(f"{browser.url.partition('?')[0]}?show=nothing") == 400


async def test_a_schedule_is_shown_and_cancelled(page: Site, browser: Browser) -> None:
    await page.hub.pipeline.submit(command("selfie every day at 7 am", devices=("Pixel",)))
    assert (await page.ended("c1")).state == "scheduled"
    await page.come_in(browser)
    assert "every day at 7" in browser.text
    assert await browser.press("Cancel: selfie every day at 7 am") == 200
    assert not await page.hub.service.request("schedule/list", "ann", {})


async def test_a_command_is_called_off(page: Site, browser: Browser) -> None:
    await page.hub.pipeline.submit(command(CALL))
    await page.asked()
    await page.come_in(browser)
    assert await browser.press("No") == 200
    assert (await page.ended("c1")).state == "cancelled"


async def test_a_form_sent_twice_is_one_command(page: Site, browser: Browser) -> None:
    await page.come_in(browser)
    home = browser.page
    for _ in range(2):
        browser.page = home
        assert await browser.press("Send", text=CALL) == 200
    await page.asked()
    assert len(await page.hub.journal.latest(10, "ann")) == 1


async def test_what_people_and_devices_say_is_text(page: Site, browser: Browser) -> None:
    page.hub.registry.propose(FOUND)
    await page.hub.pipeline.submit(command(NASTY))
    await page.ended("c1")
    await page.come_in(browser)
    for shown in (browser.page.text, (await browser.client.get(f"{browser.url}run/c1")).text):
        assert "<script>alert" not in shown
        assert "&lt;script&gt;" in shown
    assert "<b>7</b>" not in browser.page.text


async def test_the_page_is_small_and_needs_no_other_host(page: Site, browser: Browser) -> None:
    for number in range(30):
        await page.hub.journal.accept(command(SELFIE, f"n{number}"))
    await page.come_in(browser)
    sizes = len(browser.page.content)
    for file in {*re.findall(r'(?:src|href)="(/static/[^"]+)"', browser.page.text)}:
        reply = await browser.client.get(f"{page.at}{file}")
        assert reply.status_code == 200
        sizes += len(reply.content)
    assert sizes < 150_000
    for file in (*FOLDER.glob("templates/*"), *FOLDER.glob("static/*.*")):
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", file.read_text()), file
        assert not re.search(r"\son\w+=|style=|<script>", file.read_text()), file
    assert len(browser.client.cookies) == 1
    assert 'http-equiv="refresh"' in browser.page.text, "without a script it loads itself anew"


async def test_nobody_comes_in_without_a_cookie_of_the_very_visit(
    page: Site, browser: Browser
) -> None:
    await page.hub.pipeline.submit(command(CALL))
    await page.asked()
    await page.come_in(browser)
    home = browser.url
    async with browsing() as stranger:
        await page.come_in(stranger, "bob")
        assert await stranger.open(home) == 403
        [(_, cookie)] = stranger.client.cookies.items()
        [(name, _)] = browser.client.cookies.items()
        forged = httpx.Request("GET", home, headers={"cookie": f"{name}={cookie}"})
        for attempt in ("", "run/c1", "news"):
            assert await stranger.open(home + attempt) == 403
            assert CALL not in stranger.page.text
        assert (await stranger.client.send(forged)).status_code == 403
        reply = await stranger.client.post(
            f"{home}do/command", data={"identity": "x", "text": SELFIE}
        )
        assert reply.status_code == 403
    assert await page.hub.journal.get("x") is None


async def test_the_cookie_goes_to_no_other_port_of_this_machine(
    page: Site, browser: Browser
) -> None:
    await page.come_in(browser)
    for elsewhere in (f"{page.phone}/", f"{page.phone}/static/page.css", f"{page.at}/"):
        sent = browser.client.build_request("GET", elsewhere)
        assert "cookie" not in sent.headers
    assert "cookie" in browser.client.build_request("GET", browser.url).headers


async def test_nobody_locks_a_person_out_with_a_cookie_of_their_own(
    page: Site, browser: Browser
) -> None:
    await page.come_in(browser)
    [kept] = browser.client.cookies.jar
    path = browser.url.rstrip("/").rpartition("/")[2]
    guessable = kept.name.replace(path, "")
    for tossed in (f"{guessable}=x", f"{guessable.rstrip('-')}=x", "octopus=x", '="; =;;', "\xff"):
        headers = {"cookie": f"{kept.name}={kept.value}; {tossed}".encode("latin-1")}
        async with browsing() as other:
            reply = await other.client.get(browser.url, headers=headers)
            assert reply.status_code == 200, tossed


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example:80"},
        {"host": ""},
        {"host": "octopus.local"},
    ],
)
async def test_another_name_for_this_machine_is_refused(
    page: Site, browser: Browser, headers: dict[str, str]
) -> None:
    await page.come_in(browser)
    for url in (browser.url, f"{page.at}/", f"{page.at}/static/page.css"):
        reply = await browser.client.get(url, headers=headers)
        assert reply.status_code in (400, 403)
        assert "Octopus" not in reply.text
    assert (await browser.client.get(f"{page.at}/", headers={"host": "localhost"})).is_success


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_another_page_cannot_send_a_form(
    page: Site, browser: Browser, headers: dict[str, str]
) -> None:
    await page.come_in(browser)
    [form] = re.findall(r'name="visit" value="([^"]+)"', browser.page.text)[:1]
    data = {"visit": form, "identity": "x", "text": SELFIE}
    reply = await browser.client.post(f"{browser.url}do/command", data=data, headers=headers)
    assert reply.status_code == 403
    for wrong in ({**data, "visit": "x"}, {"identity": "x", "text": SELFIE}):
        assert (await browser.client.post(f"{browser.url}do/command", data=wrong)).status_code
    assert await page.hub.journal.get("x") is None
    assert (await browser.client.post(f"{browser.url}do/command", data=data)).status_code == 200


async def test_every_answer_may_be_kept_framed_and_read_by_nobody(
    page: Site, browser: Browser
) -> None:
    await page.come_in(browser)
    paths = ("", "run/x", "in/x", "do/x", "nothing")
    urls = [f"{page.at}/", f"{page.at}/nothing", *(browser.url + path for path in paths)]
    for url in urls:
        reply = await browser.client.get(url, follow_redirects=False)
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in reply.headers
    reply = await browser.client.options(f"{page.at}/", headers={"origin": "http://evil.example"})
    assert reply.status_code == 403


async def test_a_link_opens_once_even_if_it_is_looked_at_before(
    page: Site, browser: Browser
) -> None:
    await selfie(page)
    link = f"{page.link()}?run=c1"
    assert (await browser.client.head(link)).status_code == 405
    ahead = await browser.client.get(link, headers={"sec-purpose": "prefetch"})
    assert ahead.status_code == 405
    assert await browser.open(link) == 200
    assert browser.url.endswith("/run/c1")
    assert await browser.open(link) == 200, "who followed it may do so again"
    async with browsing() as stranger:
        assert await stranger.open(link) == 403
        assert "followed before" in stranger.text
        assert SELFIE not in stranger.text


async def test_on_a_phones_way_nobody_can_guess_or_use_a_token(
    page: Site, browser: Browser
) -> None:
    token = page.tokens.issue("ann")
    assert await browser.open(f"{page.phone}/") == 403
    assert "<form" not in browser.page.text
    reply = await browser.client.post(f"{page.phone}/in", data={"token": token})
    assert reply.status_code == 403
    link = page.link(way=PHONE)
    assert await browser.open(link.replace(page.phone, page.at)) == 403
    assert await browser.open(link) == 200
    assert await browser.open(browser.url.replace(page.phone, page.at)) == 403


async def test_who_leaves_or_loses_the_token_is_out(page: Site, browser: Browser) -> None:
    await page.come_in(browser)
    home = browser.url
    await browser.press("Leave")
    assert await browser.open(home) == 403
    await page.come_in(browser)
    home = browser.url
    page.tokens.revoke(page.tokens.all()[-1].id)
    assert await browser.open(home) == 403
    assert "octopus token" not in browser.text
    assert await browser.open(urljoin(home, _back(browser))) == 200
    assert "Your token" in browser.text
    for wrong in ("", "x", page.tokens.all()[0].digest):
        await browser.open(f"{page.at}/")
        assert await browser.press("Come in", token=wrong) == 403
        assert "no token of this hub" in browser.text
        assert _back(browser) == "/"
    assert await browser.open(f"{page.phone}/") == 403
    assert "href" not in _main(browser), "a phone's way takes no token"


def _back(browser: Browser) -> str:
    """Where the link of a message leads."""
    [where] = re.findall(r'href="([^"]+)"', _main(browser))
    return str(where)


def _main(browser: Browser) -> str:
    """The main part of what it shows."""
    [main] = re.findall(r"<main.*?</main>", browser.page.text, re.S)
    return str(main)


async def test_bad_requests_are_told_and_change_nothing(page: Site, browser: Browser) -> None:
    await page.come_in(browser)
    [form] = re.findall(r'name="visit" value="([^"]+)"', browser.page.text)[:1]
    home = browser.url

    async def post(what: str, **data: str) -> int:
        reply = await browser.client.post(f"{home}do/{what}", data={"visit": form, **data})
        assert "Traceback" not in reply.text
        return reply.status_code

    assert await post("command", identity="x", text="") == 400
    assert await post("command", identity="x", text="a\0b") == 400
    assert await post("command", identity="../x", text=SELFIE) == 400
    assert await post("command", identity="x", text="a" * (MAX_FORM + 1)) == 400
    assert (
        await post("command", identity="x", text=SELFIE, **{f"k{n}": "" for n in range(30)}) == 400
    )
    assert await post("confirm", execution="c1", token="x", answer="maybe") == 400
    assert await post("confirm", execution="c1", token="x", answer="yes") == 409
    assert await post("answer", execution="nothing", text="yes") == 409
    assert await post("device/approve", device="nothing") == 400
    assert await post("device/pair", by="tcp") == 404
    assert await post("device/do", do="take_screenshot") == 404
    assert await post("nothing") == 404
    raw = await browser.client.post(f"{home}do/command", content=b"\xff\xfe=\xff")
    assert raw.status_code == 400
    assert (await browser.client.get(f"{home}do/command")).status_code == 405
    assert (await browser.client.get(f"{page.at}/static/../page/base.html")).status_code == 404
    assert not await page.hub.journal.latest(10, "ann")
    assert len(page.hub.registry.approved) == 3


async def test_a_bug_is_told_as_one_and_not_shown(
    page: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await page.come_in(browser)

    async def broken(*_: Any) -> Any:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(page.hub.service, "request", broken)
    assert await browser.open(browser.url) == 500
    assert "its log says why" in browser.text
    assert "secret" not in browser.page.text


async def test_an_open_page_is_told_of_its_own_users_news(page: Site, browser: Browser) -> None:
    await page.come_in(browser)
    async with asyncio.timeout(10), browser.client.stream("GET", f"{browser.url}news") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 3000"
        await selfie(page)
        told = [await anext(lines) for _ in range(3)]
        assert told == ["", "event: news", "data: new"], "that there is something, never what"


async def test_a_page_is_told_of_nobody_elses_news_and_of_nothing_once_its_visit_is_over(
    page: Site, browser: Browser
) -> None:
    await page.come_in(browser)
    await page.hub.registry.connect("p1")
    async with asyncio.timeout(10), browser.client.stream("GET", f"{browser.url}news") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 3000"
        await selfie(page, "b1", "bob")
        page.visits.end(browser.url.rstrip("/").rpartition("/")[2])
        page.hub.registry.propose(FOUND)  # everybody is told of devices
        assert {line async for line in lines} == {""}


async def test_only_so_many_pages_are_kept_up_to_date(
    page: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "MOST", 1)
    await page.come_in(browser)
    async with browser.client.stream("GET", f"{browser.url}news") as stream:
        assert await anext(stream.aiter_lines()) == "retry: 3000"
        async with asyncio.timeout(10):
            while (await browser.client.get(f"{browser.url}news", timeout=5)).status_code != 429:
                pass


async def test_one_user_neither_sends_others_away_nor_keeps_them_out(
    page: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "MOST", 3)
    monkeypatch.setattr(news, "EACH", 1)
    await page.come_in(browser)
    async with browsing() as bob:
        for _ in range(5):
            await page.come_in(bob, "bob")
        assert await browser.open(browser.url) == 200
        async with bob.client.stream("GET", f"{bob.url}news") as one:
            assert await anext(one.aiter_lines()) == "retry: 3000"
            assert (await bob.client.get(f"{bob.url}news", timeout=5)).status_code == 429
            async with browser.client.stream("GET", f"{browser.url}news") as other:
                assert await anext(other.aiter_lines()) == "retry: 3000"


async def test_pages_that_come_at_the_same_moment_are_not_too_many_either(
    page: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "MOST", 2)
    await page.come_in(browser)
    asking = f"GET {at(browser.url)}news HTTP/1.1\r\n{said_by(browser)}\r\n"

    async def told(reader: asyncio.StreamReader) -> bool:
        """Whether this page is kept up to date."""
        while line := await reader.readline():
            if line in (b"data: new\n", b"0\r\n"):
                return line == b"data: new\n"
        return False

    async with asyncio.timeout(10), contextlib.AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(page.connection()) for _ in range(20)]
        for _, writer in streams:
            writer.write(asking.encode())
        pages = asyncio.gather(*(told(reader) for reader, _ in streams))
        while not pages.done():
            page.hub.registry.propose(FOUND)
            page.hub.registry.withdraw(FOUND.id)
            await asyncio.wait([pages], timeout=0.01)
        assert pages.result().count(True) == 2


async def test_a_form_that_breaks_off_or_stalls_is_no_bug(
    page: Site,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(forms, "WITHIN", 0.05)
    await page.come_in(browser)
    head = f"POST {at(browser.url)}do/command HTTP/1.1\r\n{said_by(browser)}"
    for stalls in (True, False):
        async with asyncio.timeout(10), page.connection() as (reader, writer):
            writer.write(f"{head}Content-Length: 100\r\n\r\nform=".encode())
            if not stalls:
                writer.write_eof()
            said = await reader.readline()
            assert said.startswith(b"HTTP/1.1 400") if stalls else said == b""
    assert await browser.open(browser.url) == 200
    assert "Traceback" not in caplog.text
    assert not [one for one in caplog.records if one.exc_info]


async def test_a_hub_with_open_pages_stops(tmp_path: Path, catalogue: Catalogue) -> None:
    async with browsing() as browser, asyncio.timeout(20):
        async with site(tmp_path, catalogue, MODEL) as page:
            await page.come_in(browser)
            stream = await browser.client.send(
                browser.client.build_request("GET", f"{browser.url}news"), stream=True
            )
            assert stream.status_code == 200
        lines = [line async for line in stream.aiter_lines()]
        assert lines[0] == "retry: 3000"


async def test_a_taken_port_is_named(page: Site) -> None:
    port = int(page.at.rpartition(":")[2])
    door = HttpDoor(page.hub.service, page.hub.bus, page.tokens, Visits(lambda _: True))
    with pytest.raises(InvalidSettings, match=rf"port {port} .*http\.port in hub\.toml"):
        async with door.serving({HERE: port}):
            pass


async def test_a_visit_lasts_as_its_cookie_says(page: Site, browser: Browser) -> None:
    await page.come_in(browser)
    [kept] = browser.client.cookies.jar
    assert kept.expires is not None
    assert timedelta(hours=11) < datetime.fromtimestamp(kept.expires) - datetime.now()
    assert kept.path == f"/at/{browser.url.rstrip('/').rpartition('/')[2]}/"
    assert kept.has_nonstandard_attr("HttpOnly")
    assert not kept.domain_specified, "it is for this very host"
