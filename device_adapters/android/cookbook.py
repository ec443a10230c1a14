"""All recipes: those that come with the hub, and a household's own before them."""

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from device_adapters.android.recipe import Recipe
from schemas.errors import InvalidSettings

PACKAGED = Path(__file__).parent / "recipes"


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    recipe: tuple[Recipe, ...]


@dataclass(frozen=True)
class Cookbook:
    """The variants of every function, in the order they are tried."""

    recipes: tuple[Recipe, ...]

    def variants(self, function: str) -> tuple[Recipe, ...]:
        """A function's variants; none where a phone does not serve it."""
        return tuple(recipe for recipe in self.recipes if recipe.function == function)

    def served(self, denied: Iterable[str]) -> frozenset[str]:
        """The functions that need nothing of what the phone's shell is denied."""
        without = set(denied)
        return frozenset(r.function for r in self.recipes if without.isdisjoint(r.needs))

    def missing(self, denied: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """What is not served, and the denied permissions that it needs."""
        out = sorted({recipe.function for recipe in self.recipes} - self.served(denied))
        needs = {name: self.variants(name)[0].needs for name in out}
        return {name: tuple(n for n in some if n in set(denied)) for name, some in needs.items()}


def load(own: Path | None = None) -> Cookbook:
    """The packaged recipes, before them those of a folder; InvalidSettings names what is wrong."""
    folders = [PACKAGED] if own is None else [own, PACKAGED]
    files = [file for folder in folders for file in sorted(folder.glob("*.toml"))]
    return Cookbook(tuple(recipe for file in files for recipe in _read(file)))


@functools.cache
def packaged() -> Cookbook:
    """The recipes that come with the hub, read once."""
    return load()


def _read(file: Path) -> tuple[Recipe, ...]:
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as exc:
        raise InvalidSettings(f"{file}: {exc}") from exc
    try:
        return _File.model_validate(raw).recipe
    except ValidationError as exc:
        first = exc.errors()[0]
        said = re.sub(r"^(Value|Assertion) error, ", "", first["msg"])
        line = f"{file}: {_place(raw, first['loc'])}: {said}"
        raise InvalidSettings(" ".join(line.split())) from exc


def _place(raw: dict[str, Any], loc: tuple[str | int, ...]) -> str:
    """Where a fault is, counted from 1: `recipe 2 (lock_screen), steps 3, tell`."""
    parts: list[str] = []
    for part in loc:
        if isinstance(part, int) and parts:
            parts[-1] += f" {part + 1}"
        else:
            parts.append(str(part))
    if (
        len(loc) > 1
        and isinstance(loc[1], int)
        and isinstance(recipe := raw["recipe"][loc[1]], dict)
    ):
        parts[0] += f" ({recipe.get('function', 'without a function')})"
    return ", ".join(parts)
