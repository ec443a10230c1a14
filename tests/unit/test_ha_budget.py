"""How much of what announces itself is kept."""

from __future__ import annotations

import pytest

from device_adapters.ha import budget as budget_module
from device_adapters.ha.budget import ENTITY, Budget


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch) -> Budget:
    """Room for ten strangers of one entity, and for four entities of one device."""
    monkeypatch.setattr(budget_module, "OF_STRANGERS", 10 * ENTITY)
    monkeypatch.setattr(budget_module, "OF_ONE", 4 * ENTITY)
    return Budget()


def filled(budget: Budget) -> Budget:
    assert all(budget.take(f"forged/{n}", f"forged{n}", 0, 1) for n in range(10))
    return budget


def test_what_is_used_is_kept_whatever_else_is_announced(budget: Budget) -> None:
    filled(budget).use("lamp")
    assert not budget.take("forged/10", "forged10", 0, 1)
    assert budget.take("lamp", "lamp", 0, 4)
    assert budget.refused == 1


def test_what_is_used_takes_nothing_from_strangers(budget: Budget) -> None:
    assert budget.take("lamp", "lamp", 0, 4)
    budget.use("lamp")
    filled(budget)
    budget.let_go("lamp")
    assert not budget.take("forged/10", "forged10", 0, 1)


def test_one_device_is_bounded_also_where_it_is_used(budget: Budget) -> None:
    budget.use("lamp")
    assert budget.take("lamp/1", "lamp", 0, 3)
    assert not budget.take("lamp/2", "lamp", 0, 2)
    assert budget.take("lamp/2", "lamp", ENTITY, 0)


def test_a_refusal_changes_nothing_but_the_counter(budget: Budget) -> None:
    filled(budget)
    assert not budget.take("forged/0", "forged0", 0, 2)  # it grows
    assert budget.take("forged/0", "forged0", 0, 1)
    assert budget.refused == 1


def test_an_announcement_takes_the_place_of_the_one_before(budget: Budget) -> None:
    filled(budget)
    assert all(budget.take("forged/0", "forged0", 0, 1) for _ in range(20))
    assert budget.take("forged/0", "another", 0, 1)  # the same topic, another device
    assert budget.refused == 0


def test_what_is_withdrawn_makes_room(budget: Budget) -> None:
    filled(budget)
    budget.give_back("forged/3")
    budget.give_back("forged/3")
    assert budget.take("forged/10", "forged10", 0, 1)
    assert not budget.take("forged/11", "forged11", 0, 1)
