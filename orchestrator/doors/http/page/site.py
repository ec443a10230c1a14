"""The hub's web page. Everything goes through the service, as by MQTT.

/                        asks for a token, which POST /in takes
/at/<visit>/in/<secret>  a link that is good once; both lead to
/at/<visit>/             the page, for whoever has the visit's cookie
/at/<visit>/history      older ones
/at/<visit>/run/<id>     one command
/at/<visit>/do/<what>    where its forms go; each holds what only this visit knows
/at/<visit>/news         says when there is something new
"""

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from orchestrator import texts
from orchestrator.doors.http.access import Tokens
from orchestrator.doors.http.limits import Tries
from orchestrator.doors.http.page import forms, pages, redirects
from orchestrator.doors.http.page.news import News, TooManyPages
from orchestrator.doors.http.page.views import DOOR
from orchestrator.doors.http.page.visits import Visit, Visits
from orchestrator.doors.http.ways import HERE
from orchestrator.service import Service
from schemas.errors import HubError

log = logging.getLogger(__name__)

NEWS = "event: news\ndata: new\n\n"
"""What an open page is told: that there is something new, never what."""
ASK_AGAIN = (
    "this page is over, or its link was followed before: open the newest notification, or run "
    "`octopus phone open` on the hub"
)


class NoVisit(HubError):
    """This page is over."""

    code = "no_visit"


class Site:
    """The page's routes; `ways`: which way in each port is, as the door fills it."""

    def __init__(
        self,
        service: Service,
        tokens: Tokens,
        visits: Visits,
        news: News,
        ways: Mapping[int, str],
        tries: Tries,
    ) -> None:
        self._service = service
        self._tokens = tokens
        self._visits = visits
        self._pages = pages.Pages(service)
        self._news = news
        self._ways = ways
        self._tries = tries

    def routes(self) -> list[BaseRoute]:
        """Where everything is."""
        at = "/at/{visit}"
        return [
            Route("/", self._front),
            Route("/in", self._show_token, methods=["POST"]),
            Route(f"{at}/in/{{secret}}", self._follow),
            Route(f"{at}/", self._home),
            Route(f"{at}/history", self._history),
            Route(f"{at}/run/{{run}}", self._run),
            Route(f"{at}/news", self._stream),
            Route(f"{at}/do/{{what:path}}", self._do, methods=["POST"]),
            Mount("/static", StaticFiles(directory=pages.FOLDER / "static")),
        ]

    def _way(self, request: Request) -> str:
        return self._ways[request.scope["server"][1]]

    def _visit(self, request: Request) -> Visit:
        """Whose request it is; NoVisit where nobody came in."""
        path = request.path_params["visit"]
        cookie = request.cookies.get(redirects.COOKIE.format(path), "")
        visit = self._visits.of(path, cookie, self._way(request))
        if visit is None:
            raise NoVisit(ASK_AGAIN if self._way(request) != HERE else "")
        return visit

    async def _front(self, request: Request) -> Response:
        if self._way(request) != HERE:
            raise NoVisit(ASK_AGAIN)
        return HTMLResponse(self._pages.login())

    async def _show_token(self, request: Request) -> Response:
        if self._way(request) != HERE:
            raise NoVisit(ASK_AGAIN)
        address = request.client.host if request.client else ""
        self._tries.check(address, time.monotonic())
        form = await forms.read(request)
        token = self._tokens.find(form.get("token", ""))
        if token is None:
            self._tries.wrong(address, time.monotonic())
            log.warning("somebody showed a token that is none")
            raise NoVisit("that is no token of this hub: `octopus token new USER` makes one")
        return redirects.enter(request, *self._visits.open(token.user, HERE, token.digest), "")

    async def _follow(self, request: Request) -> Response:
        if request.method != "GET" or "sec-purpose" in request.headers:
            raise HTTPException(405)  # only looked at, or fetched ahead: the link stays good
        way, path = self._way(request), request.path_params["visit"]
        where = redirects.to_run(request.query_params.get("run", ""))
        entered = self._visits.follow(path, request.path_params["secret"], way)
        if entered is not None:
            return redirects.enter(request, *entered, where)
        return redirects.to(self._visit(request), where)  # followed before, by this very browser

    async def _home(self, request: Request) -> Response:
        say = request.query_params.get("say", "")
        return HTMLResponse(await self._pages.home(self._visit(request), say))

    async def _history(self, request: Request) -> Response:
        asked = request.query_params
        return HTMLResponse(
            await self._pages.history(
                self._visit(request), asked.get("show", ""), asked.get("before", "")
            )
        )

    async def _run(self, request: Request) -> Response:
        page = await self._pages.run(self._visit(request), request.path_params["run"])
        return HTMLResponse(page)

    async def _stream(self, request: Request) -> Response:
        visit = self._visit(request)
        if self._news.full(visit.user):
            raise TooManyPages

        async def told() -> AsyncIterator[str]:
            yield "retry: 3000\n\n"
            if self._news.full(visit.user):
                return  # others came at the same moment
            with self._news.page(visit.user) as news:
                async for new in news:
                    if not self._visits.lasts(visit):
                        return
                    yield NEWS if new else ": nothing new\n\n"

        return StreamingResponse(told(), media_type="text/event-stream")

    async def _do(self, request: Request) -> Response:
        visit, what = self._visit(request), request.path_params["what"]
        form = await forms.read(request)
        if not visit.sent(form.pop("visit", "")):
            raise NoVisit(ASK_AGAIN)
        if what == "out":
            self._visits.end(visit.path)
            return HTMLResponse(self._pages.message("You are out.", door=visit.way == HERE))
        if what not in forms.ACTIONS:
            raise HTTPException(404)
        await self._service.request(what, visit.user, forms.fields(what, form), door=DOOR)
        return redirects.to(visit, redirects.back(form))

    async def failed(self, request: Request, error: Exception) -> Response:
        """What went wrong on purpose, as a page."""
        assert isinstance(error, HubError)
        visit = None
        if "visit" in request.path_params:
            with contextlib.suppress(HubError):
                visit = self._visit(request)
        door = visit is None and self._way(request) == HERE
        return HTMLResponse(self._pages.message(str(error), visit, door=door), pages.status(error))

    async def no_page(self, _: Request, error: Exception) -> Response:
        """A page that there is not."""
        assert isinstance(error, HTTPException)
        said = "There is no such page." if error.status_code == 404 else error.detail
        return HTMLResponse(self._pages.message(said), error.status_code)

    async def broke(self, _: Request, __: Exception) -> Response:
        """A bug, as a page; uvicorn logs what it was."""
        return HTMLResponse(self._pages.message(texts.BROKE_ANSWERING), 500)
