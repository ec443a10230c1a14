"""The steps of a recipe that run commands and look at what they say.

A step is a table with one verb. `when` holds it back where a value does not match; `else` says what
follows where its expectation is not met.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from device_adapters.android import apps, people
from device_adapters.android.filling import Template, in_pattern, place
from device_adapters.android.run import Answer, Ended, Otherwise, Run
from schemas.errors import DeviceRefused, DeviceUncertain


def _compiles(template: Template) -> Template:
    """A pattern that is none is found when it is loaded."""
    _pattern(template.blank, template.source)
    return template


def _pattern(pattern: str, source: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError) as exc:
        raise ValueError(f"{source} is no pattern: {exc}") from exc


def _conditions(when: dict[str, str]) -> dict[str, str]:
    for name, pattern in when.items():
        place(name)
        _pattern(pattern, pattern)
    return when


def _template(said: object) -> Template:
    if not isinstance(said, str):
        raise ValueError("a text is needed")
    return Template(said)


Text = Annotated[Template, BeforeValidator(_template)]
Words = Annotated[tuple[Text, ...], Field(min_length=1)]
Pattern = Annotated[Text, AfterValidator(_compiles)]
Conditions = Annotated[dict[str, str], AfterValidator(_conditions)]
"""Patterns by the value they must match whole; the value may have filters: `message | sms`."""


NOT_UNDERSTOOD = Otherwise(None, Template("the phone's answer is not understood"))


class Step(BaseModel):
    """What every step has."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True
    )
    verb: ClassVar[str]
    when: Conditions = {}
    otherwise: Otherwise = Field(NOT_UNDERSTOOD, alias="else")

    async def run(self, run: Run) -> None:
        """Do it."""
        raise NotImplementedError


def found(pattern: str, text: str, run: Run) -> bool:
    """Whether a pattern is in a text; its named groups become values."""
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        return False
    run.values.update(match.groupdict())
    return True


class Says(Step):
    """A command whose answer must hold a pattern, and must not hold another.

    `private`: the answer holds somebody's own words, in which no error is looked for.
    """

    says: Pattern | None = None
    never: Pattern | None = None
    private: bool = False
    excuses: ClassVar[tuple[Answer, ...]] = (Answer.NEXT, Answer.GO_ON)
    """What may follow a complaint of the phone."""

    def holds(self, run: Run) -> Callable[[str], bool]:
        """What tells whether an answer is as it must be."""
        never = None if self.never is None else run.fill(self.never, in_pattern)
        says = None if self.says is None else run.fill(self.says, in_pattern)

        def holds(text: str) -> bool:
            if never is not None and found(never, text, run):
                return False
            return says is None or found(says, text, run)

        return holds

    async def judge(self, run: Run, saying: Callable[[], Awaitable[str]]) -> None:
        """Hold what the phone says against what it must; a phone that does not know the command is
        one for the next variant."""
        holds = self.holds(run)
        try:
            text = await saying()
        except DeviceRefused:
            if self.otherwise.answer not in self.excuses:
                raise
            self.otherwise.follow(run)
            return
        if not holds(text):
            self.unmet(text, run)

    def unmet(self, text: str, run: Run) -> None:
        """What follows an answer that is not as it must be. Silence is no refusal of what was
        done before."""
        if run.session.acted and self.otherwise.answer is Answer.REFUSED and not text.strip():
            raise DeviceUncertain("done, but not seen: the phone said nothing")
        self.otherwise.follow(run)


class Ask(Says):
    """`ask`: run a command that only looks or prepares."""

    verb = "ask"
    ask: Words
    excuses = (Answer.NEXT, Answer.GO_ON, Answer.UNVERIFIED)

    async def run(self, run: Run) -> None:
        """Ask once."""
        words = run.words(self.ask)
        await self.judge(run, lambda: run.session.ask(*words, trusted=not self.private))


class Tell(Says):
    """`tell`: run the command that has the effect."""

    verb = "tell"
    tell: Words

    async def run(self, run: Run) -> None:
        """Tell once."""
        words = run.words(self.tell)
        await self.judge(run, lambda: run.session.tell(*words))


class See(Says):
    """`see`: run a command that only looks, again and again until its answer is as it must be."""

    verb = "see"
    see: Words

    async def run(self, run: Run) -> None:
        """Look until patience ends."""
        words, holds = run.words(self.see), self.holds(run)
        text = ""

        async def look() -> bool | None:
            nonlocal text
            text = await run.session.ask(*words, trusted=not self.private)
            return holds(text) or None

        if not await run.session.until(look):
            self.unmet(text, run)


