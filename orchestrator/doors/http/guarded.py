"""What stands before every request and on every answer of the HTTP door."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = frozenset({"127.0.0.1", "localhost"})
"""Names of this machine. Another name that leads here (DNS rebinding) is another site's page, which
would read ours as its own."""
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",  # with no-referrer, forms would come from nowhere
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guarded:
    """Lets through what was sent to this machine by name and, where it changes something, by a page
    of this very host and port; nothing else may keep, frame or read what it gets."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        said = _refusal(scope["method"], headers)
        app = PlainTextResponse(said, status_code=403) if said else self._app

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                own.update(_HEADERS)
                static = scope["path"].startswith("/static/")
                own["Cache-Control"] = "no-cache" if static else "no-store"
            await send(message)

        await app(scope, receive, answer)


def _refusal(method: str, headers: Headers) -> str:
    """Why a request is not let through; empty where it is."""
    host = headers.get("host", "")
    if len(headers.getlist("host")) != 1 or host.partition(":")[0] not in HOSTS:
        return "this page is for this machine only: use 127.0.0.1\n"
    if method in ("GET", "HEAD"):
        return ""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
    if origin not in (None, f"http://{host}") or site != "same-origin":
        return "another page may not send this\n"
    return ""
