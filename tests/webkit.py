"""The web page on a free port in front of a scripted hub, and a browser without JavaScript."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from orchestrator import ledger
from orchestrator.catalogue import Catalogue
from orchestrator.doors.http.page import pages
from schemas.execution import Execution
from tests.apikit import PHONE, Served, served

pages.templates()  # outside of any test's loop, which it would hold on a busy machine


@dataclass
class Form:
    """A form of a page: where it goes, what it holds, and its buttons by what they say."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, dict[str, str]] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._said: list[str] | None = None
        self._button: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert has["method"] == "post", "what changes something is no GET"
            self.forms.append(Form(has["action"]))
        elif tag == "input":
            self.forms[-1].fields[has["name"]] = has.get("value", "")
        elif tag == "button":
            self._said, self._button = [], has

    def handle_data(self, data: str) -> None:
        if self._said is not None:
            self._said.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._said is not None:
            says = self._button.get("aria-label") or "".join(self._said).strip()
            name = self._button.get("name")
            self.forms[-1].buttons[says] = {name: self._button["value"]} if name else {}
            self._said = None


class Browser:
    """Somebody's browser: cookies, the page that it shows, and its buttons."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.page = httpx.Response(200, text="")

    @property
    def text(self) -> str:
        """What the page says, without tags."""
        plain = re.sub(r"<[^>]+>", " ", self.page.text)
        return " ".join(plain.replace("&#39;", "'").replace("&lt;", "<").split())

    @property
    def url(self) -> str:
        """Where it is."""
        return str(self.page.url)

    async def open(self, url: str) -> int:
        """Go to an address; the status."""
        self.page = await self.client.get(url)
        return self.page.status_code

    async def press(self, button: str, **typed: str) -> int:
        """Press the button that says so, with what was typed into its form; the status."""
        forms = _Forms()
        forms.feed(self.page.text)
        fitting = [form for form in forms.forms if button in form.buttons]
        assert fitting, f"no button says {button!r}: {[list(f.buttons) for f in forms.forms]}"
        assert set(typed) <= set(fitting[0].fields)
        data = fitting[0].fields | fitting[0].buttons[button] | typed
        where = urljoin(self.url, fitting[0].action)
        origin = re.match(r"http://[^/]+", self.url)
        assert origin
        self.page = await self.client.post(where, data=data, headers={"origin": origin[0]})
        return self.page.status_code


@dataclass
class Site(Served):
    """A hub with its page, and who is on it."""

    def link(self, user: str = "ann", way: str = PHONE) -> str:
        """Where a notification leads."""
        path, secret = self.visits.link(user, way)
        return f"{self.phone if way == PHONE else self.at}/at/{path}/in/{secret}"

    async def come_in(self, browser: Browser, user: str = "ann") -> None:
        """Come in with a token, as at this machine."""
        await browser.open(f"{self.at}/")
        assert await browser.press("Come in", token=self.tokens.issue(user)) == 200

    async def ended(self, identity: str) -> Execution:
        """A command's record once it has ended."""
        async with asyncio.timeout(10):
            with self.hub.bus.subscribe() as events:
                while True:
                    record = await self.hub.journal.get(identity)
                    if record is not None and record.state in ledger.ENDED_RUN:
                        return record
                    await anext(events)

    async def asked(self, user: str = "ann", count: int = 1) -> list[dict[str, Any]]:
        """What waits for somebody, once there is so much of it."""
        async with asyncio.timeout(10):
            with self.hub.bus.subscribe() as events:
                while True:
                    found = await self.hub.service.request("question/list", user, {})
                    if len(found) >= count:
                        return list(found)
                    await anext(events)


@asynccontextmanager
async def site(
    folder: Path, catalogue: Catalogue, model: dict[str, str], **options: Any
) -> AsyncIterator[Site]:
    """A hub whose page is served, for this machine and for a phone."""
    async with served(folder, catalogue, model, **options) as one:
        yield Site(one.hub, one.tokens, one.visits, one.at, one.phone)


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """A browser."""
    async with httpx.AsyncClient(follow_redirects=True, timeout=10, trust_env=False) as client:
        yield Browser(client)
