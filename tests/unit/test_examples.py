"""Every key of the configuration stands in its example, with its default and what it is for; the
schemas for editors say the same."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from orchestrator import settings
from orchestrator.settings import schema
from orchestrator.settings.schema import FILES, keys

ROOT = Path(__file__).parent.parent.parent
CONFIG = ROOT / "config"
files = pytest.mark.parametrize("name", FILES)


def nothing(said: Any) -> Any:
    """What is empty, in whatever type, is no default."""
    return None if said in ("", [], {}, None) else said


@files
def test_every_key_has_a_comment_in_the_example(name: str) -> None:
    said = FILES[name].read(CONFIG)
    bare = [
        ".".join(place)
        for place, node in keys(schema.of(name, CONFIG))
        if not node.get("properties") and not schema.comment_of(said, place)
        and node.get("type") not in ("object", "array")
    ]  # fmt: skip
    assert not bare, f"write a comment for each in config/{FILES[name].example}"


@files
def test_every_key_stands_in_the_example_with_its_default(name: str) -> None:
    said = FILES[name].read(CONFIG)
    for place, node in keys(schema.of(name, CONFIG)):
        found = schema.find(said.keys, place)
        inside = [there for there in said.keys if schema.find({there[: len(place)]: 0}, place)]
        assert found or inside, f"config/{FILES[name].example} does not say {'.'.join(place)}"
        if found and "default" in node and not node.get("properties"):
            stated = nothing(said.keys[found].default)
            assert stated == nothing(node["default"]), f"{'.'.join(place)}: another default"


@files
def test_the_example_says_no_key_that_there_is_not(name: str) -> None:
    known = [place for place, _ in keys(schema.of(name, CONFIG))]
    free = {("adapters", "cast", "music"), ("adapters", "cast", "videos"), ("users",)}
    for place in FILES[name].read(CONFIG).keys:
        if place[:-1] not in free:
            assert any(schema.find({place: 0}, there) for there in known), ".".join(place)


@files
def test_the_example_is_right_once_nothing_is_commented_out(name: str, tmp_path: Path) -> None:
    said = FILES[name].read(CONFIG).toml
    assert not list(Draft202012Validator(schema.of(name, CONFIG)).iter_errors(tomllib.loads(said)))
    (tmp_path / "hub.toml").write_text("")
    (tmp_path / "functions").mkdir()
    for function in (CONFIG / "functions").glob("*.toml"):
        (tmp_path / "functions" / function.name).write_text(function.read_text())
    file = tmp_path / (f"{name}.toml" if name != "functions" else "functions/own.toml")
    if name == "policy":  # it names people
        (tmp_path / "people.toml").write_text(FILES["people"].read(CONFIG).toml)
    file.write_text(said)
    settings.load(tmp_path)


@pytest.mark.parametrize("file", [*CONFIG.glob("*.toml"), *CONFIG.glob("functions/*.toml")])
def test_every_file_names_its_schema_for_editors(file: Path) -> None:
    first = file.read_text().splitlines()[0]
    named = file.parent / first.removeprefix("#:schema ")
    assert named.is_file(), first
    read = json.loads(named.read_text())
    Draft202012Validator.check_schema(read)
    assert not list(Draft202012Validator(read).iter_errors(tomllib.loads(file.read_text())))


def test_the_schemas_are_current() -> None:
    script = [sys.executable, str(ROOT / "scripts/schemas"), "--check"]
    checked = subprocess.run(script, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
