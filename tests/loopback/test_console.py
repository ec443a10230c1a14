"""A phone as console: what it is shown, what a tap opens, and what becomes of it elsewhere."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator import texts, web
from orchestrator.catalogue import Catalogue
from orchestrator.doors.http.access import Tokens
from orchestrator.doors.http.page.visits import MOST
from orchestrator.people import LOCAL, People, Speaker
from orchestrator.phones import console
from orchestrator.settings import ConsoleSettings, Http, Settings
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import BadCommand, DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence
from tests.hubkit import Rig, ScriptedAdapter, command, rig, sql
from tests.webkit import Browser, browsing

CALL = "call 5551234567"
VOLUME = "set the volume"
MODEL = {
    CALL: "<nexa_8>('5551234567')<nexa_end>",
    VOLUME: "<nexa_13>(None, 'media')<nexa_end>",
}
MATE = Device(id="m1", kind=Kind.PHONE, name="Mate", protocol="test", functions=("open_url",))
FOLD = Device(id="f1", kind=Kind.PHONE, name="Fold", protocol="test", functions=("open_url",))
PORT = 8377


class Mate(ScriptedAdapter):
    """A phone that shows notifications and can be given a way back; `there` is its cable, and
    `willing` whether it shows any now."""

    def __init__(self) -> None:
        super().__init__(frozenset(MATE.functions), self.show)
        self.there = True
        self.willing = asyncio.Event()
        self.willing.set()
        self.forwarded: dict[int, int] = {}
        self.shown: dict[str, dict[str, str]] = {}
        self.news = asyncio.Event()

    async def forward_back(self, remote: int, local: int) -> bool:
        self._check()
        new = self.forwarded.get(remote) != local
        self.forwarded[remote] = local
        return new

    async def show(self, invocation: Invocation) -> Done:
        await self.willing.wait()
        self._check()
        assert invocation.function == "ask_person"
        said = {name: str(value) for name, value in invocation.arguments.items()}
        self.shown[said["tag"]] = said
        self.news.set()
        return Done(evidence=Evidence.VERIFIED)

    def unplug(self) -> None:
        """What led back goes with the cable."""
        self.there = False
        self.forwarded.clear()

    def url(self, tag: str) -> str:
        """Where a tap leads, as the phone's own browser gets there."""
        return self.shown[tag]["url"].replace(f":{PORT}/", f":{self.forwarded[PORT]}/")

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for what is shown to be so."""
        async with asyncio.timeout(10):
            while not holds():
                self.news.clear()
                await self.news.wait()

    def says(self, tag: str, text: str) -> Callable[[], bool]:
        """Whether the notification of this tag says so."""
        return lambda: self.shown.get(tag, {}).get("text") == text

    def _check(self) -> None:
        if not self.there:
            raise DeviceUnavailable("the phone was unplugged")


@dataclass
class Served:
    hub: Rig
    mate: Mate

    async def ask(self, text: str = CALL, identity: str = "c1", user: str = "ann") -> None:
        await self.hub.pipeline.submit(command(text, identity, user))


@asynccontextmanager
async def served(
    folder: Path,
    catalogue: Catalogue,
    *consoles: ConsoleSettings,
    fold: Mate | None = None,
    **more: Any,
) -> AsyncIterator[Served]:
    """A hub with these consoles, and what else stands in its settings; `fold` is a second phone."""
    mate = Mate()
    phones = [(MATE, mate), *([(FOLD, fold)] if fold else [])]
    async with rig(folder, catalogue, MODEL, more=phones) as hub:
        serving = web.serving(
            Settings(console=consoles, **more), folder, service=hub.service,
            registry=hub.registry, bus=hub.bus, journal=hub.journal, users={"ann", LOCAL},
        )  # fmt: skip
        async with serving:
            for device in hub.registry.approved:
                await hub.registry.connect(device.id)
            yield Served(hub, mate)
        for phone in (mate, fold):
            if phone is not None:
                phone.there = False  # a hub lets go of its devices next


@pytest.fixture
async def at(tmp_path: Path, catalogue: Catalogue) -> AsyncIterator[Served]:
    one = ConsoleSettings(device="mate", user="ann", port=PORT)
    async with served(tmp_path, catalogue, one) as made:
        yield made


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as one:
        yield one


async def test_a_tap_opens_the_question_and_a_button_answers_it(
    at: Served, browser: Browser
) -> None:
    await at.ask()
    await at.mate.until(at.mate.says("c1", texts.CONSOLE_CONFIRM))
    assert await browser.open(at.mate.url("c1")) == 200
    assert "make phone call" in browser.text
    assert "Yes, do it" in browser.page.text
    assert await browser.press("Yes, do it") == 200
    await at.mate.until(at.mate.says("c1", texts.CONSOLE_ANSWERED))
    assert [call.function for call in at.hub.adapter.calls] == ["make_phone_call"]
    assert await browser.open(at.mate.url("c1")) == 200, "it shows what became of it"


async def test_a_question_is_another_text_and_the_next_one_takes_its_place(at: Served) -> None:
    await at.ask(VOLUME)
    await at.mate.until(at.mate.says("c1", texts.CONSOLE_ASK))
    await at.hub.pipeline.answer("c1", "4", "ann")
    await at.mate.until(at.mate.says("c1", texts.CONSOLE_ANSWERED))
    assert list(at.mate.shown) == ["c1"]


async def test_what_was_answered_elsewhere_or_by_nobody_is_told(
    at: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.course.CONFIRM_WITHIN", 0.2)
    await at.ask()
    await at.mate.until(at.mate.says("c1", texts.CONSOLE_EXPIRED))


async def test_the_lock_screen_says_nothing_of_the_command_unless_it_may(
    at: Served, tmp_path: Path, catalogue: Catalogue
) -> None:
    await at.ask()
    await at.mate.until(lambda: "c1" in at.mate.shown)
    assert "5551234567" not in str({**at.mate.shown["c1"], "url": ""})
    assert "call" not in at.mate.shown["c1"]["text"]
    open_one = ConsoleSettings(device="Mate", user="ann", private=False)
    (tmp_path / "2").mkdir()
    async with served(tmp_path / "2", catalogue, open_one) as other:
        await other.ask()
        await other.mate.until(lambda: "c1" in other.mate.shown)
        assert "5551234567" in other.mate.shown["c1"]["text"]


async def test_it_shows_one_users_questions_only(at: Served, browser: Browser) -> None:
    await at.ask(user="bob", identity="b1")
    await at.ask()
    await at.mate.until(lambda: "c1" in at.mate.shown)
    assert list(at.mate.shown) == ["c1"]
    await browser.open(at.mate.url("c1").partition("?")[0])
    assert browser.text.count("Yes, do it") == 1


async def test_a_phone_that_was_away_is_asked_again_and_old_cookies_are_void(
    at: Served, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "EVERY", 0.05)
    await at.ask()
    await at.mate.until(lambda: "c1" in at.mate.shown)
    old = at.mate.url("c1")
    assert await browser.open(old) == 200
    here = browser.url
    at.mate.unplug()
    at.mate.shown.clear()
    at.mate.there = True
    at.hub.registry.rename(
        "p1", "Pixel 9"
    )  # whatever happens to the devices, consoles are looked at
    await at.mate.until(lambda: "c1" in at.mate.shown)
    assert await browser.open(here) == 403, "another app may have had the port meanwhile"
    assert await browser.open(old) == 403
    assert await browser.open(at.mate.url("c1")) == 200


async def test_a_phone_that_comes_late_is_asked_when_it_comes(
    at: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "EVERY", 0.05)
    at.mate.there = False
    await at.ask()
    await at.ask(identity="c2")
    assert not at.mate.shown
    at.mate.there = True
    await at.mate.until(lambda: set(at.mate.shown) == {"c1", "c2"})


async def test_a_hub_that_stops_asks_no_more(tmp_path: Path, catalogue: Catalogue) -> None:
    one = ConsoleSettings(device="m1", user="ann")
    async with served(tmp_path, catalogue, one) as at:
        await at.ask()
        await at.mate.until(lambda: "c1" in at.mate.shown)
    assert at.mate.shown["c1"]["text"] == texts.CONSOLE_STOPPED


TWO = (ConsoleSettings(device="Mate", user="ann"), ConsoleSettings(device="Fold", user="ann"))


async def test_a_hub_that_stops_tells_the_phones_that_are_there(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    fold = Mate()
    async with served(tmp_path, catalogue, *TWO, fold=fold) as at:
        await at.ask()
        await at.mate.until(lambda: "c1" in at.mate.shown)
        await fold.until(lambda: "c1" in fold.shown)
        at.mate.there = False
        fold.willing.clear()
        asyncio.get_running_loop().call_later(0.5, fold.willing.set)
    assert at.mate.shown["c1"]["text"] == texts.CONSOLE_CONFIRM
    assert fold.shown["c1"]["text"] == texts.CONSOLE_STOPPED


async def test_a_phone_that_hangs_keeps_no_other_one_waiting(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    fold = Mate()
    async with served(tmp_path, catalogue, *TWO, fold=fold) as at:
        fold.willing.clear()
        for identity in ("c1", "c2", "c3"):
            await at.ask(identity=identity)
            await at.mate.until(lambda: identity in at.mate.shown)  # noqa: B023 (used at once)
        assert not fold.shown
        fold.willing.set()


async def test_a_phone_that_refuses_costs_no_other_question_its_link(
    at: Served, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at.ask()
    await at.mate.until(lambda: "c1" in at.mate.shown)
    refused = [0]

    async def refuse(_: Invocation) -> Done:
        refused[0] += 1
        raise DeviceRefused("the phone said: no")

    monkeypatch.setattr(at.mate, "_call", refuse)
    for _ in range(MOST + 1):
        with pytest.raises(DeviceRefused):
            await at.hub.service.request("console/open", "ann", {})
    assert refused[0] > MOST
    assert await browser.open(at.mate.url("c1")) == 200


async def test_another_phone_that_takes_the_name_is_not_the_console(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    fold = Mate()
    async with served(tmp_path, catalogue, TWO[0], fold=fold) as at:
        at.hub.registry.rename("m1", "Old")  # which is still called Mate as well
        at.hub.registry.rename("f1", "Mate")
        with pytest.raises(DeviceUnavailable, match="or more than one, is called Mate"):
            await at.hub.service.request("console/open", "ann", {})
        assert (at.mate.shown, fold.shown) == ({}, {})
    (tmp_path / "2").mkdir()
    by_id = ConsoleSettings(device="m1", user="ann")
    async with served(tmp_path / "2", catalogue, by_id, fold=fold) as at:
        at.hub.registry.rename("f1", "m1")
        shown = await at.hub.service.request("console/open", "ann", {})
        assert (shown, fold.shown) == ({"device": "Mate"}, {})


async def test_a_phone_that_is_a_console_no_more_is_out(
    tmp_path: Path, catalogue: Catalogue, browser: Browser
) -> None:
    async with served(tmp_path, catalogue, TWO[0], fold=Mate()) as at:
        await at.hub.service.request("console/open", "ann", {})
        assert await browser.open(at.mate.url("page")) == 200
        here = browser.url
        at.hub.registry._approved.pop("m1")
        at.hub.registry.rename("f1", "Fold 8")  # whatever happens to the devices, all are looked at
        async with asyncio.timeout(10):
            while await browser.open(here) != 403:
                pass


async def test_the_token_of_somebody_who_was_removed_lets_nobody_in(
    tmp_path: Path, catalogue: Catalogue, browser: Browser
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    tokens = {name: Tokens(tmp_path).issue(name) for name in ("ann", "bob", LOCAL)}
    known = People(users={"ann": Speaker()})
    async with served(tmp_path, catalogue, http=Http(port=port), people=known):
        for name, status in (("ann", 200), ("bob", 403), (LOCAL, 200)):
            await browser.open(f"http://127.0.0.1:{port}/")
            assert await browser.press("Come in", token=tokens[name]) == status


async def test_a_person_opens_the_page_without_a_question(at: Served, browser: Browser) -> None:
    for device in ("", "mate", "m1"):
        shown = await at.hub.service.request("console/open", "ann", {"device": device})
        assert shown == {"device": "Mate"}
        assert await browser.open(at.mate.url("page")) == 200
        assert "What should be done?" in browser.text
    assert [row for row in await sql(at.hub.journal, "select * from events") if "m1" in row]


async def test_nobody_opens_somebody_elses_console(at: Served) -> None:
    for user, device in (("bob", "mate"), ("local", ""), ("ann", "Pixel")):
        with pytest.raises(BadCommand, match="which of your consoles"):
            await at.hub.service.request("console/open", user, {"device": device})
    assert not at.mate.shown


async def test_a_hub_without_a_console_says_so(tmp_path: Path, catalogue: Catalogue) -> None:
    async with rig(tmp_path, catalogue, MODEL) as hub:
        with pytest.raises(BadCommand, match=r"\[\[console\]\] in hub\.toml"):
            await hub.service.request("console/open", "ann", {})


async def test_a_phone_that_can_lead_nowhere_or_is_not_there_is_told_once(
    tmp_path: Path,
    catalogue: Catalogue,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO, "orchestrator.phones.console")
    monkeypatch.setattr(console, "EVERY", 0.01)
    names = [ConsoleSettings(device=name, user="ann") for name in ("Pixel", "Nobody")]
    async with served(tmp_path, catalogue, *names) as at:
        await at.ask()
        async with asyncio.timeout(10):
            with at.hub.bus.subscribe() as events:
                while not await at.hub.service.request("question/list", "ann", {}):
                    await anext(events)
            while len(caplog.messages) < 2:  # noqa: ASYNC110 (a log tells nobody)
                await asyncio.sleep(0.01)
        with pytest.raises(BadCommand, match="Pixel, Nobody"):
            await at.hub.service.request("console/open", "ann", {})
        with pytest.raises(DeviceUnavailable, match="or more than one, is called Nobody"):
            await at.hub.service.request("console/open", "ann", {"device": "Nobody"})
    assert sorted(caplog.messages) == [
        "console Nobody: no phone that is approved, or more than one, is called Nobody",
        "console Pixel: Pixel cannot be given a way to the hub's page",
    ]


async def test_nothing_private_is_logged(
    at: Served, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await at.ask()
    await at.mate.until(lambda: "c1" in at.mate.shown)
    url = at.mate.url("c1")
    await browser.open(url)
    await browser.press("Yes, do it")
    await at.mate.until(at.mate.says("c1", texts.CONSOLE_ANSWERED))
    mine = " ".join(r.getMessage() for r in caplog.records if not r.name.startswith("httpx"))
    for private in ("5551234567", url.rpartition("/")[2].partition("?")[0]):
        assert private not in mine
