"""Where the hub's own broker listens, and as whom Home Assistant speaks: unsafe is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator import disk, settings
from orchestrator.broker import Listen, passwords
from schemas.errors import HubError, InvalidSettings

CERTIFIED = "cert_file = 'c.pem'\nkey_file = 'k.pem'"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("listen = '0.0.0.0:8883'", r"cert_file and broker\.key_file, or, .*listen_unencrypted"),
        ("listen = '0.0.0.0:8883'\ncert_file = 'c.pem'", r"key_file belong together"),
        (f"listen = '0.0.0.0:8883'\n{CERTIFIED}\nlisten_unencrypted = true", "in the clear"),
        (f"listen = '0.0.0.0:1883'\n{CERTIFIED}", r"a port of its own, such as 0\.0\.0\.0:8883"),
        (f"listen = '0.0.0.0:0'\n{CERTIFIED}", "a port of its own"),
        (f"listen = '0.0.0.0:70000'\n{CERTIFIED}", "a port of its own"),
        (f"listen = '0.0.0.0'\n{CERTIFIED}", r"\.listen: .*such as 0\.0\.0\.0:8883"),
        (f"listen = 'host:8883'\nurl = 'mqtt://h'\n{CERTIFIED}", r"broker\.url names another"),
        (CERTIFIED, r"broker\.listen must say where"),
        ("listen_unencrypted = true", r"broker\.listen must say where"),
    ],
)
def test_an_unsafe_address_is_refused_and_says_why(tmp_path: Path, said: str, why: str) -> None:
    (tmp_path / "hub.toml").write_text(f"[broker]\n{said}\n")
    with pytest.raises(InvalidSettings, match=rf"hub\.toml: (?=broker).*{why}"):
        settings.load(tmp_path)


@pytest.mark.parametrize(
    ("said", "listen"),
    [
        ("", None),
        (f"listen = '0.0.0.0:8883'\n{CERTIFIED}", Listen("0.0.0.0", 8883, "c.pem", "k.pem")),
        ("listen = '[::1]:1884'\nlisten_unencrypted = true", Listen("::1", 1884)),
    ],
)
def test_a_safe_one_is_taken(tmp_path: Path, said: str, listen: Listen | None) -> None:
    (tmp_path / "hub.toml").write_text(f"[broker]\n{said}\n")
    loaded, _ = settings.load(tmp_path)
    assert loaded.broker.listening() == listen
    assert loaded.broker.login() is None


def test_a_configured_broker_has_one_login_for_all(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    broker = settings.BrokerSettings(
        url="mqtt://h:1", username="hub", password_file=str(tmp_path / "password")
    )
    login = broker.login()
    assert login is not None
    assert (login.host, login.port, login.username, login.password) == ("h", 1, "hub", "secret")
    assert "secret" not in repr(login)


def test_home_assistant_speaks_as_somebody_who_is_known(tmp_path: Path) -> None:
    hub = tmp_path / "hub.toml"
    hub.write_text("[home_assistant]\nuser = 'panel'\n")
    with pytest.raises(InvalidSettings, match=r"home_assistant\.user: no user panel in people"):
        settings.load(tmp_path)
    (tmp_path / "people.toml").write_text("[users.panel]\n")
    assert settings.load(tmp_path)[0].home_assistant.user == "panel"
    hub.write_text("")
    assert not settings.load(tmp_path)[0].home_assistant.user, "off unless somebody is named"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_login_that_root_makes_is_the_hubs_to_read(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    os.chown(folder, 4711, 4712)
    passwords(tmp_path, ("ann",))
    for file in (folder / "passwords.json", folder / "lock"):
        its = file.stat()
        assert (its.st_uid, its.st_gid, its.st_mode & 0o777) == (4711, 4712, 0o600), file


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_the_hubs_user_links_to_is_not_given_to_it(tmp_path: Path) -> None:
    folder, roots = tmp_path / "broker", tmp_path / "secret"
    roots.write_text("root's own")
    folder.mkdir()
    os.chown(folder, 4711, 4712)
    (folder / "lock").symlink_to(roots)
    with pytest.raises(HubError):
        passwords(tmp_path, ("ann",))
    disk.give(folder / "lock", folder)
    assert (roots.stat().st_uid, roots.read_text()) == (0, "root's own")
