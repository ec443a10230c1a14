"""The configuration that counts now: what of it a reload changes, and what waits for a restart."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from pydantic import BaseModel

from orchestrator import people, policy
from orchestrator.catalogue import Catalogue
from orchestrator.settings import Settings
from schemas.errors import InvalidSettings

FOLLOWED = ("devices", "limits", "log.level", "hub.managers", "model.caution", "model.threshold",
            "people", "policy")  # fmt: skip
"""What a reload changes; everything else waits for a restart."""


class Names(Collection[str]):
    """Names out of the configuration that counts when they are asked for."""

    def __init__(self, now: Callable[[], Collection[str]]) -> None:
        self._now = now

    def __contains__(self, name: object) -> bool:
        return name in self._now()

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())


class Live:
    """The configuration that a hub runs with; `problem` is why the newest was not taken."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.settings = settings
        self._catalogue = catalogue
        self.problem = ""
        self.managers = Names(lambda: self.settings.managers)
        self.users = Names(lambda: {*self.settings.people.users, people.LOCAL})

    def merged(self, new: Settings) -> Settings:
        """The running configuration with what a reload changes of the new one. InvalidSettings
        where its rules are for functions that wait for a restart: they would hold for nothing."""
        now = _with(self.settings, new, FOLLOWED)
        users = {*now.people.users, people.LOCAL}
        if mistake := policy.mistake(now.policy, self._catalogue, users):
            raise InvalidSettings(f"policy.toml: {mistake}, until the hub is restarted")
        return now

    def restart_for(self, new: Settings, catalogue: Catalogue) -> tuple[str, ...]:
        """The keys that differ and wait for a restart, as the files have them."""
        left = list(_differences(self.settings, _with(new, self.settings, FOLLOWED)))
        return (*left, *(["functions"] if tuple(catalogue) != tuple(self._catalogue) else []))


def _with(settings: Settings, other: Settings, keys: Collection[str]) -> Settings:
    """Settings with these keys as others have them."""
    update: dict[str, Any] = {}
    for key in keys:
        section, _, name = key.partition(".")
        taken = getattr(other, section)
        if name:
            mine = update.get(section, getattr(settings, section))
            taken = mine.model_copy(update={name: getattr(taken, name)})
        update[section] = taken
    return settings.model_copy(update=update)


def _differences(one: BaseModel, other: BaseModel, under: str = "") -> Iterator[str]:
    """The keys in which two are not the same, each section's by themselves."""
    for name, field in type(one).model_fields.items():
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine == theirs:
            continue
        key = f"{under}{field.alias or name}"
        if isinstance(mine, BaseModel) and type(mine) is type(theirs):
            yield from _differences(mine, theirs, f"{key}.")
        elif isinstance(mine, dict) and isinstance(theirs, dict):
            differ = [k for k in {**mine, **theirs} if mine.get(k) != theirs.get(k)]
            yield from (f"{key}.{k}" for k in differ)
        else:
            yield key
