"""What is announced, kept by its topic and by device."""

from __future__ import annotations

import pytest

from device_adapters.ha import budget
from device_adapters.ha.announcement import HaDevice, HaEntity
from device_adapters.ha.kept import Kept


def device(identifier: str, *entities: str, name: str = "Lamp") -> HaDevice:
    made = tuple(
        HaEntity(id=entity, component="light", name=entity, options={}) for entity in entities
    )
    return HaDevice(id=identifier, name=name, entities=made)


def entities(kept: Kept, identifier: str) -> list[str]:
    return [entity.id for entity in kept.device(identifier).entities]


def test_a_device_is_all_that_names_it_in_the_order_in_which_it_came() -> None:
    kept = Kept()
    assert kept.put("a", b"1", device("lamp", "one"))
    assert kept.put("b", b"2", device("lamp", "two"))
    assert entities(kept, "lamp") == ["one", "two"]
    assert kept.put("a", b"3", device("lamp", "uno"))
    assert entities(kept, "lamp") == ["uno", "two"]
    assert list(kept) == ["lamp"]


def test_a_topic_that_announces_another_device_leaves_the_first() -> None:
    kept = Kept()
    assert kept.put("a", b"1", device("lamp", "one"))
    assert kept.put("a", b"2", device("fan", "one"))
    assert "lamp" not in kept
    assert entities(kept, "lamp") == []
    assert entities(kept, "fan") == ["one"]


def test_what_is_removed_is_gone_and_may_be_removed_again() -> None:
    kept = Kept()
    assert kept.put("a", b"1", device("lamp", "one"))
    for _ in range(2):
        kept.remove("a")
    assert (list(kept), kept.on("a"), kept.stands("a", b"1")) == ([], None, False)


def test_the_same_message_is_known() -> None:
    kept = Kept()
    assert kept.put("a", b"1", device("lamp", "one"))
    assert kept.stands("a", b"1")
    assert not kept.stands("a", b"2")
    assert not kept.stands("b", b"1")


def test_what_is_too_much_leaves_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "OF_STRANGERS", budget.ENTITY + 10)
    kept = Kept()
    assert kept.put("a", b"1", device("lamp", "one"))
    assert not kept.put("a", b"2", device("lamp", "one", "two"))
    assert not kept.put("b", b"2", device("fan", "one"))
    assert kept.stands("a", b"1")
    assert entities(kept, "lamp") == ["one"]
    assert kept.budget.refused == 2
