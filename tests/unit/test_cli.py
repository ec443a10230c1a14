"""How commands exit, what stands on the standard output, and what they ask of a hub."""

from __future__ import annotations

import fcntl
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from orchestrator import hub_lock
from orchestrator.cli import commands, connection, output
from orchestrator.client import BrokerAway, NoHub, Refused
from schemas.errors import DeviceUnavailable
from schemas.execution import RunState
from tests.clikit import NOTHING_TO_DO, PIXEL, Hub, Octopus

RECORD = {
    "id": "c0ffee1122334455", "state": "succeeded", "answer": "Called Ana", "decision": "act",
    "reason": "", "created": 1.0, "ended": 2.0, "steps": [],
    "command": {"id": "c0ffee1122334455", "text": "call Ana", "user": "local", "door": "mqtt"},
}  # fmt: skip
SCHEDULE = {"id": "s1", "words": "every day at 7", "text": "take a selfie"}
PLAN = {"decision": "act", "reason": "sure", "when": "", "steps": []}
PHONE = {"device": "Pixel", "detail": "", "evidence": "verified", "result": None}
ANSWERS: dict[str, Any] = {
    "plan": PLAN, "execution/get": RECORD, "execution/list": [RECORD], "cancel": RECORD,
    "confirm": {"execution": "c0", "confirmed": True}, "answer": {"execution": "c0"},
    "schedule/list": [SCHEDULE], "schedule/cancel": SCHEDULE, "device/approve": PIXEL,
    "device/rename": PIXEL, "device/describe": PIXEL, "device/remove": PIXEL,
    "discover": {"found": [], "looked": ["mDNS"]},
    "device/do": PHONE, "console/open": PHONE,
}  # fmt: skip


@pytest.fixture
def octopus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Octopus:
    return Octopus(tmp_path, capsys, monkeypatch)


@pytest.fixture
def hub(octopus: Octopus, monkeypatch: pytest.MonkeyPatch) -> Hub:
    return Hub(**ANSWERS).behind(monkeypatch)


