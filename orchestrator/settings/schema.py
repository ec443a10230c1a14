"""JSON schemas of the configuration files, for editors: from the models, with the comments of the
examples in `config/`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from orchestrator import drivers
from orchestrator.settings import example
from orchestrator.settings.devices import DeviceFile, address_of
from orchestrator.settings.example import Example, Place
from orchestrator.settings.section import Section
from orchestrator.settings.whole import HubFile, PeopleFile, PolicyFile
from schemas.function import Function

Schema = dict[str, Any]
ANY = "*"
"""Stands in a place for a name that the household chooses."""


class FunctionFile(Section):
    """`functions/*.toml`."""

    function: tuple[Function, ...] = ()


class File(NamedTuple):
    """One kind of file: what it may say, and the example with a comment for each key."""

    kind: type[BaseModel]
    example: str
    head: bool = False
    """Whether its first comment alone is the example."""

    def read(self, folder: Path) -> Example:
        """The example in a configuration folder."""
        text = (folder / self.example).read_text(encoding="utf-8")
        return example.read(text.split("\n\n")[0] if self.head else text)


FILES: Mapping[str, File] = {
    "hub": File(HubFile, "hub.toml"),
    "devices": File(DeviceFile, "devices.toml"),
    "people": File(PeopleFile, "people.toml"),
    "policy": File(PolicyFile, "policy.toml"),
    "functions": File(FunctionFile, "functions/published.toml", head=True),
}


def protocols() -> Iterator[str]:
    """Those whose drivers come with the hub."""
    return (name for name in sorted(drivers.offered()) if drivers.is_own(name))


def of(name: str, folder: Path) -> Schema:
    """The schema of one kind of file; `folder` is the one with the examples."""
    file = FILES[name]
    whole = bare(file.kind)
    if name == "hub":
        whole["properties"]["adapters"] = _adapters()
    if name == "devices":
        whole["properties"]["device"]["items"]["allOf"] = [*_addresses()]
    said = file.read(folder)
    for place, node in keys(whole):
        if comment := comment_of(said, place):
            node["description"] = comment
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": file.example}
    return head | whole


def bare(kind: type[BaseModel]) -> Schema:
    """A model's schema without references and titles."""
    said = kind.model_json_schema()
    whole: Schema = _inlined(said, said.pop("$defs", {}))
    return whole


def _inlined(node: Any, defs: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(each, defs) for each in node]
    if not isinstance(node, dict):
        return node
    own = {
        key: {name: _inlined(each, defs) for name, each in value.items()}
        if key == "properties"
        else value if key == "default" else _inlined(value, defs)
        for key, value in node.items()
        if key not in ("$ref", "title") and not (key == "default" and value is None)
    }  # fmt: skip
    if "$ref" in node:
        return _inlined(defs[node["$ref"].rpartition("/")[2]], defs) | own
    if {"type": "null"} in own.get("anyOf", ()):  # TOML has none
        some = [each for each in own.pop("anyOf") if each != {"type": "null"}]
        return (some[0] if len(some) == 1 else {"anyOf": some}) | own
    return own


def keys(node: Schema, place: Place = ()) -> Iterator[tuple[Place, Schema]]:
    """Every key that a file may say, the outer before the inner."""
    for name, inner in node.get("properties", {}).items():
        yield (*place, name), inner
        yield from keys(inner, (*place, name))
    if isinstance(items := node.get("items"), dict):
        yield from keys(items, place)
    if isinstance(each := node.get("additionalProperties"), dict):
        yield from keys(each, (*place, ANY))


def comment_of(said: Example, place: Place) -> str:
    """What an example says of a key; of a section, what stands above it."""
    found = find(said.keys, place)
    return said.keys[found].comment if found else said.about.get(place, "")


def find(known: Mapping[Place, object], place: Place) -> Place | None:
    """A place of the example, where any name does for one that the household chooses."""
    for there in known:
        if len(there) == len(place) and all(
            a in (b, ANY) for a, b in zip(place, there, strict=True)
        ):
            return there
    return None


def _adapters() -> Schema:
    """What `[adapters.PROTOCOL]` may say; of other people's adapters anything."""
    known = {name: bare(drivers.load(name).options) for name in protocols()}
    options = {name: said for name, said in known.items() if said.get("properties")}
    return {"type": "object", "properties": options, "additionalProperties": {"type": "object"}}


def _addresses() -> Iterator[Schema]:
    """By protocol, what an address may hold."""
    for name in ("adb", *protocols()):
        known, needs = address_of(name)
        if known:
            said: Schema = {
                "properties": {key: {"type": "string", "description": known[key]} for key in known},
                "additionalProperties": False,
                "anyOf": [{"required": sorted(way)} for way in needs],
            }
            yield {
                "if": {"properties": {"protocol": {"const": name}}, "required": ["protocol"]},
                "then": {"properties": {"address": said}, "required": ["address"]},
            }
