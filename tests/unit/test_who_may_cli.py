"""`octopus users`, `token` and `policy`: who may, said without a hub."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from orchestrator.broker import passwords
from orchestrator.doors.http.access import Tokens
from tests.clikit import Octopus

PEOPLE = '[users.ann]\ndevices = { phone = "Pixel 8" }\n[users.guest]\n'
POLICY = """
[[rule]]
user = "guest"
device = "car"
verdict = "deny"

[[rule]]
user = "guest"
function = ["make_phone_call", "send_text_message"]
verdict = "deny"

[[rule]]
function = "lock_doors"
hours = "22:00-07:00"
verdict = "deny"
"""
CAR = '[[device]]\nid = "c1"\nname = "Golf"\nkind = "car"\nprotocol = "ovms"\n'


@pytest.fixture
def octopus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Octopus:
    made = Octopus(tmp_path, capsys, monkeypatch)
    made.write("people.toml", PEOPLE)
    made.write("policy.toml", POLICY)
    made.write(
        "hub.toml", f'[hub]\nstate = "{made.state}"\nmanagers = ["ann"]\n[broker]\nport = 1884\n'
    )
    return made


def test_users_are_listed_with_what_lets_them_in(octopus: Octopus) -> None:
    Tokens(octopus.state).issue("ann")
    told = {one["user"]: one for one in octopus("users", "--json").told}
    assert list(told) == ["local", "ann", "guest"]
    assert told["ann"] == {
        "user": "ann", "devices": {"phone": "Pixel 8"}, "manager": True, "tokens": 1,
    }  # fmt: skip
    assert told["local"]["manager"]
    assert not told["guest"]["manager"]
    assert "phone: Pixel 8" in octopus("users").out


def test_a_login_is_that_of_the_hubs_own_broker(octopus: Octopus) -> None:
    told = octopus("users", "login", "ann", "--json").told
    known = passwords(octopus.state, ("ann",))
    assert told == {"host": "127.0.0.1", "port": 1884, "user": "ann", "password": known["ann"]}
    assert known["ann"] in octopus("users", "login", "ann").out
    ran = octopus("users", "login", "anna")
    assert ran.status == 2
    assert "no login 'anna'" in ran.err
    octopus.write("hub.toml", '[broker]\nurl = "mqtt://h"\n')
    ran = octopus("users", "login", "local")
    assert (ran.status, ran.out) == (2, "")
    assert "broker.url names another broker" in ran.err


def test_a_token_may_end_and_have_a_name(octopus: Octopus) -> None:
    made = octopus("token", "new", "ann", "--days", "2", "--label", "tablet", "--json").told
    (listed,) = octopus("token", "list", "--json").told
    assert (listed["user"], listed["label"]) == ("ann", "tablet")
    assert listed["expires"] == pytest.approx(time.time() + 2 * 86400, abs=60)
    assert made["token"] not in octopus("token", "list").out
    assert octopus("token", "revoke", listed["id"], "--json").told["id"] == listed["id"]
    assert octopus("token", "list", "--json").told == []
    ran = octopus("token", "new", "anna")
    assert (ran.status, ran.out) == (2, "")
    assert "no user anna in people.toml; did you mean ann?" in ran.err


def test_the_policy_is_a_table_with_the_rule_that_decides(octopus: Octopus) -> None:
    ran = octopus("policy", "check", "--json")
    said = {(one["user"], one["function"]): one for one in ran.told}
    denied = said["guest", "make_phone_call"]
    assert (denied["verdict"], denied["rule"], denied["settled"]) == ("deny", 2, False)
    assert said["ann", "make_phone_call"]["verdict"] == "confirm"
    assert said["ann", "make_phone_call"]["rule"] is None
    row = next(line for line in octopus("policy", "check").out.splitlines() if "make_pho" in line)
    cells = [cell.strip() for cell in row.split("│")[1:-1]]
    assert cells == ["make_phone_call", "confirm", "confirm", "deny 2*"]


def test_the_policy_says_what_holds_for_one_call(octopus: Octopus) -> None:
    octopus.write("devices.toml", CAR + 'address = { prefix = "ovms/ann/golf" }\n')
    ask = ("policy", "check", "--function", "lock_doors", "--json")
    night = octopus(*ask, "--user", "ann", "--device", "golf", "--at", "23:15").told
    assert (night["verdict"], night["rule"], night["settled"]) == ("deny", 3, True)
    day = octopus(*ask, "--user", "ann", "--device", "golf", "--at", "2026-12-24T12:00").told
    assert (day["verdict"], day["rule"]) == ("confirm", None)
    guest = octopus(*ask, "--user", "guest", "--device", "Golf", "--at", "12:00").told
    assert (guest["verdict"], guest["rule"]) == ("deny", 1)
    ran = octopus("policy", "check", "--user", "guest", "--function", "start_charging")
    assert ran.out.splitlines()[1].startswith("not settled: the device")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--function", "lock_dors"], "no function lock_dors; did you mean lock_doors?"),
        (["--user", "bob"], "no user bob"),
        (["--device", "Fiat"], "no device Fiat is approved"),
        (["--at", "noon"], "write 22:30"),
    ],
)
def test_what_the_policy_is_asked_must_be_known(
    octopus: Octopus, words: list[str], said: str
) -> None:
    ran = octopus("policy", "check", *words)
    assert (ran.status, ran.out) == (2, "")
    assert said in " ".join(ran.err.replace("│", " ").split())


def test_a_policy_that_is_wrong_is_said(octopus: Octopus) -> None:
    octopus.write("policy.toml", '[[rule]]\nfunction = "lock_dors"\nverdict = "deny"\n')
    ran = octopus("policy", "check")
    assert (ran.status, ran.out) == (2, "")
    assert "rule 1: no function lock_dors; did you mean lock_doors?" in ran.err
