"""What keeps the hub from starting is one line and exit status 2."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.daemon import Site, octopus
from tests.ran import Ran


def one_line(ran: Ran, *said: str) -> None:
    assert ran.status == 2
    assert ran.out == ""
    assert len(ran.err.strip().splitlines()) == 1, ran.err
    assert ran.err.startswith("octopus: ")
    for words in said:
        assert words in ran.err


def _hub(line: str) -> Callable[[Site], object]:
    def write(site: Site) -> None:
        state = f"[hub]\nstate = '{site.state}'\n"
        text = line.replace("[hub]\n", state) if "[hub]\n" in line else state + line
        (site.config / "hub.toml").write_text(text)

    return write


def _unkeepable(site: Site) -> None:
    (site.config / "hub.toml").write_text("[hub]\nstate = '/dev/null/x'\n")


def _state(name: str, content: bytes) -> Callable[[Site], object]:
    def write(site: Site) -> None:
        site.state.mkdir()
        (site.state / name).write_bytes(content)

    return write


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_hub("[broker]\nprot = 1883"), ("hub.toml", "unknown key broker.prot", "mean port?")),
        (_hub("[hub]\ntime_zone = 'Mars/Base'"), ("hub.time_zone", "Mars/Base")),
        (_hub("[broker\n"), ("hub.toml", "line 3")),
        (_unkeepable, ("/dev/null/x", "cannot keep state")),
        (_hub("[broker]\nurl = 'mqtt://h'\npassword_file = '/no'"), ("broker.password_file",)),
        (_hub("[model]\nurl = '/no/weights'"), ("/no/weights",)),
        (lambda site: (site.config / "hub.toml").unlink(), ("has no hub.toml", "--config")),
        (_state("devices.json", b"{"), ("devices.json is damaged",)),
        (_state("journal.db", b"no database at all" * 100), ("journal.db",)),
    ],
)
async def test_what_is_wrong_is_named(
    site: Site, spoil: Callable[[Site], object], said: tuple[str, ...]
) -> None:
    spoil(site)
    one_line(await site.octopus("run"), *said)


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "nothing"
    one_line(await octopus("run", "--config", str(folder)), str(folder), "is no folder")


async def test_a_port_in_use(site: Site) -> None:
    with socket.create_server(("127.0.0.1", site.port)):
        one_line(await site.octopus("run"), f"port {site.port} is taken", "broker.port", "url")


async def test_no_hub_to_talk_to(site: Site) -> None:
    (site.config / "hub.toml").write_text(f"[hub]\nstate = '{site.state}'\n[broker]\nport = 0\n")
    one_line(await site.octopus("devices"), "broker.port is 0")
