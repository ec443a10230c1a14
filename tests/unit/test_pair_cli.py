"""What `octopus pair` asks of the hub, what it shows, and how it tells what goes wrong."""

from __future__ import annotations

import asyncio
import io
import sys
from typing import Any

import pytest
import segno
import typer
from rich.console import Console
from rich.text import Text

from orchestrator.cli import pair as pair_cli
from orchestrator.cli.pair import NotPaired, qr
from schemas.errors import HubError


def asked(
    where: str = "", code: str = "", *, usb: bool = False, tcpip: bool = False
) -> dict[str, Any]:
    return pair_cli._request(where, code, usb, tcpip)[0]


def test_without_anything_a_code_is_shown_that_nobody_can_guess() -> None:
    (first, shown), (second, _) = (pair_cli._request("", "", False, False) for _ in range(2))
    assert first["by"] == "qr"
    assert first["name"] != second["name"]
    assert first["password"] != second["password"]
    assert len(first["password"]) == 16
    assert shown is not None
    assert shown.plain == qr(f"WIFI:T:ADB;S:{first['name']};P:{first['password']};;").plain


@pytest.mark.parametrize(
    ("options", "request_"),
    [
        ({"code": "123 456"}, {"by": "code", "code": "123456", "host": "", "port": 0}),
        (
            {"code": "123456", "where": "192.0.2.7:37123"},
            {"by": "code", "code": "123456", "host": "192.0.2.7", "port": 37123},
        ),
        ({"where": "192.0.2.7"}, {"by": "tcp", "host": "192.0.2.7", "port": 0}),
        ({"where": "[2001:db8::7]:5556"}, {"by": "tcp", "host": "2001:db8::7", "port": 5556}),
        ({"usb": True}, {"by": "usb", "host": "", "tcpip": False}),
        (
            {"usb": True, "tcpip": True, "where": "R5CR1"},
            {"by": "usb", "host": "R5CR1", "tcpip": True},
        ),
    ],
)
def test_each_way_is_asked_for(options: dict[str, Any], request_: dict[str, Any]) -> None:
    assert asked(**options) == request_


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"code": "12345"}, "six digits"),
        ({"code": "１２３４５６"}, "six digits"),
        ({"code": "123456", "usb": True}, "--usb needs no code"),
        ({"tcpip": True}, "--tcpip needs --usb"),
        ({"where": "a b:c"}, "HOST or HOST:PORT"),
        ({"where": "host/path"}, "HOST or HOST:PORT"),
        ({"where": "host:99999"}, "HOST or HOST:PORT"),
    ],
)
def test_wrong_use_is_one_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(typer.BadParameter, match=said) as caught:
        asked(**options)
    assert "\n" not in str(caught.value)


def test_digits_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typer, "prompt", lambda _, err: "654 321")
    assert asked(code="-")["code"] == "654321"


def test_a_code_is_white_on_black_and_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    text = "WIFI:T:ADB;S:octopus-1234;P:0123456789abcdef;;"
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system="truecolor")
    console.print(qr(text))
    assert isinstance(console.file, io.StringIO)
    lines = [line for line in console.file.getvalue().splitlines() if line]
    size = len(list(segno.make(text, error="l", micro=False).matrix_iter(border=4)))
    assert len(lines) == (size + 1) // 2
    assert all("38;2;255;255;255;48;2;0;0;0m" in line for line in lines)


def test_without_segno_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    with pytest.raises(HubError, match=r"pip install 'octopus-hub\[adb-server\]'"):
        qr("x")


class Hub:
    """A hub that tells this, a question at a time."""

    def __init__(self, *news: dict[str, Any]) -> None:
        self.news = list(news)
        self.asked: list[dict[str, Any]] = []
        self.printed = ""

    async def request(self, operation: str, **fields: Any) -> Any:
        self.asked.append({"operation": operation, **fields})
        if operation == "device/pair":
            return {"id": "w1"}
        if not self.news:
            await asyncio.Event().wait()
        return self.news.pop(0)


def told(*said: str, **fields: Any) -> dict[str, Any]:
    lines = [{"said": one, "within": 90.0} for one in said]
    return {"lines": lines, "over": False, "result": None, "error": None} | fields


async def followed(hub: Hub, request: dict[str, Any], shown: Text | None) -> tuple[Any, str]:
    """What came of a pairing, and what was shown."""
    out = io.StringIO()
    try:
        pairing = pair_cli.Following(shown, Console(file=out, width=100))
        return await pairing.follow(hub, request), out.getvalue()  # type: ignore[arg-type]
    finally:
        hub.printed = out.getvalue()


async def test_what_the_hub_says_is_shown_to_the_end() -> None:
    device = {
        "name": "Pixel", "connected": True, "functions": ["a", "b"], "problem": "", "todo": "",
    }  # fmt: skip
    hub = Hub(
        told("waiting for a phone", "pairing"), told("paired"), told(over=True, result=device)
    )
    code = qr("x")
    result, out = await followed(hub, {"by": "qr"}, code)
    assert result == device
    positions = [out.index(said) for said in ("█", "waiting for", "pairing", "paired")]
    assert positions == sorted(positions)
    assert out.count(code.plain) == 1
    assert [one.get("after") for one in hub.asked] == [None, 0, 2, 3]


async def test_a_hub_that_cannot_shows_no_code() -> None:
    hub = Hub(told(over=True, error="this needs adb 30 or newer"))
    with pytest.raises(NotPaired, match="this needs adb"):
        await followed(hub, {"by": "qr"}, qr("x"))
    assert "█" not in hub.printed


async def test_whoever_stops_tells_the_hub() -> None:
    hub = Hub(told("waiting"))
    following = asyncio.create_task(followed(hub, {"by": "usb"}, None))
    async with asyncio.timeout(10):
        while len(hub.asked) < 3:  # noqa: ASYNC110 (it waits for news by then)
            await asyncio.sleep(0.001)
    hub.news.append(told(over=True, error="stopped"))
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    assert hub.asked[-1] == {"operation": "device/pair/news", "work": "w1", "stop": True}
