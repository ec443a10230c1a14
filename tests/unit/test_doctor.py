"""`octopus doctor`: every fault is named with what to do, and what is in order is not spoken of as
wrong."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import ssl
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.doctor import broker, checks, clock, examine, kept, network, phones, ports
from orchestrator.doctor.certificates import of_file, shown_by
from orchestrator.doctor.checks import Check, Level
from orchestrator.doctor.packages import package_checks
from orchestrator.doctor.service import service_checks
from orchestrator.settings import BrokerSettings, Http, Hub, Settings, Wyoming
from tests.broker import running_broker
from tests.certificates import Authority
from tests.clikit import Octopus


@pytest.fixture
def octopus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Octopus:
    return Octopus(tmp_path, capsys, monkeypatch)


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
        return number


def made(folder: Path, **sections: Any) -> Settings:
    return Settings(hub=Hub(state=str(folder / "state"), time_zone="Europe/Berlin"), **sections)


def told(found: Iterator[Check], name: str) -> Check:
    return next(check for check in found if check.name == name)


def test_all_that_is_in_order_is_good(octopus: Octopus, port: int) -> None:
    octopus.write(
        "hub.toml",
        f'[hub]\nstate = "{octopus.state}"\ntime_zone = "Europe/Berlin"\n[broker]\nport = {port}\n',
    )
    octopus.state.mkdir(mode=0o700)
    ran = octopus("doctor", "--json")
    wrong = [one for one in ran.told if one["level"] == "wrong"]
    assert (ran.status, wrong, ran.err) == (0, [], "")
    names = {one["name"] for one in ran.told}
    assert {"embedded weights", "mosquitto", "broker", "adb", "time zone", "clock"} <= names
    assert {"state", "journal", "disk", "mDNS", "packages"} <= names
    assert all(one["todo"] == "" for one in ran.told if one["level"] == "good")


def test_what_is_wrong_is_said_with_what_to_do_and_status_one(octopus: Octopus, port: int) -> None:
    octopus.write(
        "hub.toml",
        f'[hub]\nstate = "{octopus.state}"\ntime_zone = "Europe/Berlin"\n[broker]\nport = {port}\n',
    )
    octopus.state.mkdir(mode=0o755)
    with socket.create_server(("127.0.0.1", port)):
        ran = octopus("doctor")
    assert ran.status == 1
    lines = ran.out.splitlines()
    taken = next(line for line in lines if " broker: " in line)
    assert taken.startswith("wrong broker: no hub runs, and another program listens on port")
    assert "set broker.port in hub.toml" in taken
    opened = next(line for line in lines if " state: " in line)
    assert opened.startswith(f"wrong state: {octopus.state} is open to others; chmod 700")


def test_a_look_that_breaks_keeps_no_other_away(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise PermissionError("not for you")

    monkeypatch.setattr(kept.os, "walk", broken)
    (tmp_path / "state").mkdir(mode=0o700)
    found = list(examine(made(tmp_path, broker=BrokerSettings(port=0)), catalogue))
    assert told(iter(found), "state").said == "not for you"
    assert told(iter(found), "packages").level is Level.GOOD


def test_without_mosquitto_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks.shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(broker.importlib.util, "find_spec", lambda _: None)
    check = told(broker.broker_checks(made(tmp_path), False), "mosquitto")
    assert (check.level, check.said) == (Level.WRONG, "there is none")
    assert "apt install mosquitto" in check.todo
    monkeypatch.setattr(broker.importlib.util, "find_spec", lambda _: "there")
    assert told(broker.broker_checks(made(tmp_path), False), "mosquitto").level is Level.WARNING


def test_a_hub_that_runs_and_does_not_answer_is_wrong(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.client.CONNECT_WITHIN", 0.2)
    own = made(tmp_path, broker=BrokerSettings(port=port))
    check = told(broker.broker_checks(own, True), "broker")
    assert (check.level, check.said) == (Level.WRONG, f"no MQTT broker answers at 127.0.0.1:{port}")
    assert told(broker.broker_checks(own, None), "broker").level is Level.WARNING


class Served:
    """A broker in a loop of its own, for looks that have theirs."""

    def __init__(self, folder: Path, extra: str) -> None:
        self._arguments = folder, extra
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> int:
        self._thread.start()
        self._context = running_broker(*self._arguments)
        opening = self._context.__aenter__()
        return asyncio.run_coroutine_threadsafe(opening, self._loop).result(15).port

    def __exit__(self, *_: object) -> None:
        closing = self._context.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(closing, self._loop).result(15)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def test_a_broker_is_reached_by_tls_and_login(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with Served(tmp_path, authority.mosquitto("127.0.0.1")) as at:
        url, ca = f"mqtts://127.0.0.1:{at}", str(authority.file)
        trusting = made(tmp_path, broker=BrokerSettings(url=url, ca_file=ca))
        found = list(broker.broker_checks(trusting, False))
        certificate = told(iter(found), "broker's certificate")
        assert certificate.level is Level.WARNING, "it ends within the hour"
        assert "for 0 days more" in certificate.said
        assert told(iter(found), "broker").said == f"127.0.0.1:{at} lets in anybody"
        strange = made(tmp_path, broker=BrokerSettings(url=url))
        certificate = told(broker.broker_checks(strange, False), "broker's certificate")
        assert certificate.level is Level.WRONG
        assert "is not trusted: unable to get local issuer certificate" in certificate.said


def test_a_broker_that_refuses_the_login_is_not_one_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "CONNECT_WITHIN", 0.5)
    (tmp_path / "passwords").touch(mode=0o600)
    with Served(tmp_path, f"allow_anonymous false\npassword_file {tmp_path}/passwords") as at:
        (tmp_path / "secret").write_text("nonsense")
        login = BrokerSettings(
            url=f"mqtt://127.0.0.1:{at}", username="ann", password_file=str(tmp_path / "secret")
        )
        check = told(broker.broker_checks(made(tmp_path, broker=login), False), "broker")
    assert (check.level, check.said) == (
        Level.WRONG,
        f"the MQTT broker at 127.0.0.1:{at} refuses the login: wrong name or password",
    )


def test_a_broker_that_is_away_is_said(tmp_path: Path, port: int) -> None:
    check = shown_by("broker's certificate", "127.0.0.1", port, ssl.create_default_context())
    assert (check.level, check.said) == (Level.WRONG, f"127.0.0.1:{port}: Connection refused")


def test_a_certificate_of_ones_own_is_looked_at(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = map(str, authority.issue("hub.example.org"))
    assert of_file("page", certificate, key).level is Level.WARNING
    other = str(authority.issue("other.example.org")[1])
    assert of_file("page", certificate, other).level is Level.WRONG
    assert of_file("page", certificate, "/no/key").said.endswith("No such file or directory")
    (tmp_path / "broken.crt").write_text("no certificate")
    assert "not a certificate" in of_file("page", str(tmp_path / "broken.crt"), key).said


def test_a_page_that_cannot_or_does_not_listen_is_wrong(tmp_path: Path, port: int) -> None:
    page = made(tmp_path, http=Http(port=port))
    assert told(ports.port_checks(page, False), "page").level is Level.GOOD
    assert told(ports.port_checks(page, True), "page").level is Level.WRONG
    with socket.create_server(("127.0.0.1", port)):
        assert told(ports.port_checks(page, True), "page").level is Level.GOOD
        check = told(ports.port_checks(page, False), "page")
    assert (check.level, check.todo) == (Level.WRONG, "change that, or http.port in hub.toml")


def test_two_doors_on_one_port_are_wrong(tmp_path: Path, port: int) -> None:
    same = made(tmp_path, http=Http(port=port), wyoming=Wyoming(port=port))
    check = told(ports.port_checks(same, False), "ports")
    assert (check.level, check.said) == (
        Level.WRONG, f"http.port and wyoming.port are both {port}",
    )  # fmt: skip
    off = made(tmp_path, http=Http(port=0), wyoming=Wyoming(port=0))
    assert "ports" not in {one.name for one in ports.port_checks(off, False)}


def test_a_console_must_be_an_approved_phone(tmp_path: Path) -> None:
    wanted = made(tmp_path, console=({"device": "Pixel 8"},))
    check = told(ports.port_checks(wanted, False), "console")
    assert (check.level, check.todo) == (Level.WARNING, "octopus devices approve Pixel 8")


def test_phones_on_a_cable_must_be_for_this_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tmp_path / "sysfs"
    for name, value in {
        "1-2/serial": "SIM1", "1-2/busnum": "1", "1-2/devnum": "7",
        "1-2:1.0/bInterfaceClass": "ff", "1-2:1.0/bInterfaceSubClass": "42",
        "1-2:1.0/bInterfaceProtocol": "01",
    }.items():  # fmt: skip
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(value + "\n")
    nodes = tmp_path / "nodes"
    check = told(phones.phone_checks(made(tmp_path), where, nodes), "phones by USB")
    assert check.level is Level.WRONG, "there is no such device file"
    assert f"SIM1: this user may not use {nodes}/001/007" in check.said
    (nodes / "001").mkdir(parents=True)
    (nodes / "001/007").touch()
    check = told(phones.phone_checks(made(tmp_path), where, nodes), "phones by USB")
    assert check.said == "SIM1 is plugged in"
    nothing = told(phones.phone_checks(made(tmp_path), tmp_path / "none"), "phones by USB")
    assert nothing.level is Level.GOOD
    monkeypatch.setattr(phones, "find_adb", lambda: None)
    assert told(phones.phone_checks(made(tmp_path), where), "adb").level is Level.WARNING


@pytest.mark.parametrize(
    ("zone", "machine", "level"),
    [
        ("Europe/Berlin", "UTC", Level.GOOD),
        ("", "Asia/Seoul", Level.GOOD),
        ("", "Etc/UTC", Level.WARNING),
        ("", None, Level.WARNING),
        ("Mars/Base", "UTC", Level.WRONG),
    ],
)
def test_a_zone_must_be_named(
    monkeypatch: pytest.MonkeyPatch, zone: str, machine: str | None, level: Level
) -> None:
    monkeypatch.setattr(clock.tzlocal, "get_localzone_name", lambda: machine)
    where = Settings(hub=Hub(time_zone=zone))
    assert told(clock.clock_checks(where), "time zone").level is level


def test_a_clock_before_this_program_was_made_is_wrong() -> None:
    check = told(clock.clock_checks(Settings(), now=0), "clock")
    assert (check.level, check.todo) == (Level.WRONG, "set the clock")


@pytest.mark.parametrize(("said", "level"), [("yes\n", Level.GOOD), ("no\n", Level.WARNING)])
def test_what_keeps_the_clock_right_is_asked(
    monkeypatch: pytest.MonkeyPatch, said: str, level: Level
) -> None:
    monkeypatch.setattr(clock, "output", lambda *_: said)
    assert told(clock.clock_checks(Settings()), "network time").level is level
    monkeypatch.setattr(clock, "output", lambda *_: "System has not been booted with systemd")
    assert "network time" not in {check.name for check in clock.clock_checks(Settings())}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


def test_files_are_their_owners_alone(tmp_path: Path, state: Path) -> None:
    def look() -> Check:
        return told(kept.kept_checks(made(tmp_path)), "state")

    assert look().level is Level.GOOD
    (state / "tokens.json").touch(mode=0o644)
    assert look().level is Level.WARNING, "nobody gets into the folder"
    assert "chmod -R go-rwx" in look().todo
    state.chmod(0o750)
    assert look().level is Level.WRONG


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_files_of_another_user_are_wrong(tmp_path: Path, state: Path) -> None:
    os.chown(state, 4711, 4711)
    (state / "devices.json").touch(mode=0o600)
    check = told(kept.kept_checks(made(tmp_path)), "state")
    assert check.level is Level.WRONG
    assert "belongs to another user than the folder" in check.said


def test_files_with_passwords_are_looked_at(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    with_it = made(tmp_path, broker=BrokerSettings(url="mqtt://h", password_file=str(secret)))
    levels = []
    for prepare in (lambda: None, lambda: secret.touch(mode=0o644), lambda: secret.chmod(0o600)):
        prepare()
        levels.append(told(kept.kept_checks(with_it), "broker.password_file").level)
    assert levels == [Level.WRONG, Level.WARNING, Level.GOOD]


@pytest.mark.parametrize(
    ("free", "level"), [(10**7, Level.WRONG), (5 * 10**8, Level.WARNING), (10**12, Level.GOOD)]
)
def test_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: Level
) -> None:
    usage = namedtuple("usage", "total used free")(10**13, 0, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert told(kept.kept_checks(made(tmp_path)), "disk").level is level


def test_a_damaged_journal_is_wrong(tmp_path: Path, state: Path) -> None:
    (state / "journal.db").write_bytes(b"no database at all" * 100)
    check = told(kept.kept_checks(made(tmp_path)), "journal")
    assert (check.level, check.todo) == (Level.WRONG, kept._BRING_BACK)


def test_a_network_without_multicast_is_said(tmp_path: Path) -> None:
    (tmp_path / "flags").mkdir()
    for adapter in network.ifaddr.get_adapters():
        (tmp_path / "flags" / adapter.name).mkdir()
        (tmp_path / "flags" / adapter.name / "flags").write_text("0x1\n")  # up, no multicast
    check = told(network.network_checks(Settings(), tmp_path / "flags"), "mDNS")
    assert check.level is Level.WARNING
    assert "takes multicast" in check.said


def test_an_extra_that_the_configuration_needs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = made(tmp_path, http=Http(port=8377))
    assert told(package_checks(page), "packages").said.endswith(": web")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    check = told(package_checks(page), "packages")
    assert (check.level, check.todo) == (Level.WRONG, "pip install 'octopus-hub[web]'")


def test_a_device_that_nothing_speaks_to_is_named(tmp_path: Path, state: Path) -> None:
    lamp = {
        "id": "l1", "kind": "home", "name": "Lamp", "protocol": "telepathy", "approved": True,
        "functions": [], "address": {},
    }  # fmt: skip
    (state / "devices.json").write_text(json.dumps([lamp]))
    check = told(package_checks(made(tmp_path)), "packages")
    assert check.level is Level.WRONG
    assert "no adapter for protocol 'telepathy'" in check.said


@pytest.mark.parametrize(
    ("shown", "level"),
    [
        ("LoadState=loaded\nActiveState=failed\nUnitFileState=enabled", Level.WRONG),
        ("LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled", Level.WARNING),
        ("LoadState=loaded\nActiveState=active\nUnitFileState=disabled", Level.WARNING),
        ("LoadState=loaded\nActiveState=active\nUnitFileState=enabled", Level.GOOD),
        ("LoadState=not-found\nActiveState=inactive\nUnitFileState=", None),
    ],
)
def test_the_service_is_spoken_of_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: str, level: Level | None
) -> None:
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{shown}\nEND\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = [check.level for check in service_checks(tmp_path)]
    assert found == ([] if level is None else [level])
    assert list(service_checks(tmp_path / "no systemd")) == []


def test_a_program_that_hangs_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "hanging"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o700)
    monkeypatch.setattr(checks, "_WITHIN", 0.1)
    assert checks.output(str(program)) is None
    assert checks.output("there is no such program") is None
