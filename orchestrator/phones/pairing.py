"""Making a phone and the hub known to each other, while a person sits at both.

Who pairs at the phone and at the hub has approved the phone: nothing more is asked.
"""

import logging
import re
import uuid
from collections.abc import Container, Mapping
from typing import Any, Protocol

from orchestrator.followed import Followed, Say, Work
from orchestrator.managers import require
from orchestrator.phones.meeting import Meeting
from orchestrator.registry import Registry
from schemas.call import Invocation
from schemas.errors import HubError

log = logging.getLogger(__name__)

KEEP = "keep_debugging_allowed"
"""The recipe that ends Android's habit of forgetting a computer after a week."""

_HOST = re.compile(r"[\w.:%-]{1,255}")
_WORD = re.compile(r"[\w-]{6,60}", re.ASCII)
_CODE = re.compile(r"\d{6}", re.ASCII)

Request = Mapping[str, Any]


class BadPairing(HubError):
    """A request to pair that is none."""

    code = "bad_request"


class Operations(Protocol):
    """The hub's operations."""

    async def request(self, operation: str, user: str, request: Request) -> Any:
        """Run one for a user."""


class Pairing:
    """Pairs phones for the people who may; nothing that pairs is written down anywhere."""

    def __init__(
        self,
        registry: Registry,
        service: Operations,
        meeting: Meeting,
        managers: Container[str],
    ) -> None:
        self._registry = registry
        self._service = service
        self._meeting = meeting
        self._managers = managers
        self._followed = Followed()

    async def start(self, user: str, request: Request) -> dict[str, str]:
        """Begin to pair `by` qr, code, tcp or usb; `follow` tells how it goes."""
        require(self._managers, user, "pair phones")
        pair, keep = self._way(request), request.get("keep") is True

        async def work(say: Say) -> Any:
            device = await pair(say)
            return await self._approved(device, user, keep, say)

        return await self._followed.start(user, work)

    async def follow(self, user: str, request: Request) -> dict[str, Any]:
        """What was said since; see `Followed.news`."""
        return await self._followed.news(user, request)

    async def close(self) -> None:
        """End what is under way."""
        await self._followed.close()

    def _way(self, request: Request) -> Work:
        """How a phone is paired, as was asked; gives the id of its device."""
        by, host, port = request.get("by"), *_place(request)
        if by == "qr":
            name, password = _text(request, "name", _WORD), _text(request, "password", _WORD)
            return lambda say: self._meeting.by_qr(name, password, say)
        if by == "code":
            code = _text(request, "code", _CODE)
            if host and not port:
                raise BadPairing("the port below the phone's code is needed: HOST:PORT")
            return lambda say: self._meeting.by_code(code, host, port, say)
        if by == "tcp" and host:
            return lambda say: self._meeting.by_tcp(host, port or 5555, say)
        if by == "usb":
            return lambda say: self._meeting.by_usb(host, request.get("tcpip") is True, say)
        raise BadPairing("by: qr, code, tcp with a host, or usb")

    async def _approved(self, device: str, user: str, keep: bool, say: Say) -> dict[str, Any]:
        shown: dict[str, Any] = await self._service.request(
            "device/approve", user, {"device": device}
        )
        if keep:
            allow = Invocation(function=KEEP, arguments={}, key=uuid.uuid4().hex[:12], timeout=10)
            say((await self._registry.reach(device, allow)).detail)
        return shown


def _place(request: Request) -> tuple[str, int]:
    """Host and port, where they are said."""
    host, port = request.get("host") or "", request.get("port") or 0
    if not isinstance(host, str) or (host and not _HOST.fullmatch(host)):
        raise BadPairing("host: a name or an address is needed")
    if not isinstance(port, int) or not 0 <= port <= 65535:
        raise BadPairing("port: a number up to 65535 is needed")
    return host, port


def _text(request: Request, name: str, form: re.Pattern[str]) -> str:
    """A text of a form; it may be secret, so it is not repeated."""
    value = request.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise BadPairing(f"{name}: {'six digits' if form is _CODE else 'a word'} is needed")
    return value
