"""What of a new configuration counts at once, and what is named as waiting for a restart."""

from pathlib import Path

import pytest

from orchestrator import settings
from orchestrator.catalogue import Catalogue
from orchestrator.live import FOLLOWED, Live
from orchestrator.policy import Policy, Rule, Verdict
from orchestrator.settings import Settings
from schemas.errors import InvalidSettings
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def shipped() -> tuple[Settings, Catalogue]:
    return settings.load(ROOT / "config")


def loaded(folder: Path, hub: str, people: str = "", policy: str = "") -> Settings:
    (folder / "hub.toml").write_text(hub)
    (folder / "people.toml").write_text(people)
    (folder / "policy.toml").write_text(policy)
    return settings.load(folder)[0]


def test_the_same_configuration_changes_nothing(shipped: tuple[Settings, Catalogue]) -> None:
    live = Live(*shipped)
    assert live.merged(shipped[0]) == shipped[0]
    assert live.restart_for(*shipped) == ()


def test_what_is_followed_is_taken_and_nothing_else(
    tmp_path: Path, shipped: tuple[Settings, Catalogue]
) -> None:
    live = Live(*shipped)
    new = loaded(
        tmp_path,
        '[hub]\nname = "other"\nmanagers = ["ann"]\n[model]\nthreshold = 0.9\nthreads = 2\n'
        '[limits]\nburst = 7\n[log]\nlevel = "debug"\nformat = "json"\n[http]\nport = 8080\n'
        '[[console]]\ndevice = "pixel"\n[adapters.cast]\nmusic = { jazz = "http://radio" }\n',
        "[users.ann]\n",
        '[[rule]]\nuser = "ann"\nverdict = "deny"\n',
    )
    now = live.merged(new)
    assert (now.hub.name, now.hub.managers) == ("octopus", ("ann",))
    assert (now.model.threshold, now.model.threads) == (0.9, 0)
    assert (now.log.level, now.log.format, now.limits.burst) == ("debug", "auto", 7)
    assert (now.policy, now.people, now.http.port) == (new.policy, new.people, 0)
    assert set(live.restart_for(new, shipped[1])) == {
        "hub.name", "model.threads", "log.format", "http.port", "console", "adapters.cast",
    }  # fmt: skip
    assert "ann" not in live.users
    assert "ann" not in live.managers
    live.settings = now
    assert "ann" in live.users
    assert {"ann", "local"} == set(live.managers), "who is asked later hears of it"
    assert "hub.name" in live.restart_for(new, shipped[1]), "until there was a restart"


def test_rules_for_functions_that_wait_for_a_restart_are_not_taken(
    shipped: tuple[Settings, Catalogue],
) -> None:
    live = Live(shipped[0], Catalogue([f for f in shipped[1] if f.name != "take_a_photo"]))
    rules = Policy(rules=(Rule(function=("take_a_photo",), verdict=Verdict.DENY),))
    new = shipped[0].model_copy(update={"policy": rules})
    with pytest.raises(InvalidSettings, match=r"no function take_a_photo.* until the hub"):
        live.merged(new)


def test_what_was_taught_meanwhile_waits_for_a_restart(
    shipped: tuple[Settings, Catalogue],
) -> None:
    fewer = Catalogue(tuple(shipped[1])[:-1])
    assert Live(*shipped).restart_for(shipped[0], fewer) == ("functions",)


def test_every_key_that_is_followed_is_one(shipped: tuple[Settings, Catalogue]) -> None:
    for key in FOLLOWED:
        section, _, name = key.partition(".")
        assert hasattr(shipped[0], section)
        assert not name or hasattr(getattr(shipped[0], section), name)