def named(group: Any, *before: str) -> Iterator[tuple[str, Any]]:
    """Every command of the command line by its whole name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from named(command, *before, name)
        else:
            yield " ".join((*before, name)), command


def test_every_command_that_prints_prints_json_too() -> None:
    found = dict(named(typer.main.get_command(commands.cli)))
    assert len(found) > 40
    without = {
        name
        for name, command in found.items()
        if not any("--json" in parameter.opts for parameter in command.params)
    }
    assert without == {"run", "mcp"}


@pytest.mark.parametrize(
    "words",
    [
        ["send", "call Ana"],
        ["call", "make_phone_call", "contact_name=Ana"],
        ["undo"],
        ["plan", "call Ana"],
        ["confirm", "c0ffee", "t0"],
        ["answer", "c0ffee", "the second"],
        ["cancel", "c0ffee"],
        ["executions", "list"],
        ["executions", "show", "c0ffee"],
        ["executions", "watch", "c0ffee"],
        ["executions", "cancel", "c0ffee"],
        ["schedule"],
        ["schedule", "cancel", "s1"],
        ["devices"],
        ["devices", "discover"],
        ["devices", "approve", "Pixel"],
        ["devices", "rename", "Pixel", "Phone"],
        ["devices", "describe", "Pixel"],
        ["devices", "remove", "Pixel"],
        ["phone", "ring"],
        ["phone", "open"],
        ["users"],
        ["users", "login", "local"],
        ["token", "new", "local"],
        ["token", "list"],
        ["policy", "check"],
        ["policy", "check", "--function", "make_phone_call"],
        ["bench"],
    ],
    ids=" ".join,
)
def test_with_json_the_output_is_one_value_and_nothing_else(
    octopus: Octopus, hub: Hub, words: list[str]
) -> None:
    ran = octopus(*words, "--json")
    assert (ran.status, ran.err) == (0, "")
    assert isinstance(ran.told, dict | list)
    assert ran.out.count("\n") == 1
    plain = octopus(*words)
    assert (plain.status, plain.err) == (0, "")
    assert plain.out
    assert not plain.out.startswith(("{", "["))


def test_the_benchmarks_are_listed_and_not_what_only_works_for_one(octopus: Octopus) -> None:
    listed = {one["name"] for one in octopus("bench", "--json").told}
    assert {"soak", "http", "teach"} <= listed
    assert not {"fleet_devices", "peers_hub", "screenshots"} & listed


def test_zero_is_done(octopus: Octopus, hub: Hub) -> None:
    for good in (RunState.SUCCEEDED, RunState.SCHEDULED):
        hub.ends = good
        assert octopus("send", "call Ana").status == 0


@pytest.mark.parametrize(
    "end", [RunState.FAILED, RunState.PARTLY, RunState.REFUSED, RunState.CANCELLED]
)
def test_one_is_not_wholly_done(octopus: Octopus, hub: Hub, end: RunState) -> None:
    hub.ends = end
    assert octopus("send", "call Ana").status == 1
    assert octopus("call", "make_phone_call").status == 1
    assert octopus("undo", "--json").status == 1


def test_one_is_what_may_go_better_in_a_while(octopus: Octopus, hub: Hub) -> None:
    class Busy(DeviceUnavailable):
        """not now"""

        passing = True

    hub.answers["plan"] = Busy()
    assert octopus("plan", "call Ana").status == 1


def test_two_is_wrong_use_or_refused(octopus: Octopus, hub: Hub) -> None:
    assert octopus("send", "--no-such-option").status == 2
    assert octopus("nonsense").status == 2
    assert octopus("call", "make_phone_call", "Ana").status == 2
    ran = octopus("send", NOTHING_TO_DO)
    assert (ran.status, ran.out, ran.err) == (2, "", "octopus: say what\n")
    octopus.write("hub.toml", "[hub]\nstat = 'x'\n")
    ran = octopus("send", "call Ana")
    assert (ran.status, ran.out) == (2, "")
    assert "hub.toml: unknown key hub.stat; did you mean state?" in ran.err


def test_three_is_no_hub(octopus: Octopus) -> None:
    ran = octopus("devices")
    assert (ran.status, ran.out) == (3, "")
    assert ran.err == f"octopus: no hub runs with {octopus.state}: start one with `octopus run`\n"
    assert not octopus.state.exists(), "who only asks leaves nothing behind"


def test_130_is_stopped_by_a_person(octopus: Octopus, hub: Hub) -> None:
    hub.answers["plan"] = KeyboardInterrupt()
    assert octopus("plan", "call Ana").status == 130


def test_errors_are_json_too_where_json_is_asked_for(octopus: Octopus, hub: Hub) -> None:
    hub.answers["device/approve"] = Refused("no device 'x'", "no_device")
    ran = octopus("devices", "approve", "x", "--json")
    assert (ran.status, ran.told) == (2, {"error": "no device 'x'", "code": "no_device"})
    assert ran.err == "octopus: no device 'x'\n"
    hub.answers["device/approve"] = NoHub("nobody")
    ran = octopus("devices", "approve", "x", "--json")
    assert (ran.status, ran.told["code"]) == (3, "no_hub")


@pytest.mark.parametrize(
    "words", [["send", "--no-such-option"], ["devices", "approve"], ["nonsense"], ["plan"]]
)
def test_wrong_use_is_json_too(octopus: Octopus, words: list[str]) -> None:
    ran = octopus(*words, "--json")
    assert (ran.status, ran.told["code"]) == (2, "usage")
    assert ran.told["error"]
    assert ran.err
    plain = octopus(*words)
    assert (plain.status, plain.out) == (2, "")


def test_the_help_says_what_each_status_means(octopus: Octopus) -> None:
    ran = octopus("--help")
    shown = " ".join(ran.out.split())
    assert ran.status == 0
    for status, said in output.STATUSES.items():
        assert f"{int(status)} {said}" in shown


def test_a_call_is_sent_by_name_for_the_devices_that_are_meant(octopus: Octopus, hub: Hub) -> None:
    octopus("call", "set_volume", "level=7", "volume_type=", "--device", "Pixel", "--hold", "0")
    asked = dict(hub.asked)["call"]
    assert asked["function"] == "set_volume"
    assert asked["arguments"] == {"level": "7", "volume_type": ""}
    assert asked["devices"] == ["Pixel"]
    assert asked["hold"] is None


def test_only_those_in_a_state_are_asked_for(octopus: Octopus, hub: Hub) -> None:
    octopus("executions", "list", "--state", "failed", "--limit", "3")
    assert dict(hub.asked)["execution/list"] == {"limit": 3, "states": ["failed"]}


class Typed(io.StringIO):
    """Lines of a file, on the standard input."""

    def isatty(self) -> bool:
        return False


def test_lines_of_a_file_are_sent_one_after_another(
    octopus: Octopus, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Typed("call Ana\n\n  call Bob\n"))
    ran = octopus("send")
    assert (ran.status, ran.err, hub.sent) == (0, "", ["call Ana", "call Bob"])
    monkeypatch.setattr(sys, "stdin", Typed("call Ana\ncall Bob\n"))
    records = [json.loads(line) for line in octopus("send", "--json").out.splitlines()]
    assert [one["command"]["text"] for one in records] == ["call Ana", "call Bob"]


def test_a_line_that_is_refused_keeps_no_other_back(
    octopus: Octopus, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Typed(f"{NOTHING_TO_DO}\ncall Bob\n"))
    ran = octopus("send")
    assert (ran.status, hub.sent) == (2, ["call Bob"])
    assert ran.err == "octopus: say what\n"


def test_no_line_is_no_sentence(
    octopus: Octopus, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Typed("\n"))
    ran = octopus("send")
    assert ran.status == 2
    assert "no sentence" in ran.err


@pytest.fixture
def locked(octopus: Octopus) -> Iterator[None]:
    """The lock of a hub that runs; another process' would be the same."""
    octopus.state.mkdir(mode=0o700)
    with (octopus.state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.usefixtures("locked")
def test_a_hub_whose_broker_is_away_is_told_apart_from_none(
    octopus: Octopus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.client.CONNECT_WITHIN", 0.2)
    octopus.write("hub.toml", f'[hub]\nstate = "{octopus.state}"\n[broker]\nport = 1\n')
    ran = octopus("devices")
    assert ran.status == 3
    assert "no MQTT broker answers at 127.0.0.1:1;" in ran.err
    assert "a hub runs" in ran.err


@pytest.mark.parametrize(
    ("runs", "error", "said"),
    [
        (True, NoHub(), "no hub answers at the broker h:1, though one runs here"),
        (False, NoHub(), "none runs here, start one with `octopus run`"),
        (None, NoHub(), "no hub answers at the broker h:1: start one"),
        (True, BrokerAway("refuses the login"), "refuses the login; a hub runs here, and waits"),
        (False, BrokerAway("refuses the login"), "refuses the login; no hub runs here either"),
    ],
)
def test_what_is_away_at_another_broker_is_said(
    octopus: Octopus, hub: Hub, monkeypatch: pytest.MonkeyPatch, runs: bool | None,
    error: NoHub, said: str,
) -> None:  # fmt: skip
    octopus.write("hub.toml", '[broker]\nurl = "mqtt://h:1"\n')
    monkeypatch.setattr(connection.hub_lock, "held", lambda _: runs)
    hub.answers["device/list"] = error
    ran = octopus("devices")
    assert (ran.status, ran.out) == (3, "")
    assert said in ran.err


def test_whose_hub_it_is_must_be_who_asks(
    octopus: Octopus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    octopus.state.mkdir()
    (octopus.state / "lock").touch()
    monkeypatch.setattr(fcntl, "flock", refused)  # root, who runs tests too, may read everything
    assert hub_lock.held(octopus.state) is None
    ran = octopus("devices")
    assert ran.status == 2
    assert "may not read it" in ran.err


def test_what_only_talks_to_a_hub_starts_without_one() -> None:
    never = (
        "onnxruntime", "numpy", "torch", "sqlalchemy", "zeroconf", "starlette", "mcp", "tzlocal",
        "training", "orchestrator.app", "orchestrator.doctor", "orchestrator.demo", "readline",
    )  # fmt: skip
    code = f"import sys, orchestrator.cli; print([m for m in {never} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_shell_completes_commands() -> None:
    asked = {"_OCTOPUS_COMPLETE": "complete_bash", "COMP_WORDS": "octopus exe", "COMP_CWORD": "1"}
    program = "import sys; sys.argv = ['octopus']; from orchestrator.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | asked
    )
    assert ran.stdout.split() == ["executions"]


@pytest.mark.parametrize("words", [["devices"], ["executions", "list"], ["schedule"], ["users"]])
def test_a_narrow_terminal_is_enough(octopus: Octopus, hub: Hub, words: list[str]) -> None:
    octopus.wide(40)
    ran = octopus(*words)
    assert ran.status == 0
    assert max(map(len, ran.out.splitlines())) <= 40
    assert not set(ran.out) & set("│┃━┏"), "no table"


def test_without_a_terminal_nothing_is_coloured(octopus: Octopus, hub: Hub) -> None:
    for words in (["devices"], ["send", "call Ana"], ["policy", "check"], ["--help"]):
        assert "\x1b" not in octopus(*words).out
