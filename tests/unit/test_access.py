"""Tokens and visits: who may come in by the web page, which way, and for how long."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.cli import token as token_cli
from orchestrator.doors.http.access import FILE, NoSuchToken, Tokens
from orchestrator.doors.http.page.visits import LINK_LASTS, MOST, VISIT_LASTS, Visits
from orchestrator.doors.http.ways import HERE
from schemas.errors import InvalidSettings

ANN = frozenset({"ann"})


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def visits(clock: Clock) -> Visits:
    return Visits(lambda _: True, clock)


def test_a_token_is_told_once_and_kept_as_a_hash_for_its_owner_only(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path, ANN)
    secret = tokens.issue("ann")
    file = tmp_path / FILE
    assert secret not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = Tokens(tmp_path, ANN).find(f" {secret}\n")
    assert found is not None
    assert found.user == "ann"
    assert tokens.find(secret[:-1]) is None
    assert tokens.find(found.digest) is None, "who reads the file cannot come in with it"
    assert tokens.find("") is None


def test_a_token_that_was_taken_back_lets_nobody_in(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path, ANN)
    kept, gone = tokens.issue("ann"), tokens.issue("ann")
    taken = tokens.find(gone)
    assert taken is not None
    tokens.revoke(taken.id)
    assert tokens.find(gone) is None
    assert not tokens.stands(taken.digest)
    assert tokens.find(kept) is not None
    with pytest.raises(NoSuchToken, match="octopus token list"):
        tokens.revoke(taken.id)


def test_a_token_lets_nobody_in_who_is_no_user_any_more(tmp_path: Path) -> None:
    secret = Tokens(tmp_path).issue("ann")
    assert Tokens(tmp_path, ANN).find(secret) is not None
    assert Tokens(tmp_path, frozenset({"bob"})).find(secret) is None
    assert Tokens(tmp_path).find(secret) is None, "without a list of users nobody is let in"


@pytest.mark.parametrize("text", ["{", '[{"user": 1}]', json.dumps([{"user": "ann"}])])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(InvalidSettings, match=rf"{FILE}: .*remove it to begin anew"):
        Tokens(tmp_path).find("x")


def test_a_link_is_good_once_and_what_it_opened_stays(visits: Visits) -> None:
    path, secret = visits.link("ann", "pixel")
    entered = visits.follow(path, secret, "pixel")
    assert entered is not None
    visit, cookie = entered
    assert (visit.user, visit.way) == ("ann", "pixel")
    assert visits.follow(path, secret, "pixel") is None
    assert visits.of(path, cookie, "pixel") == visit


def test_a_link_is_of_no_use_on_another_way_too_late_or_guessed(
    visits: Visits, clock: Clock
) -> None:
    path, secret = visits.link("ann", "pixel")
    assert visits.follow(path, secret, HERE) is None
    assert visits.follow(path, secret + "x", "pixel") is None
    assert visits.follow("another", secret, "pixel") is None
    clock.now += LINK_LASTS + 1
    assert visits.follow(path, secret, "pixel") is None


def test_a_cookie_is_of_no_use_below_another_path_or_on_another_way(visits: Visits) -> None:
    visit, cookie = visits.open("ann", HERE, "token")
    other, _ = visits.open("bob", HERE, "token")
    assert visits.of(visit.path, cookie, HERE) == visit
    assert visits.of(other.path, cookie, HERE) is None
    assert visits.of(visit.path, cookie, "pixel") is None
    assert visits.of(visit.path, "", HERE) is None
    path, _ = visits.link("ann", HERE)
    assert visits.of(path, "", HERE) is None, "a link that nobody followed has no cookie"


def test_a_visit_ends_in_time_and_with_its_token(clock: Clock) -> None:
    standing = {"token"}
    visits = Visits(standing.__contains__, clock)
    visit, cookie = visits.open("ann", HERE, "token")
    standing.clear()
    assert visits.of(visit.path, cookie, HERE) is None
    standing.add("token")
    assert visits.of(visit.path, cookie, HERE) == visit
    clock.now += VISIT_LASTS + 1
    assert visits.of(visit.path, cookie, HERE) is None
    assert not visits.lasts(visit)


def test_a_phone_that_was_away_begins_anew_and_others_go_on(visits: Visits) -> None:
    here, cookie = visits.open("ann", HERE, "token")
    path, secret = visits.link("ann", "pixel")
    entered = visits.follow(path, secret, "pixel")
    assert entered is not None
    later_path, later = visits.link("ann", "pixel")
    visits.end_way("pixel")
    assert visits.of(path, entered[1], "pixel") is None
    assert visits.follow(later_path, later, "pixel") is None
    assert visits.of(here.path, cookie, HERE) == here


def test_links_that_nobody_followed_push_nobody_out(visits: Visits) -> None:
    path, secret = visits.link("ann", "pixel")
    entered = visits.follow(path, secret, "pixel")
    assert entered is not None
    for _ in range(2 * MOST):
        visits.link("ann", "pixel")
    assert visits.of(path, entered[1], "pixel") == entered[0]
    assert len(visits._kept) == MOST


def test_what_forms_hold_is_each_visits_own(visits: Visits) -> None:
    one, _ = visits.open("ann", HERE, "token")
    other, _ = visits.open("ann", HERE, "token")
    assert one.sent(one.form)
    assert not one.sent(other.form)
    assert not one.sent("")
    assert not one.sent("ü")


def test_tokens_on_the_command_line(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (tmp_path / "hub.toml").write_text(f"[hub]\nstate = '{state}'")
    (tmp_path / "people.toml").write_text("[users.ann]")

    def said(*words: str) -> str:
        ran = CliRunner().invoke(token_cli.app, [*words, "--config", str(tmp_path)])
        assert ran.exit_code == 0, ran.exception
        return ran.output

    secret = said("new", "ann").strip()
    made = json.loads(said("new", "local", "--json"))
    assert Tokens(state, frozenset({"local"})).find(made["token"])
    kept = Tokens(state, ANN).find(secret)
    assert kept is not None
    listed = said("list")
    assert kept.id in listed
    assert secret not in listed
    assert [one["user"] for one in json.loads(said("list", "--json"))] == ["ann", "local"]
    assert "of ann" in said("revoke", kept.id)
    assert Tokens(state, ANN).find(secret) is None
    ran = CliRunner().invoke(token_cli.app, ["new", "anna", "--config", str(tmp_path)])
    assert "no user anna in people.toml; did you mean ann?" in str(ran.exception)


def test_a_hub_without_a_page_needs_nothing_for_it() -> None:
    never = ("starlette", "fastapi", "uvicorn", "anyio._backends")
    code = f"import sys, orchestrator.app; print([m for m in {never} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_what_a_page_needs_is_named() -> None:
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from orchestrator.extras import extra\n"
        "with extra('web'):\n    import orchestrator.web"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr.strip().endswith("pip install 'octopus-hub[web]'")


def test_a_token_lets_in_until_it_runs_out(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path, ANN)
    over, lasting = tokens.issue("ann", expires=1.0), tokens.issue("ann", expires=1e12)
    assert tokens.find(over) is None
    found = tokens.find(lasting)
    assert found is not None
    assert tokens.stands(found.digest)
    assert not tokens.stands(tokens.all()[0].digest)


def test_what_a_token_is_for_is_kept_beside_it(tmp_path: Path) -> None:
    Tokens(tmp_path).issue("ann", label="kitchen tablet")
    (kept,) = Tokens(tmp_path).all()
    assert (kept.label, kept.expires) == ("kitchen tablet", None)


def test_tokens_of_a_hub_that_knew_no_end_of_them_still_let_in(tmp_path: Path) -> None:
    secret = Tokens(tmp_path).issue("ann")
    (kept,) = json.loads((tmp_path / FILE).read_text())
    older = {key: kept[key] for key in ("user", "digest", "created")}
    (tmp_path / FILE).write_text(json.dumps([older]))
    assert Tokens(tmp_path, ANN).find(secret) is not None


def test_users_that_change_while_the_hub_runs_count_at_once(tmp_path: Path) -> None:
    users = {"ann"}
    tokens = Tokens(tmp_path, users)
    secret = tokens.issue("ann")
    assert tokens.find(secret) is not None
    users.clear()
    assert tokens.find(secret) is None
    assert not tokens.stands(tokens.all()[0].digest)
