"""Who may have what done, where and when: allow, confirm or deny."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from orchestrator.nearest import hint
from orchestrator.texts import spoken
from schemas.base import Scalar, Value
from schemas.device import Device
from schemas.function import Function, Parameter, ParameterType, Risk


class Verdict(StrEnum):
    """What the policy says of one call."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    DENY = "deny"


class Day(StrEnum):
    """The days of the week, in the order of `datetime.weekday`."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Hours(Value):
    """From `start` to just before `end`, local wall time; past midnight where `end` is earlier."""

    start: time
    end: time

    @model_validator(mode="before")
    @classmethod
    def _read(cls, said: object) -> object:
        """`22:00-07:00` as it stands in the file; 24:00 is the day's end."""
        if not isinstance(said, str):
            return said
        clock = r"((?:[01]?\d|2[0-3]):[0-5]\d|24:00)"
        found = re.fullmatch(rf"{clock}\s*-\s*{clock}", said.strip())
        if found is None:
            raise ValueError('must be hours such as "22:00-07:00"')
        start, end = (time(int(t.split(":")[0]) % 24, int(t[-2:])) for t in found.groups())
        if start == end:
            raise ValueError("starts when it ends: the whole day needs no hours")
        return {"start": start, "end": end}

    def began(self, at: datetime) -> datetime | None:
        """A moment of the day on which the hours that `at` is in began; None outside of them."""
        now = at.time()
        if self.start < self.end:
            return at if self.start <= now < self.end else None
        if now >= self.start:
            return at
        return at - timedelta(days=1) if now < self.end else None


def _listed(said: object) -> object:
    """One name is a list of one."""
    return (said,) if isinstance(said, str) else tuple(said) if isinstance(said, list) else said


_Name = Annotated[str, Field(min_length=1)]
Names = Annotated[
    tuple[_Name, ...],
    BeforeValidator(_listed, json_schema_input_type=_Name | tuple[_Name, ...]),
    Field(min_length=1),
]
Days = Annotated[
    tuple[Day, ...],
    BeforeValidator(_listed, json_schema_input_type=Day | tuple[Day, ...]),
    Field(min_length=1),
]


class Rule(Value):
    """One rule; what it leaves out may be anything."""

    user: Names | None = None
    device: Names | None = None  # id, name, alias, room or kind
    function: Names | None = None
    arguments: dict[str, Scalar] = {}  # canonical values, the case of letters aside
    hours: Annotated[Hours, WithJsonSchema({"type": "string"})] | None = None
    days: Days | None = None  # of hours past midnight, the day on which they begin
    verdict: Verdict

    def names(self, user: str, function: Function) -> bool:
        """Whether the rule is about this user and function at all."""
        mine = self.user is None or user in self.user
        return mine and (self.function is None or function.name in self.function)

    def on(self, device: Device) -> bool:
        """Whether the rule is about this device, in whatever case of letters."""
        if self.device is None:
            return True
        called = (device.id, device.name, *device.aliases, device.room, device.kind)
        known = {name.casefold() for name in called if name}
        return any(name.casefold() in known for name in self.device)

    def has(self, arguments: Mapping[str, object] | None, function: Function) -> bool | None:
        """Whether the call has the rule's arguments; None where they are not known yet."""
        if not self.arguments:
            return True
        if not set(self.arguments) <= {parameter.name for parameter in function.parameters}:
            return False
        if arguments is None:
            return None
        same = [_same(arguments.get(name), wanted) for name, wanted in self.arguments.items()]
        return False if False in same else None if None in same else True

    def at(self, moment: datetime | None) -> bool | None:
        """Whether the moment is in the rule's hours and days; None where there is no moment."""
        if self.hours is None and self.days is None:
            return True
        if moment is None:
            return None
        began = self.hours.began(moment) if self.hours else moment
        if began is None or self.days is None:
            return began is not None
        return list(Day)[began.weekday()] in self.days


def _same(value: object, wanted: Scalar) -> bool | None:
    """None where the value is no plain one: a person to look up, an earlier step's result. Of
    somebody who was looked up, `NAME <NUMBER>`, the name or the number is enough."""
    if isinstance(value, str) and isinstance(wanted, str):
        person = re.fullmatch(r"(?s)(.*?)\s*<([^<>]*)>", value)
        forms = (value, *person.groups()) if person else (value,)
        return wanted.casefold() in [form.casefold() for form in forms]
    return value == wanted if value is None or isinstance(value, Scalar) else None


class Ruling(Value):
    """What is decided of one call, by which rule (the first is 1), and why, for a person.

    Not `settled`: a rule before waits for the device, or this one for arguments or the time; ask
    again once they are known.
    """

    verdict: Verdict
    rule: int | None
    reason: str
    settled: bool = True


