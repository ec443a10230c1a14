"""A wrong configuration is one line that names the file, the key and what to do."""

from pathlib import Path

import pytest

from orchestrator import settings
from orchestrator.catalogue import Catalogue
from schemas.errors import InvalidSettings


def test_the_shipped_configuration_is_the_default(catalogue: Catalogue) -> None:
    loaded, functions = settings.load(settings.PACKAGED)
    assert loaded == settings.Settings()
    assert list(functions) == list(catalogue)


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("hub.toml", "[hub]\nregoin = 'US'", r"unknown key hub\.regoin; did you mean region"),
        ("hub.toml", "[hub\n", r"hub\.toml"),
        ("hub.toml", "[broker]\nport = 'x'", r"hub\.toml: broker\.port"),
        ("hub.toml", "[broker]\nurl = 'mqtt://host:99999'", r"hub\.toml: broker\.url"),
        ("hub.toml", "[broker]\nurl = 'mqtt://[bad'", r"hub\.toml: broker\.url"),
        ("hub.toml", "[broker]\nurl = 'mqtt://:1883'", r"hub\.toml: broker\.url"),
        ("hub.toml", "[broker]\nurl = 'mqtt://me:secret@host'", r"hub\.toml: broker\.url"),
        ("hub.toml", "[model]\nthreshold = 2", r"hub\.toml: model\.threshold"),
        ("policy.toml", "[functions]\nshutdwon = 'deny'", r"policy\.toml: .*did you mean shutdown"),
        ("policy.toml", "[functions]\nshutdown = 'perhaps'", r"policy\.toml: functions\.shutdown"),
        ("devices.toml", "[[device]]\nid='a'\nname='a'\nkind='phone'\nprotocol='adb'",
         r"devices\.toml: .*address has no host"),
        ("devices.toml", "[[device]]\nid='a'\nname='a'\nkind='phone'\nprotocol='usb'",
         r"devices\.toml: .*protocol 'usb'"),
        ("devices.toml", "[[device]]\nid='a'\nname='a'\nkind='fridge'\nprotocol='adb'",
         r"devices\.toml: device\.0\.kind"),
    ],
)  # fmt: skip
def test_says_what_is_wrong(file: str, text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text("")
    (tmp_path / file).write_text(text)
    with pytest.raises(InvalidSettings, match=says):
        settings.load(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="nowhere"):
        settings.load(tmp_path / "nowhere")
