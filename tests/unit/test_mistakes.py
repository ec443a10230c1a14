"""A wrong value for any key of any file is one line that names the file and the key, and nothing
else than that; the schemas for editors say independently which values are wrong."""

import copy
import datetime
import json
import math
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from orchestrator import settings
from orchestrator.settings import schema
from orchestrator.settings.schema import ANY, FILES, Place, keys
from schemas.errors import InvalidSettings

ROOT = Path(__file__).parent.parent.parent
CONFIG = ROOT / "config"
WRONG: tuple[Any, ...] = (
    "x", "", "\n\x07", "9" * 5000, 7, -1, 0, 10**30, 0.5, math.nan, math.inf, True,
    [], ["x"], [[7]], [{}], {}, {"a": 7}, datetime.date(2026, 1, 1),
)  # fmt: skip
FILE = {name: "functions/own.toml" if name == "functions" else f"{name}.toml" for name in FILES}
files = pytest.mark.parametrize("name", FILES)


def example(name: str) -> dict[str, Any]:
    return tomllib.loads(FILES[name].read(CONFIG).toml)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration of all examples."""
    (tmp_path / "functions").mkdir()
    named = {rule["function"] for rule in example("policy")["rule"] if "function" in rule}
    both = [tomllib.loads(file.read_text()) for file in (CONFIG / "functions").glob("*.toml")]
    some = [f for said in both for f in said["function"] if f["name"] in named]
    (tmp_path / "functions/named.toml").write_text(toml({"function": some}))
    for name in FILES:
        (tmp_path / FILE[name]).write_text(toml(example(name)))
    settings.load(tmp_path)
    return tmp_path


def toml(said: Any) -> str:
    """What TOML calls it, sections as tables in a line."""
    return "".join(f"{json.dumps(key)} = {_inline(value)}\n" for key, value in said.items())


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(key)} = {_inline(each)}" for key, each in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, datetime.date):
        return value.isoformat()
    return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")


def holders(said: Any, place: Place) -> Iterator[dict[str, Any]]:
    """The tables in which the last key of a place stands, or could."""
    for each in said if isinstance(said, list) else [said]:
        if len(place) == 1:
            yield each
        elif place[0] == ANY:
            for inner in each.values():
                yield from holders(inner, place[1:])
        elif place[0] in each:
            yield from holders(each[place[0]], place[1:])


def refused(folder: Path, name: str, said: Any) -> str | None:
    """What is said against a file; None where nothing is."""
    file = folder / FILE[name]
    file.write_text(toml(said))
    try:
        settings.load(folder)
    except InvalidSettings as error:
        line = str(error)
        assert line.isprintable(), line
        assert len(line) < 600
        other = {"functions": ".toml", "people": "policy.toml"}  # that names what is in this one
        assert str(file) in line or other.get(name, file.name) in line
        return line
    return None


@files
def test_a_wrong_value_of_any_key_is_a_line_that_names_it(name: str, folder: Path) -> None:
    described, whole, tried = schema.of(name, CONFIG), example(name), 0
    wrong = Draft202012Validator(described)
    if name == "hub":  # it needs nothing of the others
        for other in ("devices", "people", "policy"):
            (folder / FILE[other]).unlink()
    for place, _ in keys(described):
        for value in WRONG:
            said = {place[0]: copy.deepcopy(whole[place[0]])}
            first = next(holders(said, place))
            first[place[-1]] = value
            line = refused(folder, name, said)
            tried += 1
            if any(wrong.iter_errors(json.loads(json.dumps(said, default=lambda _: [[]])))):
                assert line, f"{'.'.join(place)} = {value!r} was taken"
                assert place[-1] in line, f"{'.'.join(place)} = {value!r}: {line}"
    assert tried >= 5 * len(WRONG)


@files
def test_an_unknown_key_anywhere_is_refused_with_the_nearest(name: str, folder: Path) -> None:
    for place, _ in keys(schema.of(name, CONFIG)):
        said = copy.deepcopy(example(name))
        first = next(holders(said, place))
        first[f"{place[-1]}x"] = first.pop(place[-1], 7)
        line = refused(folder, name, said)
        assert line, f"{'.'.join(place)}x was taken"
        if place[0] == "adapters" and len(place) == 2:
            assert f"no adapter for protocol '{place[1]}x'; there are: " in line
        else:
            assert "unknown key" in line
            assert f"{place[-1]}x" in line
            assert len(place) == 1 or "; did you mean" in line


@pytest.mark.parametrize("protocol", ["adb", *schema.protocols()])
def test_an_unknown_key_of_an_address_is_refused(protocol: str, folder: Path) -> None:
    known, needs = schema.address_of(protocol)
    address = dict.fromkeys(min(needs, key=sorted, default=()), "1")
    device = {"id": "a", "kind": "pc", "name": "a", "protocol": protocol}
    assert refused(folder, "devices", {"device": [device | {"address": address}]}) is None
    for key in known:
        line = refused(
            folder, "devices", {"device": [device | {"address": address | {f"{key}x": "1"}}]}
        )
        assert line
        assert f"a: unknown key address.{key}x" in line
        assert "; did you mean" in line


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[hub]\nname = 'caf\xe9'", "is no UTF-8 text: byte 18 is wrong"),
        ("[hub]\nname = 'x'".encode("utf-16"), "is no UTF-8 text: byte 1 is wrong"),
        (b"[hub]\nname = 'a'\nname = 'b'", "Cannot overwrite a value"),
        (b"[hub]\n[hub]", "Cannot declare ('hub',) twice"),
        (b"[hub]\nname = \t\x00", "Invalid value"),
        (b"[hub]\nname = 01", "line 2"),
        (b"a = " + b"[" * 100_000, "recursion"),
        (b"[limits]\nburst = " + b"9" * 5000, "integer"),
    ],
)
@files
def test_what_is_no_toml_is_a_line_that_names_the_file(
    name: str, content: bytes, says: str, folder: Path
) -> None:
    file = folder / FILE[name]
    file.write_bytes(content)
    with pytest.raises(InvalidSettings) as refusal:
        settings.load(folder)
    line = str(refusal.value)
    assert line.startswith(f"{file}: ")
    assert says.casefold() in line.casefold()
    assert line.isprintable()


@files
def test_what_cannot_be_read_is_a_line_that_names_the_file(name: str, folder: Path) -> None:
    file = folder / FILE[name]
    file.unlink()
    file.mkdir()
    with pytest.raises(InvalidSettings, match=rf"{FILE[name]}: cannot be read: Is a directory$"):
        settings.load(folder)
    file.rmdir()
    file.symlink_to(file)
    with pytest.raises(InvalidSettings, match=rf"{FILE[name]}: cannot be read: Too many levels"):
        settings.load(folder)
    file.unlink()
    file.symlink_to(folder / "nowhere")  # what it should say is not the same as nothing
    with pytest.raises(InvalidSettings, match=rf"{FILE[name]}: cannot be read: No such file"):
        settings.load(folder)


def test_tabs_and_a_mark_of_the_byte_order_are_no_mistakes(folder: Path) -> None:
    (folder / "hub.toml").write_bytes(b"\xef\xbb\xbf[hub]\r\n\tname\t=\t'den'\t# ours\r\n")
    assert settings.load(folder)[0].hub.name == "den"


def test_what_the_other_files_say_does_not_stand_in_the_first(folder: Path) -> None:
    for key in ("policy = {}", "people = {}", "devices = []", "recipes = 'x'"):
        (folder / "hub.toml").write_text(key)
        with pytest.raises(InvalidSettings, match=r"hub\.toml: unknown key"):
            settings.load(folder)


def test_functions_are_of_devices_that_there_are(folder: Path) -> None:
    said = example("functions")
    said["function"][0]["kinds"] = ["hom"]
    line = refused(folder, "functions", said)
    assert line
    assert "function feed_pet: kinds: no kind hom; did you mean home?" in line


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("hub.toml", "[broker]\nport = '1883'", "broker.port: a whole number is needed"),
        ("policy.toml", "[[rule]]\nverdict = 1", "rule 1: verdict: "),
        ("devices.toml", "device = 7", "device: a list is needed"),
    ],
)
def test_the_command_line_says_it_in_a_line_and_ends_with_2(
    file: str, text: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "hub.toml").write_text("")
    (tmp_path / file).write_text(text)
    octopus = [sys.executable, "-m", "orchestrator.cli", "run", "--config", str(tmp_path)]
    home = os.environ | {"STATE_DIRECTORY": str(tmp_path / "state")}
    ended = subprocess.run(octopus, capture_output=True, text=True, check=False, env=home, cwd=ROOT)
    assert ended.returncode == 2, ended.stderr
    assert not ended.stdout
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"octopus: {tmp_path / file}: {says}")