class Policy(Value):
    """`policy.toml`: the first rule that fits decides; else the function's own risk."""

    rules: tuple[Rule, ...] = ()

    def verdict(
        self,
        user: str,
        function: Function,
        *,
        device: Device | None = None,
        arguments: Mapping[str, object] | None = None,
        at: datetime | None = None,
    ) -> Ruling:
        """What may be done with this call. Where arguments or the time (`at`, local) are not known,
        rules that ask for them fit if they deny or confirm, not if they allow; where the device is
        not known, rules for devices never fit."""
        settled = True
        for number, rule in enumerate(self.rules, 1):
            if not rule.names(user, function):
                continue
            known = (rule.has(arguments, function), rule.at(at))
            if False in known or (device is not None and not rule.on(device)):
                continue
            settled = settled and None not in known
            if device is None and rule.device is not None:
                settled = False
            elif None not in known or rule.verdict is not Verdict.ALLOW:
                reason = _reason(rule, number, user, function, device)
                return Ruling(verdict=rule.verdict, rule=number, reason=reason, settled=settled)
        verdict, why = _OWN[function.risk]
        reason = f"{spoken(function.name)} {why}"
        return Ruling(verdict=verdict, rule=None, reason=reason, settled=settled)


_OWN = {
    Risk.SAFE: (Verdict.ALLOW, "needs no confirmation"),
    Risk.CONFIRM: (Verdict.CONFIRM, "asks for confirmation"),
    Risk.LOCKED: (Verdict.DENY, "is locked until a rule of the policy allows it"),
}
_SAYS = {
    Verdict.ALLOW: "the policy allows",
    Verdict.CONFIRM: "the policy asks for confirmation of",
    Verdict.DENY: "the policy denies",
}


def _reason(rule: Rule, number: int, user: str, function: Function, device: Device | None) -> str:
    """Names only what the rule names: what is denied to everybody is not told as one's own."""
    words = [_SAYS[rule.verdict], spoken(function.name)]
    if device is not None and rule.device is not None:
        words.append(f"on {device.name}")
    if rule.user is not None:
        words.append(f"for {user}")
    if rule.hours is not None:
        words.append(f"from {rule.hours.start:%H:%M} to {rule.hours.end:%H:%M}")
    if rule.days is not None:
        words.append(f"on {', '.join(rule.days)}")
    return f"{' '.join(words)} (rule {number})"


def mistake(policy: Policy, functions: Iterable[Function], users: Collection[str]) -> str | None:
    """The first name or value in the rules that nobody knows, in one line; None if all is well."""
    known = {function.name: function for function in functions}
    for number, rule in enumerate(policy.rules, 1):
        if wrong := _wrong(rule, known, users):
            return f"rule {number}: {wrong}"
    return None


def _wrong(rule: Rule, known: Mapping[str, Function], users: Collection[str]) -> str | None:
    for user in rule.user or ():
        if user not in users:
            return f"no user {user} in people.toml{hint(user, users)}"
    for name in rule.function or ():
        if name not in known:
            return f"no function {name}{hint(name, known)}"
    return _wrong_argument(rule, [known[name] for name in rule.function or known])


def _wrong_argument(rule: Rule, functions: list[Function]) -> str | None:
    """An argument or a value that a function which is named lacks, or that all functions lack."""
    for name, value in rule.arguments.items():
        found = [next((p for p in f.parameters if p.name == name), None) for f in functions]
        some = [parameter for parameter in found if parameter]
        # Two functions of which one lacks the argument: the rule would leave that one out, unsaid.
        if not some or (rule.function and len(some) < len(found)):
            names = {p.name for f in functions for p in f.parameters}
            who = f"{functions[found.index(None)].name} has no" if rule.function else "there is no"
            return f"{who} argument {name}{hint(name, names)}"
        fits = [bool(parameter and _takes(parameter, value)) for parameter in found]
        if not any(fits) or (rule.function and not all(fits)):
            choices = [choice for parameter in some for choice in parameter.choices]
            return f"argument {name} is never {value!r}{hint(str(value), choices)}"
        functions = [function for function, fit in zip(functions, fits, strict=True) if fit]
    return None


def _takes(parameter: Parameter, value: Scalar) -> bool:
    """Whether the parameter's canonical values are of this kind; a choice must be one of them."""
    if parameter.type is ParameterType.BOOLEAN:
        return isinstance(value, bool)
    if parameter.type in (ParameterType.INTEGER, ParameterType.NUMBER):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) and (not parameter.values or value in parameter.values)
