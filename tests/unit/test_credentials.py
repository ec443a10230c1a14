"""Secrets from systemd: files that a configuration names without knowing where they are."""

from pathlib import Path

import pytest

from orchestrator import settings
from schemas.errors import InvalidSettings

HUB = """
[broker]
url = "mqtt://broker.example"
username = "hub"
password_file = "${CREDENTIALS_DIRECTORY}/broker"
[email]
host = "localhost"
security = "none"
from = "hub@example.org"
username = "hub"
password_file = "/etc/${CREDENTIALS_DIRECTORY}/mail"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hub.toml").write_text(HUB)
    (tmp_path / "given").mkdir()
    (tmp_path / "given/broker").write_text("plover\n")
    (tmp_path / "devices.toml").write_text(
        '[[device]]\nid = "car"\nkind = "car"\nname = "Car"\nprotocol = "ovms"\n'
        'address = { prefix = "ovms/me/car", pin_file = "${CREDENTIALS_DIRECTORY}/pin" }\n'
    )
    return tmp_path


def test_a_key_that_begins_with_the_folder_finds_its_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / "given"))
    loaded, _ = settings.load(folder)
    assert loaded.broker.password() == "plover"
    assert loaded.devices[0].address["pin_file"] == f"{folder}/given/pin"
    assert loaded.email.password_file.startswith("/etc/$"), "only at the beginning"


def test_without_systemd_the_configuration_loads_and_the_file_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    loaded, _ = settings.load(folder)
    with pytest.raises(InvalidSettings, match=r"broker\.password_file: .*CREDENTIALS_DIRECTORY"):
        loaded.broker.password()
