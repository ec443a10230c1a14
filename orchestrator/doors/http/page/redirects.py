"""Where the page sends a browser, and the cookie that it gets when it comes in."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from orchestrator.doors.http.page.visits import VISIT_LASTS, Visit

COOKIE = "octopus-{}"
"""Of a visit, by its path: any app on the machine may set a cookie of a name that it knows."""
_ID = re.compile(r"[\w.:-]{1,64}")


def to(visit: Visit, where: str) -> Response:
    """To a place of the page."""
    return RedirectResponse(f"/at/{visit.path}/{where}", 303)


def to_run(run: str) -> str:
    """A command's own page; the home page where that is no command's id."""
    return f"run/{quote(run)}" if _ID.fullmatch(run) else ""


def back(form: Mapping[str, str]) -> str:
    """Where a form was: a command's own page, or the home page."""
    place, _, run = form.get("back", "").partition("/")
    return to_run(run) if place == "run" else ""


def enter(request: Request, visit: Visit, cookie: str, where: str) -> Response:
    """To the page, with the cookie that is sent below it alone."""
    response = to(visit, where)
    response.set_cookie(
        COOKIE.format(visit.path), cookie, path=f"/at/{visit.path}/", httponly=True,
        max_age=int(VISIT_LASTS), secure=request.url.scheme == "https",
        samesite="lax",  # a link that is followed from outside the browser brings it along
    )  # fmt: skip
    return response
