"""What stands before every request and on every answer of the HTTP door."""

import ipaddress
import json
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OWN = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names of this machine. Another name that leads here (DNS rebinding) is another site's page, which
would read ours as its own."""
ELSEWHERE = "it is not reached by this name: use 127.0.0.1, or name it in http.hosts of hub.toml"
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
    """Lets through what was sent to this machine by a name that is its own and, where it changes
    something or is the API's, by a page of this very host and port; nothing else may keep, frame or
    read what it gets. `hosts` says by which other names a port may be reached, `api` which paths
    are the API's."""

    def __init__(
        self, app: ASGIApp, hosts: Callable[[int], frozenset[str]], api: Callable[[str], bool]
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        headers, api = Headers(scope=scope), self._api(scope["path"])
        said = self._elsewhere(scope, headers) or _foreign(scope, headers, api)
        app = _refusal(said, api) if said else self._app
        secure = scope["scheme"] == "https"

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                own.update(_HEADERS)
                static = scope["path"].startswith("/static/")
                own["Cache-Control"] = "no-cache" if static else "no-store"
                if secure:
                    message["headers"] = [_secure(header) for header in message["headers"]]
            await send(message)

        await app(scope, receive, answer)

    def _elsewhere(self, scope: Scope, headers: Headers) -> str:
        """Why it is not for this machine; empty where it is."""
        hosts, (address, port) = headers.getlist("host"), scope["server"]
        name = _name(hosts[0]) if len(hosts) == 1 else ""
        # No name leads to an address, so the one that it came in at is no other site's.
        known = name in OWN or name == _plain(address) or name in self._hosts(port)
        return "" if known else ELSEWHERE


def _foreign(scope: Scope, headers: Headers, api: bool) -> str:
    """Why it is another site's; empty where it is not."""
    if scope["method"] in ("GET", "HEAD") and not api:
        return ""
    host, origin = headers["host"], headers.get("origin")
    # TLS may end before the hub, at a proxy of the same name.
    ours = (None, f"{scope['scheme']}://{host}", f"https://{host}")
    if origin not in ours or headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return "another page may not send this"
    return ""


def _refusal(said: str, api: bool) -> Response:
    if api:
        return Response(json.dumps({"error": said, "code": "elsewhere"}), 403, media_type=_JSON)
    return Response(f"{said}\n", 403, media_type="text/plain")


_JSON = "application/json"


def _name(host: str) -> str:
    """The name or address of a Host header, without its port."""
    host = host.lower()
    if host.startswith("["):
        inside, end, port = host[1:].partition("]")
        return inside if end and (port == "" or port.startswith(":")) else ""
    return host.partition(":")[0].removesuffix(".")


def _plain(address: str) -> str:
    """An address of this machine, as a Host header says it."""
    try:
        at = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = at.ipv4_mapped if isinstance(at, ipaddress.IPv6Address) else None
    return str(mapped or at)


def _secure(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """A cookie that came over TLS goes back over nothing else."""
    name, value = header
    cookie = name.lower() == b"set-cookie" and b"; secure" not in value.lower()
    return (name, value + b"; Secure") if cookie else header
