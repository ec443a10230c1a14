"""Rules by user, device, function, arguments and hours: nothing is allowed by mistake."""

from datetime import datetime, timedelta
from functools import cache
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.catalogue import Catalogue
from orchestrator.policy import Hours, Policy, Rule, Verdict, mistake
from schemas.call import Person
from schemas.device import Device, Kind
from schemas.function import Function

ALLOW, CONFIRM, DENY = Verdict.ALLOW, Verdict.CONFIRM, Verdict.DENY
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
USERS = ("ann", "guest", "local", "Ann")
NOON, NIGHT = datetime(2026, 11, 20, 12, 0), datetime(2026, 11, 21, 3, 30)  # a Friday, its night


def device(kind: Kind, name: str, room: str | None = None) -> Device:
    return Device(id=f"id-{name}", kind=kind, name=name, room=room, protocol="test",
                  aliases=(f"the {name}",))  # fmt: skip


GOLF = device(Kind.CAR, "Golf", "garage")
DEVICES = (
    GOLF,
    device(Kind.CAR, "Mini"),
    device(Kind.PHONE, "Pixel 8"),
    device(Kind.PC, "office-pc", "Office"),
    device(Kind.HOME, "front door", "hall"),
    device(Kind.HUB, "hub"),
)
RULES: tuple[dict[str, Any], ...] = (
    {"user": "guest", "device": ["golf", "OFFICE"], "verdict": "deny"},
    {"function": "lock_doors", "arguments": {"action": "lock"}, "verdict": "allow"},
    {"function": ["lock_doors", "shutdown"], "device": "car", "hours": "22:00-07:00",
     "days": ["fri"], "verdict": "deny"},
    {"user": ["ann", "local"], "function": "lock_doors", "device": "id-Mini", "verdict": "allow"},
    {"user": "guest", "function": "make_phone_call", "hours": "8:00-20:00", "verdict": "allow"},
    {"user": "ann", "device": "the Pixel 8", "days": "sat", "verdict": "confirm"},
    {"device": "hub", "verdict": "allow"},
)  # fmt: skip


def policy(*rules: dict[str, Any]) -> Policy:
    return Policy(rules=tuple(Rule.model_validate(rule, strict=False) for rule in rules))


def listed(said: Any) -> list[str]:
    return [said] if isinstance(said, str) else list(said)


def minutes(rule: dict[str, Any]) -> set[int]:
    """The minutes of a week that a rule holds in; Monday's first is 0."""
    return spelled_out(rule.get("hours", "0:00-24:00"), tuple(listed(rule.get("days", WEEK))))


@cache
def spelled_out(hours: str, days: tuple[str, ...]) -> set[int]:
    held = set()
    for day in days:
        first, last = hours.split("-")
        start, end = (int(t.split(":")[0]) * 60 + int(t.split(":")[1]) for t in (first, last))
        midnight = WEEK.index(day) * 1440
        length = (end - start) % 1440 or 1440
        held |= {(midnight + start + minute) % (7 * 1440) for minute in range(length)}
    return held


def naive(
    rules: tuple[dict[str, Any], ...], user: str, on: Device, function: Function,
    arguments: dict[str, Any], at: datetime,
) -> tuple[str, int | None]:  # fmt: skip
    """The policy read once more, from the file's own words."""
    called = {n.lower() for n in (on.id, on.name, *on.aliases, on.room or "", on.kind) if n}
    now = at.weekday() * 1440 + at.hour * 60 + at.minute
    for number, rule in enumerate(rules, 1):
        fits = [
            user in listed(rule.get("user", user)),
            not called.isdisjoint(n.lower() for n in listed(rule.get("device", on.name))),
            function.name in listed(rule.get("function", function.name)),
            rule.get("arguments", {}).items() <= arguments.items(),
            now in minutes(rule),
        ]
        if all(fits):
            return rule["verdict"], number
    return {"safe": "allow", "confirm": "confirm", "locked": "deny"}[function.risk], None


def variants(function: Function) -> list[dict[str, Any]]:
    """Arguments of a call; every choice of the last parameter that has some."""
    chosen = [p for p in function.parameters if p.values]
    return [{chosen[-1].name: value} for value in chosen[-1].values] if chosen else [{}]