class Check(Step):
    """`check`: hold a value against a pattern, all of it."""

    verb = "check"
    check: Text
    says: Pattern

    async def run(self, run: Run) -> None:
        """No phone is asked."""
        pattern = run.fill(self.says, in_pattern)
        if re.fullmatch(pattern, run.fill(self.check)) is None:
            self.otherwise.follow(run)


class Let(Step):
    """`let`: give values names."""

    verb = "let"
    let: dict[str, Text]

    async def run(self, run: Run) -> None:
        """One after the other."""
        for name, template in self.let.items():
            run.values[name] = run.value(template)


class Stop(Step):
    """`stop`: end here, in the way `else` says."""

    verb = "stop"
    stop: Literal[True]

    async def run(self, run: Run) -> None:
        """End."""
        self.otherwise.follow(run)
        raise Ended


class Choose(Step):
    """`choose`: of all that a pattern finds in an answer, the one whose `name` is `called`; its
    groups become values, and `{others}` all the names."""

    verb = "choose"
    choose: Words
    among: Pattern
    called: Text

    @model_validator(mode="after")
    def _named(self) -> "Choose":
        if "name" not in re.compile(self.among.blank).groupindex:
            raise ValueError("`among` has no group `name`")
        return self

    async def run(self, run: Run) -> None:
        """Ask once; upper and lower case are one."""
        text = await run.session.ask(*run.words(self.choose))
        pattern = run.fill(self.among, in_pattern)
        seen = [match.groupdict("") for match in re.finditer(pattern, text, re.MULTILINE)]
        wanted = run.fill(self.called).casefold()
        matching = [one for one in seen if one["name"].casefold() == wanted]
        if len(matching) == 1:
            run.values.update(matching[0])
            return
        names = sorted({one["name"] for one in seen})
        run.values["others"] = ", ".join(names) or "nothing"
        self.otherwise.follow(run)


class Listing(Step):
    """`list`: cut an answer at a pattern, and read `fields` from each piece; `rows` becomes them as
    JSON. A piece without a field that is `required` is none of them."""

    verb = "list"
    words: Words = Field(alias="list")
    cut: Pattern
    fields: dict[str, Pattern]
    required: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _grouped(self) -> "Listing":
        for name, pattern in self.fields.items():
            if not re.compile(pattern.blank).groups:
                raise ValueError(f"the field {name} has no group")
        if missing := set(self.required) - set(self.fields):
            raise ValueError(f"there is no field {', '.join(sorted(missing))}")
        return self

    async def run(self, run: Run) -> None:
        """Ask once."""
        text = await run.session.ask(*run.words(self.words), trusted=False)
        cuts = list(re.finditer(run.fill(self.cut, in_pattern), text, re.MULTILINE))
        ends = [*(cut.start() for cut in cuts[1:]), len(text)]
        rows = [self._row(text[cut.end() : end], run) for cut, end in zip(cuts, ends, strict=False)]
        kept = [row for row in rows if all(row[name] for name in self.required)]
        run.values["rows"] = json.dumps(kept, ensure_ascii=False)
        run.values["count"] = len(kept)

    def _row(self, piece: str, run: Run) -> dict[str, str]:
        row = {}
        for name, pattern in self.fields.items():
            match = re.search(run.fill(pattern, in_pattern), piece, re.MULTILINE)
            row[name] = (match[1] or "") if match else ""
        return row


class Number(Step):
    """`number`: the telephone number of somebody as said; `{who}` is how to call them."""

    verb = "number"
    number: Text

    async def run(self, run: Run) -> None:
        """Look into the phone's contacts where a name was said."""
        said = run.fill(self.number)
        run.values["number"] = await people.number_of(run.session, said)
        run.values["who"] = people.named(said)


class Contacts(Step):
    """`contacts`: the phone's address book; `rows` becomes it as JSON."""

    verb = "contacts"
    contacts: Literal[True]

    async def run(self, run: Run) -> None:
        """Ask twice: no answer holds two free texts."""
        rows = await people.contacts(run.session)
        run.values["rows"] = json.dumps(rows, ensure_ascii=False)
        run.values["count"] = len({row["contact"] for row in rows})


class App(Step):
    """`app`: the installed `{package}` that a name means."""

    verb = "app"
    app: Text

    async def run(self, run: Run) -> None:
        """Ask which are installed."""
        run.values["package"] = await apps.package(run.session, run.fill(self.app))


def holds(when: dict[str, str], run: Run) -> bool:
    """Whether every value matches its pattern whole; a value that is missing is empty."""
    return all(
        re.fullmatch(pattern, run.fill(Template(f"{{{name}}}"), missing=""))
        for name, pattern in when.items()
    )
