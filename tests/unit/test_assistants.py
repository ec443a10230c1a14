"""Assistants and voices come in only where the configuration wants them, and says as whom."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator import settings
from orchestrator.catalogue import Catalogue
from orchestrator.doors.mcp import parameters
from schemas.errors import InvalidSettings
from schemas.function import Effect, Function, Parameter, ParameterType, ResultType, Risk

PEOPLE = "[users.voice]\n[users.ann]\n"


def load(folder: Path, said: str) -> settings.Settings:
    (folder / "hub.toml").write_text(said)
    (folder / "people.toml").write_text(PEOPLE)
    return settings.load(folder)[0]


def test_without_a_word_nobody_comes_in_by_either(tmp_path: Path) -> None:
    found = load(tmp_path, "")
    assert (found.mcp.http, found.wyoming.port, found.wyoming.listen) == (False, 0, "127.0.0.1")


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("[mcp]\nhttp = true", "mcp.http: assistants come in by the page's port: set http.port"),
        ("[mcp]\nhttps = true", "unknown key mcp.https; did you mean http?"),
        ("[wyoming]\nport = 70000", "wyoming.port"),
        ('[wyoming]\nlisten = "hub.local"', "wyoming.listen: .*is no address of this machine"),
        ('[wyoming]\nport = 1\nuser = "vioce"', "wyoming.user: no user vioce .*did you mean voice"),
        ('[wyoming]\nport = 1\nlisten = "0.0.0.0"', "wyoming.user: .*as local, a manager"),
        (
            '[hub]\nmanagers = ["ann"]\n[wyoming]\nport = 1\nlisten = "::"\nuser = "ann"',
            "wyoming.user: .*as ann, a manager",
        ),
    ],
)
def test_what_would_let_somebody_in_by_mistake_is_refused(
    tmp_path: Path, said: str, wrong: str
) -> None:
    with pytest.raises(InvalidSettings, match=wrong):
        load(tmp_path, said)


def test_the_network_commands_as_a_user_of_its_own(tmp_path: Path) -> None:
    found = load(tmp_path, '[wyoming]\nport = 1\nlisten = "0.0.0.0"\nuser = "voice"')
    assert found.wyoming.on_network
    assert not load(tmp_path, '[wyoming]\nport = 1\nlisten = "::1"').wyoming.on_network


@pytest.mark.parametrize("module", ["orchestrator.app", "orchestrator.web", "orchestrator.cli"])
def test_what_assistants_need_is_imported_only_where_they_come_in(module: str) -> None:
    never = "{'mcp', 'mcp_types', 'wyoming', 'httpx2', 'jsonschema'}"
    code = f"import sys, {module}; print([m for m in {never} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


@pytest.mark.parametrize(
    ("extra", "module"),
    [
        ("mcp", "orchestrator.doors.mcp.http"),
        ("mcp", "orchestrator.doors.mcp.stdio"),
        ("wyoming", "orchestrator.voice"),
    ],
)
def test_a_library_that_is_not_there_is_named(extra: str, module: str) -> None:
    code = (
        f"import sys; sys.modules['{extra}'] = None\n"
        f"from orchestrator.extras import extra\nwith extra('{extra}'):\n    import {module}"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert told.stderr.strip().endswith(f"pip install 'octopus-hub[{extra}]'")


def test_a_schema_says_what_the_catalogue_says() -> None:
    made = Function(
        token=50, name="water", description="Water it.", kinds=("home",), effect=Effect.ONCE,
        result=ResultType.NONE, risk=Risk.CONFIRM, timeout=5, any_of=("device", "litres"),
        parameters=(
            Parameter(name="device", type=ParameterType.ENTITY, optional=True),
            Parameter(name="litres", type=ParameterType.NUMBER, minimum=0.5, unit="l", default=1.5),
            Parameter(name="now", type=ParameterType.BOOLEAN),
            Parameter(name="at", type=ParameterType.TIME),
        ),
    )  # fmt: skip
    schema = parameters.schema(made)
    assert schema["required"] == ["now", "at"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["litres"] == {
        "type": "number", "minimum": 0.5, "default": 1.5, "description": "in l",
    }  # fmt: skip
    assert schema["properties"]["now"] == {"type": "boolean"}
    assert "PT5M" in schema["properties"]["at"]["description"]
    assert set(schema["properties"]) == {"device", "litres", "now", "at", "on_device"}
    said = parameters.description(made)
    assert said == (
        "Water it. Give at least one of device, litres. A person is asked before it is done."
    )


def test_every_function_of_the_catalogue_has_a_schema(catalogue: Catalogue) -> None:
    for function in catalogue:
        properties = parameters.schema(function)["properties"]
        assert set(properties) > {parameter.name for parameter in function.parameters}
        assert {one["type"] for one in properties.values()} <= {
            "string", "integer", "number", "boolean",
        }  # fmt: skip