def test_every_user_device_and_function(catalogue: Catalogue) -> None:
    rules = policy(*RULES)
    wrong, asked = [], 0
    for user, on, function, at in product(USERS, DEVICES, catalogue, (NOON, NIGHT)):
        for arguments in variants(function):
            ruling = rules.verdict(user, function, device=on, arguments=arguments, at=at)
            assert ruling.settled
            asked += 1
            expected = naive(RULES, user, on, function, arguments, at)
            if (ruling.verdict, ruling.rule) != expected:
                wrong.append((user, on.name, function.name, arguments, at, ruling, expected))
    assert wrong == []
    assert asked > 48 * len(USERS) * len(DEVICES)


_some = st.fixed_dictionaries(
    {"verdict": st.sampled_from(["allow", "confirm", "deny"])},
    optional={
        "user": st.sampled_from(["ann", "guest", ["ann", "local"]]),
        "device": st.sampled_from(["car", "Golf", "pixel 8", "garage", ["pc", "hub"]]),
        "function": st.sampled_from(["lock_doors", "shutdown", ["lock_doors", "navigate_to"]]),
        "arguments": st.just({"action": "unlock"}),
        "hours": st.sampled_from(["22:00-07:00", "9:00-17:00", "1:00-24:00"]),
        "days": st.sampled_from(["fri", ["sat", "sun"]]),
    },
)


@given(rules=st.lists(_some, max_size=5), place=st.integers(0, 5), moment=st.integers(0, 10_079))
def test_any_rules_at_any_time(
    catalogue: Catalogue, rules: list[dict[str, Any]], place: int, moment: int
) -> None:
    at = datetime(2026, 11, 16) + timedelta(minutes=moment)  # a Monday
    for user, name in product(USERS, ("lock_doors", "shutdown", "make_phone_call")):
        arguments = {"action": "unlock"} if name == "lock_doors" else {}
        ruling = policy(*rules).verdict(
            user, catalogue[name], device=DEVICES[place], arguments=arguments, at=at
        )
        expected = naive(tuple(rules), user, DEVICES[place], catalogue[name], arguments, at)
        assert (ruling.verdict, ruling.rule) == expected


_clock = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda t: f"{t[0]}:{t[1]:02}")


@given(start=_clock, end=_clock, moment=st.integers(0, 10_079))
def test_hours(start: str, end: str, moment: int) -> None:
    said = {"hours": f"{start}-{end}", "verdict": "deny"}
    if start == end:
        with pytest.raises(ValueError, match="whole day"):
            Rule.model_validate(said, strict=False)
        return
    at = datetime(2026, 11, 16) + timedelta(minutes=moment, seconds=59)
    for days in (None, "mon", ["fri", "sun"]):
        rule = said | ({"days": days} if days else {})
        assert Rule.model_validate(rule, strict=False).at(at) is (moment in minutes(rule))


def test_a_day_ends_at_24() -> None:
    evening = Hours.model_validate("20:00-24:00")
    assert evening.began(datetime(2026, 11, 20, 23, 59, 59)) is not None
    assert evening.began(datetime(2026, 11, 21)) is None


@pytest.mark.parametrize("said", ["25:00-07:00", "22-07", "22:00", "night", "22:60-23:00", "24:00"])
def test_what_are_no_hours(said: str) -> None:
    with pytest.raises(ValueError, match="hours"):
        Hours.model_validate(said)


def ask(
    rules: Policy, name: str, catalogue: Catalogue, **known: Any
) -> tuple[str, int | None, bool]:
    ruling = rules.verdict("ann", catalogue[name], **known)
    return ruling.verdict, ruling.rule, ruling.settled


@pytest.mark.parametrize("verdict", ["allow", "confirm", "deny"])
def test_a_rule_for_a_device_waits_for_one(catalogue: Catalogue, verdict: str) -> None:
    rules = policy({"device": "Golf", "verdict": verdict}, {"verdict": "confirm"})
    assert ask(rules, "start_charging", catalogue) == (CONFIRM, 2, False)
    assert ask(rules, "start_charging", catalogue, device=GOLF) == (verdict, 1, True)


