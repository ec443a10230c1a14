"""What the web page shows, from what the service says; rendered here, so it needs no script."""

import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2

from orchestrator import ledger, texts
from orchestrator.doors.http.page.visits import Visit
from orchestrator.service import Service
from orchestrator.understanding import MAX_SENTENCE
from schemas.errors import HubError
from schemas.execution import RunState

FOLDER = Path(__file__).parent
LATEST = 15
"""Commands that the page lists."""
_OPEN = frozenset(RunState) - ledger.ENDED_RUN
_GOOD = {"succeeded", "scheduled", "connected"}
_WAITING = {
    *("awaiting_answer", "awaiting_confirmation", "found", "needs-person", "unauthorized"),
    *("needs-pairing", "locked", "permission-missing"),
}
_BUSY = {"accepted", "planned", "running", "pending", "dispatched", "connecting"}

Record = dict[str, Any]


class Pages:
    """Renders the pages of one visit."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(FOLDER / "templates"), autoescape=True, trim_blocks=True,
            lstrip_blocks=True, undefined=jinja2.StrictUndefined,
        )  # fmt: skip
        self._templates.filters |= {"moment": moment, "spoken": texts.spoken, "look": look}

    async def home(self, visit: Visit) -> str:
        """Everything at once."""
        records = await self._ask(visit, "execution/list", limit=LATEST)
        devices = await self._ask(visit, "device/list")
        questions = await self._questions(visit)
        asked = {record["id"] for record in questions}
        return self._page(
            "home.html", visit, identity=uuid.uuid4().hex, longest=MAX_SENTENCE,
            questions=questions, devices=devices,
            schedules=await self._ask(visit, "schedule/list"),
            running=[r for r in records if r["state"] in _OPEN and r["id"] not in asked],
            ended=[r for r in records if r["state"] not in _OPEN],
        )  # fmt: skip

    async def run(self, visit: Visit, identity: str) -> str:
        """One command: its question if there is one, its steps, what became of it."""
        record = await self._ask(visit, "execution/get", execution=identity)
        devices = await self._ask(visit, "device/list")
        names = {device["id"]: device["name"] for device in devices}
        return self._page(
            "run.html", visit, record=record, steps=[_step(s, names) for s in record["steps"]],
            under_way=record["state"] in _OPEN,
        )  # fmt: skip

    def login(self) -> str:
        """Asks for a token."""
        return self._render("login.html", still=True)

    def message(self, said: str, visit: Visit | None = None, *, door: bool = False) -> str:
        """One line, and the way back; `door` is where tokens are taken."""
        return self._page("message.html", visit, said=said, door=door, still=True)

    async def _questions(self, visit: Visit) -> list[Record]:
        asked = await self._ask(visit, "question/list")
        found = [await self._ask(visit, "execution/get", execution=one["id"]) for one in asked]
        return [record for record in found if "awaiting" in record]  # it may be answered by now

    async def _ask(self, visit: Visit, operation: str, **fields: Any) -> Any:
        return await self._service.request(operation, visit.user, fields)

    def _page(self, name: str, visit: Visit | None, **values: Any) -> str:
        return self._render(name, visit=visit, at=visit and f"/at/{visit.path}/", **values)

    def _render(self, name: str, **values: Any) -> str:
        return self._templates.get_template(name).render(**{"at": "", "still": False} | values)


def _step(step: Record, names: Mapping[str, str]) -> Record:
    """A step as the page shows it."""
    outcome = step["outcome"] or {}
    said = outcome.get("detail") or outcome.get("reason") or outcome.get("result")
    shown = "; ".join(said) if isinstance(said, Sequence) and not isinstance(said, str) else said
    return {
        "what": texts.spoken(step["function"]), "state": step["state"], "said": shown or "",
        "device": names.get(step["device"], step["device"]),
        "evidence": outcome.get("evidence", ""),
    }  # fmt: skip


def look(state: str) -> str:
    """How a state is shown: good, waiting, busy, or bad; colour never says it alone."""
    if state in _GOOD:
        return "good"
    if state in _WAITING:
        return "waiting"
    return "busy" if state in _BUSY else "bad"


def moment(at: float) -> str:
    """A moment on this machine's clock, as exact as its age needs."""
    then, today = datetime.fromtimestamp(at), datetime.fromtimestamp(time.time())
    return f"{then:%H:%M:%S}" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M}"


STATUS = {"bad_command": 400, "not_awaited": 409, "busy": 429, "not_allowed": 403, "no_visit": 403}


def status(error: HubError) -> int:
    """The HTTP status of an error on purpose."""
    return STATUS.get(error.code, 400)
