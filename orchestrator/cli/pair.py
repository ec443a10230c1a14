"""`octopus pair`: make a phone and the hub known to each other, and follow how that goes."""

import asyncio
import contextlib
import io
import re
import secrets
import time
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

from orchestrator import settings, view
from orchestrator.cli.connection import Config, with_hub
from orchestrator.cli.output import Json, console, done, errors
from orchestrator.client import HubClient
from schemas.errors import HubError

TICK = 1.0
"""Seconds between two looks at the clock."""
STOP_WITHIN = 3.0
SCAN = "On the phone: Settings, Developer options, Wireless debugging, Pair device with QR code"
CODE = "the six digits that the phone shows"
KEEP = (
    "Android forgets a computer that did not connect for 7 days. Shall the phone never forget one?"
    " Whoever has the key of a computer that was allowed once could then come back for ever."
)


class NotPaired(HubError):
    """The phone was not paired."""

    code = "not_paired"
    passing = True


def pair(
    where: Annotated[
        str, typer.Argument(help="HOST:PORT below the phone's code, or HOST for adb over Wi-Fi")
    ] = "",
    code: Annotated[
        str, typer.Option(help=f"Instead of the QR code: {CODE}; - asks for them")
    ] = "",
    usb: Annotated[
        bool, typer.Option("--usb", help="The phone on the cable; WHERE may be its serial number")
    ] = False,
    tcpip: Annotated[
        bool, typer.Option("--tcpip", help="With --usb: let it listen on port 5555 after that")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Let the phone remember computers longer than 7 days")
    ] = False,
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """Pair an Android phone with the hub.

    By QR code, by six digits, by cable, or by address.
    """
    request, shown = _request(where, code, usb, tcpip)
    if keep and not typer.confirm(KEEP, err=True):
        keep = False
    try:
        pairing = Following(shown, errors if as_json else console)
        result = with_hub(config, lambda client: pairing.follow(client, request | {"keep": keep}))
    except KeyboardInterrupt:
        raise NotPaired("stopped; nothing was paired") from None
    done(result, as_json, view.approved(result))


def _request(where: str, code: str, usb: bool, tcpip: bool) -> tuple[dict[str, Any], Text | None]:
    """What the hub is asked, and what the phone is to scan."""
    if tcpip and not usb:
        raise typer.BadParameter("--tcpip needs --usb")
    if usb and code:
        raise typer.BadParameter("--usb needs no code")
    if usb:
        return {"by": "usb", "host": where, "tcpip": tcpip}, None
    if code:
        return {"by": "code", "code": _digits(code), **_place(where)}, None
    if where:
        return {"by": "tcp", **_place(where)}, None
    name, password = f"octopus-{secrets.token_hex(4)}", secrets.token_hex(8)
    drawn = qr(f"WIFI:T:ADB;S:{name};P:{password};;")
    return {"by": "qr", "name": name, "password": password}, drawn


def _digits(code: str) -> str:
    said = typer.prompt(CODE.capitalize(), err=True) if code == "-" else code
    digits = said.replace(" ", "")
    if not re.fullmatch(r"[0-9]{6}", digits):
        raise typer.BadParameter(f"--code: {CODE}, or - to be asked for them")
    return digits


def _place(where: str) -> dict[str, Any]:
    """HOST, HOST:PORT or [HOST]:PORT."""
    try:
        parts = urlsplit(f"//{where}")
        host, port = parts.hostname or "", parts.port or 0
    except ValueError:
        host, port = "", 0
    if where and (not host or parts.path or parts.username):
        raise typer.BadParameter(f"{where}: HOST or HOST:PORT is needed")
    return {"host": host, "port": port}


def qr(text: str) -> Text:
    """A QR code to print: white on black whatever the terminal's colours, for cameras that need
    it so."""
    try:
        import segno
    except ImportError as error:
        raise HubError(f"{error}: pip install 'octopus-hub[adb-server]'") from error
    drawn = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(drawn, compact=True)
    return Text(drawn.getvalue(), style="rgb(255,255,255) on rgb(0,0,0)", no_wrap=True)


class Following:
    """A pairing that the hub does: what is to be scanned, and the console that says how it goes."""

    def __init__(self, shown: Text | None, console: Console) -> None:
        self._shown = shown
        self._console = console
        self._heard, self._said, self._until = 0, "", time.monotonic()

    async def follow(self, client: HubClient, request: dict[str, Any]) -> Any:
        """Have the hub do it, say what it says, and give what comes of it."""
        work = (await client.request("device/pair", **request))["id"]
        try:
            return await self._end(client, work)
        except asyncio.CancelledError:
            with contextlib.suppress(HubError, TimeoutError):
                async with asyncio.timeout(STOP_WITHIN):
                    await client.request("device/pair/news", work=work, stop=True)
            raise

    async def _end(self, client: HubClient, work: str) -> Any:
        """The result, once there is one; what is waited for stands in a line with the time left."""
        with self._console.status("") as status:
            while True:
                news = await self._news(client, work, status)
                if self._shown is not None and news["lines"]:  # the hub is ready for it
                    self._console.print(self._shown, SCAN, sep="\n", soft_wrap=True)
                    self._shown = None
                for line in news["lines"]:
                    self._tell(line)
                    status.update(_waiting(self._said, line["within"]))
                if news["error"] is not None:
                    raise NotPaired(news["error"])
                if news["over"]:
                    return news["result"]

    async def _news(self, client: HubClient, work: str, status: Status) -> Any:
        """What is new; until then the time that is left is counted down."""
        asking = asyncio.ensure_future(
            client.request("device/pair/news", work=work, after=self._heard)
        )
        try:
            while not (await asyncio.wait([asking], timeout=TICK))[0]:
                status.update(_waiting(self._said, self._until - time.monotonic()))
        finally:
            asking.cancel()
        return asking.result()

    def _tell(self, line: dict[str, Any]) -> None:
        self._heard, self._said = self._heard + 1, view.plain(self._console, line["said"])
        self._until = time.monotonic() + line["within"]
        self._console.print(Text(self._said, "dim"), soft_wrap=True)


def _waiting(said: str, left: float) -> Text:
    return Text(f"{said} ({left:.0f} s)" if left > 0 else said)
