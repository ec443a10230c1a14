"""What the command line prints of commands: lists and lines."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from orchestrator import spans, tables, view
from schemas.event import Event

NOW = datetime(2026, 11, 22, 17, 0)


def printed(width: int = 80, **options: Any) -> Console:
    return Console(file=io.StringIO(), width=width, **options)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def record(identity: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": identity, "command": {"text": "call Ana"}, "state": "succeeded", "answer": "called",
        "created": NOW.timestamp() - 60, "ended": NOW.timestamp() - 58,
    } | fields  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0 ms"), (0.0424, "42 ms"), (1, "1.0 s"), (59.9, "59.9 s"), (61, "1m01s"),
        (3600, "1h00m"), (86399, "23h59m"), (90000, "1d01h"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_short(seconds: float, said: str) -> None:
    assert spans.length(seconds) == said


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(minutes=5), "16:55:00"), (timedelta(days=1), "Sat 17:00"),
        (timedelta(days=6), "Mon 17:00"), (timedelta(days=7), "2026-11-15 17:00"),
        (timedelta(days=-1), "2026-11-23 17:00"),
    ],
)  # fmt: skip
def test_a_moment_is_as_exact_as_its_age(ago: timedelta, said: str) -> None:
    assert view.when((NOW - ago).timestamp(), NOW.timestamp()) == said


def test_a_list_tells_when_how_long_and_how_it_ended() -> None:
    console = printed()
    records = [record("c0ffee1122334455"), record("0ddba11", state="needs_attention", ended=None)]
    tables.executions(console, records, NOW.timestamp())
    shown = text(console)
    for said in ("c0ffee11 ", "16:59:00", "2.0 s", "1m00s", "call Ana", "called", "attention"):
        assert said in shown
    assert "c0ffee112" not in shown
    assert "0ddba11" in shown


def test_ids_are_told_apart_by_their_beginnings() -> None:
    console = printed()
    ids = ["lamp-2026-a", "lamp-2026-b", "lamp-2026-b-again", "c0ffee1122334455"]
    tables.executions(console, [record(one) for one in ids], NOW.timestamp())
    cells = [
        line.split("│")[1].strip() for line in text(console).splitlines() if "call Ana" in line
    ]
    assert cells == ["lamp-2026-a", "lamp-2026-b", "lamp-2026-b-", "c0ffee11"]


def test_states_are_coloured_and_texts_are_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    console = printed(300, force_terminal=True, color_system="standard")
    hostile = "[red]\x1b[2J" + "x" * 10_000
    told = record("c0ffee11", state="failed", answer=hostile, command={"text": hostile})
    tables.executions(console, [told], NOW.timestamp())
    shown = text(console)
    assert "\x1b[31mfailed" in shown
    assert shown.count("[red] [2J") == 2
    assert "\x1b[2J" not in shown
    assert len(shown) < 5_000


def test_a_line_of_an_event_moves_no_cursor() -> None:
    told = Event(
        id="c0ffee1122334455", user="ann", state="failed", at=NOW.timestamp(), step=1,
        function="call", device="p1", text="[red]\x1b[2J\nno",
    )  # fmt: skip
    console = printed(200)
    view.event(console, told, NOW.timestamp() - 2, {"p1": "Pi\nxel"}, text=True)
    view.passing(console, told, {}, told.text)
    assert text(console).splitlines() == [
        "   2000 ms   step 2 call on Pi xel: failed  [red] [2J no",
        "17:00:00 c0ffee11 step 2 call on p1: failed  [red] [2J no",
    ]


def device(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name, "kind": "phone", "id": f"adb-{name}", "functions": ["a", "b"],
        "approved": True, "connected": False, "problem": "", "state": "connected", "todo": "",
        "ways": [], "room": None, "aliases": [], "default": False,
    } | fields  # fmt: skip


def test_devices_say_how_they_are_and_what_to_do() -> None:
    console = printed(120)
    tables.devices(
        console,
        [
            device(
                "Pixel", room="kitchen", aliases=["my phone"], default=True,
                ways=["adb over Wi-Fi at 192.0.2.8"],
            ),
            device(
                "R5CR1", state="found", functions=[], approved=False,
                todo="octopus devices approve R5CR1",
                ways=["USB", "wireless debugging at 192.0.2.7"],
            ),
            device("Redmi", state="unauthorized", todo="unlock the phone and tap Allow"),
            device("[red]\x1b[2J", state="offline", todo="[bold]plug \x1b[2Jit in"),
        ],
    )  # fmt: skip
    shown = text(console)
    for said in (
        "connected by adb over Wi-Fi", "kitchen", "my phone", "default",
        "found by USB, wireless debugging at 192.0.2.7", "approve R5CR1",
        "unauthorized", "unlock the phone and tap Allow", "[red] [2J", "[bold]plug  [2Jit in",
    ):  # fmt: skip
        assert said in shown
    assert "\x1b" not in shown


def test_what_is_the_households_is_not_lost_in_a_flood() -> None:
    console = printed(120)
    forged = [device(f"forged{n}", approved=False, state="found") for n in range(300)]
    tables.devices(console, [*forged, device("Pixel")])
    shown = text(console)
    assert "Pixel" in shown
    assert "adb-forged19" in shown
    assert "forged20" not in shown
    assert "and 280 more were found: --json lists them all" in shown


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"connected": True}, "Pixel may be used now: 2 functions"),
        (
            {"connected": True, "state": "permission-missing", "todo": "switch it on"},
            "Pixel may be used now: 2 functions; switch it on",
        ),
        ({}, "Pixel is approved and not connected yet: it does not answer"),
        (
            {"problem": "no connection", "todo": "plug it in"},
            "Pixel is approved and not connected yet: no connection; plug it in",
        ),
        (
            {"problem": "tap Allow", "todo": "tap Allow"},
            "Pixel is approved and not connected yet: tap Allow",
        ),
    ],
)
def test_who_approves_is_told_what_is_left_to_do(fields: dict[str, Any], said: str) -> None:
    assert view.approved(device("Pixel", **fields)) == said


def test_where_there_is_nothing_a_word_says_so() -> None:
    console = printed(80)
    tables.schedules(console, [])
    assert text(console) == "none\n"


@pytest.mark.parametrize("width", [40, 100])
def test_what_is_looked_at_is_a_line_each(width: int) -> None:
    console = printed(width)
    found = [
        {"name": "broker", "level": "wrong", "said": "port is taken", "todo": "stop\x1b[2J it"},
        {"name": "clock", "level": "good", "said": "right", "todo": ""},
    ]  # fmt: skip
    tables.checks(console, found)
    assert text(console) == "wrong broker: port is taken; stop [2J it\nok    clock: right\n"
