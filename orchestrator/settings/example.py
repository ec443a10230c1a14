"""The files of `config/` as examples: every key with what stands there and its comment, those too
that are commented out. What the schemas for editors and the reference say is said there once."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Place = tuple[str, ...]
"""Keys from the outermost on; lists of tables do not count."""

_AS_COMMENT = re.compile(r'# (?=\[|[\w"][\w."-]* = |\s+# )')
_HEAD = re.compile(r"\[\[?([^\]]+)\]\]?\s*(?:# (.*))?")
_KEY = re.compile(r"""([\w."-]+)\s*=\s*(?:"[^"]*"|'[^']*'|[^"'#])*(?:# (.*))?""")
_MORE = re.compile(r"\s+# (.*)")
_DEFAULT = re.compile(r"(?:^|[;,] )default: (.+)$")


@dataclass
class Key:
    """One key: what the example gives it, and what it is for."""

    value: Any
    comment: str = ""

    @property
    def default(self) -> Any:
        """What holds without the key: what the comment says at its end, else what stands there."""
        said = _DEFAULT.search(self.comment)
        if said is None:
            return self.value
        return None if said[1] == "none" else tomllib.loads(f"it = {said[1]}")["it"]


@dataclass
class Example:
    """What one file says; `about` is what stands above a section, the file itself being ()."""

    keys: dict[Place, Key] = field(default_factory=dict)
    about: dict[Place, str] = field(default_factory=dict)
    toml: str = ""
    """The file with nothing commented out that is an example."""


def read(text: str) -> Example:
    """An example file; keys that stand there twice count the first time."""
    example, prose, section, last = Example(), list[str](), Place(), Key(None)
    for line in text.splitlines():
        shown = line[2:] if _AS_COMMENT.match(line) else line
        if more := _MORE.fullmatch(shown):
            last.comment = f"{last.comment} {more[1]}".strip()
        elif head := _HEAD.fullmatch(shown):
            section, last = _parts(head[1]), Key(None, head[2] or "")
            example.about.setdefault(section, _paragraphs([*prose, "", last.comment]))
            prose, last = [], example.keys.setdefault(section, last)
            example.toml += f"{shown}\n"
        elif found := _KEY.fullmatch(shown):
            value = tomllib.loads(shown)
            last = Key(_innermost(value), found[2] or "")
            last = example.keys.setdefault((*section, *_parts(found[1])), last)
            example.toml += f"{shown}\n"
        elif line.startswith("#") and not line.startswith("#:"):
            prose.append(line.removeprefix("#").strip())
        elif not line and () not in example.about:
            example.about[()], prose = _paragraphs(prose), []
    return example


def _parts(dotted: str) -> Place:
    return tuple(re.findall(r"[^.\"]+", dotted)) if '"' not in dotted else tuple(_quoted(dotted))


def _quoted(dotted: str) -> Iterator[str]:
    for quoted, bare in re.findall(r'"([^"]*)"|([^."]+)', dotted):
        yield quoted or bare


def _innermost(said: dict[str, Any]) -> Any:
    """The value of the one key of a line."""
    [(_, value)] = said.items()
    return value


def _paragraphs(lines: list[str]) -> str:
    """Prose as it is written, paragraphs apart by an empty line."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
