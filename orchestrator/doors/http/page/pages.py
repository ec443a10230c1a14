"""What the web page shows, from what the service says; rendered here, so it needs no script."""

import functools
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from orchestrator import texts
from orchestrator.doors.http.page import examples, views, words
from orchestrator.doors.http.page.health import health
from orchestrator.doors.http.page.views import FILTERS, Record
from orchestrator.doors.http.page.visits import Visit
from orchestrator.service import Service
from orchestrator.understanding import MAX_SENTENCE
from schemas.errors import BadCommand, HubError

FOLDER = Path(__file__).parent
LATEST, HISTORY = 8, 25
"""Commands on the home page, and on one page of the history."""


class Pages:
    """Renders the pages of one visit."""

    def __init__(self, service: Service) -> None:
        self._service = service
        templates()  # read before anybody waits for a page

    async def home(self, visit: Visit, say: str = "") -> str:
        """Everything at once; `say` stands in the command box."""
        now = time.time()
        devices = await self._ask(visit, "device/list")
        names = _names(devices)
        records = await self._ask(visit, "execution/list", limit=LATEST)
        under_way = await self._ask(visit, "execution/list", states=[*views.OPEN], limit=HISTORY)
        questions = await self._questions(visit)
        asked = {record["id"] for record in questions}
        last = next((one for one in records if one["id"] not in asked), None)
        shown = {*asked, last and last["id"]}
        functions = await self._ask(visit, "function/list")
        served = {name for one in devices if one["approved"] for name in one["functions"]}
        describe = {one["name"]: one["description"] for one in functions}
        return self._page(
            "home.html", visit, back="", identity=uuid.uuid4().hex, longest=MAX_SENTENCE,
            say=say[:MAX_SENTENCE], examples=examples.fitting(served),
            functions=views.grouped(functions, served), questions=questions,
            last=last and views.command(last, names, now), undoable=views.undoable(records),
            running=[
                views.command(one, names, now) for one in under_way if one["id"] not in shown
            ],
            ended=[
                views.command(one, names, now) for one in records
                if one["ended"] and one["id"] not in shown
            ],
            devices=[views.device(one, describe) for one in devices if one["approved"]],
            found=[one for one in devices if not one["approved"]],
            schedules=await self._ask(visit, "schedule/list"),
            may_manage=self._service.may_manage(visit.user),
            health=health(await self._ask(visit, "health")),
        )  # fmt: skip

    async def history(self, visit: Visit, which: str, before: str) -> str:
        """Older commands, a page at a time; `which`: a name in FILTERS."""
        if which not in FILTERS:
            raise BadCommand(f"show: one of {', '.join(filter(None, FILTERS))}, or nothing")
        names = _names(await self._ask(visit, "device/list"))
        fields = {"before": before} if before else {}
        found = await self._ask(
            visit, "execution/list", limit=HISTORY + 1, states=[*FILTERS[which][1]], **fields
        )
        now = time.time()
        return self._page(
            "history.html", visit, which=which, filters=FILTERS, before=before,
            records=[views.command(one, names, now) for one in found[:HISTORY]],
            older=found[HISTORY - 1]["id"] if len(found) > HISTORY else "",
        )  # fmt: skip

    async def run(self, visit: Visit, identity: str) -> str:
        """One command: its question if there is one, its steps, what became of it."""
        record = await self._ask(visit, "execution/get", execution=identity)
        names = _names(await self._ask(visit, "device/list"))
        newest = await self._ask(visit, "execution/list", limit=LATEST)
        return self._page(
            "run.html", visit, back=f"run/{identity}", undo_id=uuid.uuid4().hex,
            record=views.command(record, names, time.time()), undoable=views.undoable(newest),
        )  # fmt: skip

    def login(self) -> str:
        """Asks for a token."""
        return self._render("login.html")

    def message(self, said: str, visit: Visit | None = None, *, door: bool = False) -> str:
        """One line, and the way back; `door` is where tokens are taken."""
        return self._page("message.html", visit, said=said, door=door)

    async def _questions(self, visit: Visit) -> list[Record]:
        asked = await self._ask(visit, "question/list")
        found = [await self._ask(visit, "execution/get", execution=one["id"]) for one in asked]
        return [record for record in found if "awaiting" in record]  # it may be answered by now

    async def _ask(self, visit: Visit, operation: str, **fields: Any) -> Any:
        return await self._service.request(operation, visit.user, fields)

    def _page(self, name: str, visit: Visit | None, **values: Any) -> str:
        return self._render(name, visit=visit, at=visit and f"/at/{visit.path}/", **values)

    def _render(self, name: str, **values: Any) -> str:
        defaults = {"at": "", "visit": None, "questions": ()}
        return templates().get_template(name).render(**defaults | values)


@functools.cache
def templates() -> jinja2.Environment:
    """The templates; reading all of them takes a tenth of a second, once."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined, auto_reload=False,
    )  # fmt: skip
    made.filters |= {
        "spoken": texts.spoken, "moment": words.moment, "stamp": words.stamp, "look": words.look,
        "said": words.said, "decided": words.decided, "sure": words.sure, "kind": words.kind,
    }  # fmt: skip
    for name in made.list_templates(extensions=["html"]):
        made.get_template(name)
    return made


def _names(devices: list[Record]) -> Mapping[str, str]:
    """The devices' names by id."""
    return {device["id"]: device["name"] for device in devices}


STATUS = {"bad_command": 400, "not_awaited": 409, "busy": 429, "not_allowed": 403, "no_visit": 403}


def status(error: HubError) -> int:
    """The HTTP status of an error on purpose."""
    return STATUS.get(error.code, 400)