@pytest.mark.parametrize(
    ("known", "rule"),
    [
        ({"arguments": {"action": "unlock"}}, {"hours": "22:00-07:00"}),
        ({"arguments": {"action": "unlock"}}, {"days": "mon"}),
        ({"at": NOON}, {"arguments": {"action": "unlock"}}),
        ({"at": NOON, "arguments": {"action": Person(person="Al")}},
         {"arguments": {"action": "unlock"}}),
    ],
)  # fmt: skip
def test_what_is_not_known_yet_never_allows(
    catalogue: Catalogue, known: dict[str, Any], rule: dict[str, Any]
) -> None:
    allowing = policy({**rule, "verdict": "allow"}, {"verdict": "deny"})
    assert ask(allowing, "lock_doors", catalogue, **known) == (DENY, 2, False)
    for verdict in ("confirm", "deny"):
        careful = policy({**rule, "verdict": verdict}, {"verdict": "allow"})
        assert ask(careful, "lock_doors", catalogue, **known) == (verdict, 1, False)


@pytest.mark.parametrize("value", ["Mom", "mom", "MOM <+15550100>", "x <mom>"])
def test_somebody_is_known_by_name_or_number(catalogue: Catalogue, value: str) -> None:
    rules = policy({"arguments": {"phone_number": "Mom"}, "verdict": "deny"})
    assert ask(rules, "make_phone_call", catalogue, arguments={"phone_number": value})[0] is DENY
    for other in ("Mommy", "Mom <+1", None):
        known = {"arguments": {"phone_number": other}}
        assert ask(rules, "make_phone_call", catalogue, **known)[0] is CONFIRM


def test_the_reason_names_what_the_rule_names(catalogue: Catalogue) -> None:
    rules = policy(
        {"user": "guest", "device": "Golf", "function": "lock_doors", "verdict": "deny"},
        {
            "function": "shutdown",
            "hours": "22:00-7:00",
            "days": ["fri", "sat"],
            "verdict": "confirm",
        },
        {"user": "ann", "function": "send_email", "verdict": "allow"},
    )
    said = [
        rules.verdict(user, catalogue[name], device=GOLF, arguments={}, at=NIGHT).reason
        for user, name in (
            ("guest", "lock_doors"),
            ("guest", "shutdown"),
            ("ann", "send_email"),
            ("ann", "lock_doors"),
            ("ann", "navigate_to"),
        )
    ]
    assert said == [
        "the policy denies lock doors on Golf for guest (rule 1)",
        "the policy asks for confirmation of shutdown from 22:00 to 07:00 on fri, sat (rule 2)",
        "the policy allows send email for ann (rule 3)",
        "lock doors asks for confirmation",
        "navigate to needs no confirmation",
    ]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"function": ["shutdown", "lock_dors"]},
         "no function lock_dors; did you mean lock_doors?"),
        ({"user": "anne"}, "no user anne in people.toml; did you mean ann?"),
        ({"function": "lock_doors", "arguments": {"acton": "lock"}},
         "lock_doors has no argument acton; did you mean action?"),
        ({"function": ["lock_doors", "shutdown"], "arguments": {"action": "unlock"}},
         "shutdown has no argument action"),
        ({"arguments": {"contact_nam": "x"}},
         "there is no argument contact_nam; did you mean contact_name?"),
        ({"function": "lock_doors", "arguments": {"action": "unlok"}},
         "argument action is never 'unlok'; did you mean unlock?"),
        ({"function": "set_volume", "arguments": {"level": "5"}}, "argument level is never '5'"),
        ({"function": "enable_do_not_disturb", "arguments": {"enabled": 1}},
         "argument enabled is never 1"),
    ],
)  # fmt: skip
def test_a_name_that_nobody_knows(catalogue: Catalogue, rule: dict[str, Any], says: str) -> None:
    rules = policy({"verdict": "deny"}, {**rule, "verdict": "deny"})
    assert (mistake(rules, catalogue, {"ann", "local"}) or "").startswith(f"rule 2: {says}")


def test_the_rules_of_the_matrix_are_well(catalogue: Catalogue) -> None:
    rules = policy(*(rule for rule in RULES if rule["verdict"] != "deny" or "function" not in rule))
    assert mistake(rules, catalogue, set(USERS)) is None
