"""The simulated `am` and `content` read words as AOSP's own parsers do (recorded results)."""

import json
from pathlib import Path
from typing import Any

import pytest

from device_adapters.simulated.phone import Phone, contentcall, intent
from device_adapters.simulated.phone.java import JavaError
from tests.unit.android.userspace_kit import run

RECORDED = Path(__file__).parents[2] / "fixtures/android/vectors.jsonl"
VECTORS = [json.loads(line) for line in RECORDED.read_text().splitlines()]
AM = [vector for vector in VECTORS if vector["cmd"] == "am start"]
CONTENT = [vector for vector in VECTORS if vector["cmd"] == "content"]


def test_all_vectors_are_here() -> None:
    assert (len(AM), len(CONTENT)) == (61, 33)


def am(argv: list[str]) -> dict[str, Any]:
    """The intent, in the vectors' shape."""
    try:
        found = intent.parse(argv)
    except JavaError as exc:
        return {"ok": False, "error": str(exc)}
    extras = {name: {"java": java, "value": value} for name, (java, value) in found.extras.items()}
    names = ("action", "data", "type", "categories", "component", "package", "flags")
    fields = {name: getattr(found, name) for name in names}
    return {"ok": True, "intent": {**fields, "extras": extras or None}}


@pytest.mark.parametrize("vector", AM, ids=lambda vector: " ".join(vector["argv"])[:60])
def test_am(vector: dict[str, Any]) -> None:
    assert am(vector["argv"]) == vector["result"]


def shown(call: contentcall.ContentCall) -> str:
    """The provider call, in the vectors' words."""

    def text(value: object) -> str:
        if value is None or isinstance(value, bool):
            return json.dumps(value)
        return str(value)

    options = call.options
    start = f"CALL user={call.user} "
    values = ",".join(f"{b.name}:{b.java}={text(b.value)}" for b in call.bindings)
    match call.operation:
        case "insert":
            return f"{start}insert {call.uri} {{{values}}}"
        case "update":
            return f"{start}update {call.uri} {{{values}}} where={text(options.get('where'))}"
        case "delete":
            return f"{start}delete {call.uri} where={text(options.get('where'))}"
        case "query":
            columns = f"[{', '.join(call.projection)}]" if call.projection else "null"
            where, sort = text(options.get("where")), text(options.get("sort"))
            return f"{start}query {call.uri} proj={columns} {{where={where}, sort={sort}}}"
        case "read":
            return f"{start}open {call.uri} r"
        case "gettype":
            return f"{start}gettype {call.uri}"
    extras = ",".join(f"{b.name}={text(b.value)}" for b in call.bindings)
    authority = call.uri.removeprefix("content://")
    return f"{start}call {authority} {options['method']} {text(options.get('arg'))} {{{extras}}}"


@pytest.mark.parametrize("vector", CONTENT, ids=lambda vector: " ".join(vector["argv"])[:60])
def test_content(vector: dict[str, Any]) -> None:
    try:
        call, error = shown(contentcall.parse(vector["argv"])), None
    except contentcall.BadCommandError as exc:
        call, error = None, f"[ERROR] {exc}"
    assert (call, error) == (vector["call"], vector["error"])


@pytest.mark.parametrize("vector", AM, ids=lambda vector: " ".join(vector["argv"])[:60])
def test_the_am_command_says_what_its_parser_says(phone: Phone, vector: dict[str, Any]) -> None:
    result = run(phone, "am", "start", *vector["argv"])
    failed = vector["result"].get("error")
    assert (failed or "") in result.stderr.decode()
    assert (result.code == 255) is (failed is not None)


@pytest.mark.parametrize("vector", CONTENT, ids=lambda vector: " ".join(vector["argv"])[:60])
def test_the_content_command_says_what_its_parser_says(
    phone: Phone, vector: dict[str, Any]
) -> None:
    result = run(phone, "content", *vector["argv"])
    assert result.code == 0
    said = result.stdout.decode()
    assert vector["error"] in said if vector["error"] else "[ERROR]" not in said
