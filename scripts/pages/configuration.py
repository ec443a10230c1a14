"""Every key of the configuration."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.settings import schema
from orchestrator.settings.schema import FILES, Place, keys
from pages.fields import text

HEAD = """# The configuration

Made by `scripts/reference` from the models of the settings and the comments in `config/`; edit
those, not this page. The files in `config/` are examples, and `config/schema/` has JSON schemas
for editors: a file that begins with `#:schema schema/hub.schema.json` is checked and completed
while it is written (VS Code with Even Better TOML, and whatever else uses Taplo).

Types are meant as they are written: no number in quotes, no 1 for true. What is unknown or wrong is
one line with the file, the key and, where one is near, the key that was meant; the hub does not
start then. `functions/` and `recipes/` in the folder take the place of the packaged functions, and
come before the packaged recipes.
"""


def page(root: Path) -> str:
    """The whole page."""
    parts = [HEAD, *(_file(name, root / "config") for name in FILES), _addresses()]
    return "\n".join(parts)


def _file(name: str, folder: Path) -> str:
    said = FILES[name].read(folder)
    title = "functions/*.toml" if name == "functions" else f"{name}.toml"
    out = [f"## {title}", "", said.about.get((), ""), ""]
    section: Place | None = None
    for place, node in keys(schema.of(name, folder)):
        if node.get("properties") or _entries(node):
            continue  # a section: its keys follow
        if place[:-1] != section:
            section = place[:-1]
            about = said.about.get(schema.find(said.about, section) or section, "")
            out += ["", f"### {_written(section, name)}", "", about, ""] if section else []
            out += ["| key | type | default | |", "|---|---|---|---|"]
        comment = text(schema.comment_of(said, place)).partition("; default: ")[0]
        out.append(f"| `{place[-1]}` | {text(_type(node))} | {_default(node)} | {comment} |")
    return re.sub(r"\n{3,}", "\n\n", "\n".join([*out, ""]))


def _entries(node: dict[str, Any]) -> bool:
    inner = node.get("items") or node.get("additionalProperties")
    return isinstance(inner, dict) and "properties" in inner


def _written(section: Place, name: str) -> str:
    dotted = ".".join(section).replace("*", "NAME")
    several = name != "hub" or section == ("console",)
    return f"`[[{dotted}]]`" if several and section[0] != "users" else f"`[{dotted}]`"


def _type(node: dict[str, Any]) -> str:
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(_type(each) for each in node["anyOf"]))
    if "const" in node:
        return f"`{node['const']}`"
    kind = {"string": "text", "integer": "whole number", "boolean": "true or false",
            "array": "list", "object": "table"}.get(node["type"], node["type"])  # fmt: skip
    if node["type"] == "array" and isinstance(node.get("items"), dict):
        kind = f"list of {_type(node['items'])}"
    return kind + "".join(_bounds(node))


def _bounds(node: dict[str, Any]) -> Iterator[str]:
    words = {"minimum": "from", "exclusiveMinimum": "over", "maximum": "to"}
    yield from (f" {said} {node[key]:g}" for key, said in words.items() if key in node)


def _default(node: dict[str, Any]) -> str:
    if "default" not in node:
        return "none"
    value = node["default"]
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _addresses() -> str:
    out = [
        "## Addresses of devices",
        "",
        "What `address` of a device may hold, by its `protocol`.",
        "",
    ]
    for name in ("adb", *schema.protocols()):
        known, needs = schema.address_of(name)
        ways = " or ".join(" with ".join(f"`{key}`" for key in sorted(way)) for way in needs)
        out += [f"### {name}", "", f"It needs {ways}." if ways else "It needs none.", ""]
        out += [f"- `{key}`: {said}" for key, said in known.items() if "." not in key]
        if paths := [key for key in known if "." in key]:
            out.append(f"- {len(paths)} signals of VSS, such as `{paths[0]}`: {known[paths[0]]}")
        out.append("")
    return "\n".join(out).rstrip() + "\n"
