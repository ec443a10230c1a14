"""Calls to a plan that may run: a device for each step, people and present values looked up, and
the policy's word."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from orchestrator import amounts, people, planner, texts
from orchestrator.canonical import Canonical, phone_number
from orchestrator.catalogue import Catalogue
from orchestrator.nearest import hint
from orchestrator.people import Contact, Match, People
from orchestrator.policy import Ruling, Verdict
from orchestrator.questions import Ask, Reply
from orchestrator.registry import Registry
from orchestrator.routing import router
from orchestrator.times import rhythms
from orchestrator.understanding import Understander, Understanding
from schemas.base import Value
from schemas.call import Change, Invocation, Person, Restore
from schemas.command import Command
from schemas.device import Device, Kind
from schemas.errors import DeviceUnavailable, HubError
from schemas.function import Effect, Parameter, ParameterType
from schemas.plan import Plan, Ref, Step
from schemas.question import Option, Question
from schemas.when import When

LOOK_WITHIN = 5.0
"""Seconds a device has to say how it is, or whom it knows."""
ADDRESS_BOOK = "list_contacts"
"""What a device with contacts serves; no function of the catalogue, so no sentence asks for it."""
_DEVICE, _PERSON = "device ", "person "


class Given(Value):
    """What a person answered: values and people by their place, devices by their step."""

    values: dict[str, Canonical] = {}
    devices: dict[int, tuple[str, ...]] = {}
    people: dict[str, str | Person] = {}


class NotKnown(HubError):
    """What the sentence points at cannot be looked up."""

    code = "not_known"


class Settler:
    """Settles what is open about a sentence's calls; keeps nothing between them."""

    def __init__(
        self,
        understander: Understander,
        catalogue: Catalogue,
        registry: Registry,
        people: People,
    ) -> None:
        self._understander = understander
        self._catalogue = catalogue
        self._registry = registry
        self._people = people

    async def plan(
        self,
        command: Command,
        understood: Understanding,
        given: Given,
        recent: tuple[str, ...] = (),
    ) -> Plan:
        """The routed plan; Ask where a person must say more, another HubError where it cannot be.

        `recent`: the devices of the command that "it" points back to.
        """
        if given.values or understood.question:
            calls = self._understander.ground(understood, given.values)
        else:
            calls = understood.calls
        devices = _named(command.devices, self._registry.approved)
        try:
            plan = router.route(
                planner.plan(calls, self._catalogue), devices, understood.sentence, self._catalogue,
                defaults=self._own(command.user), owners=self._owners(), chosen=given.devices,
                recent=recent,
            )  # fmt: skip
        except router.WhichDevice as which:
            options = tuple(Option(label=d.name, value=d.id) for d in which.candidates)
            place = f"{_DEVICE}{which.step}"
            raise Ask(Question(text=str(which), place=place, options=options)) from which
        met = await asyncio.gather(*(self._met(step, command, given) for step in plan.steps))
        return Plan(steps=tuple(met))

    def now(self) -> datetime:
        """The hub's clock, in its zone."""
        return self._understander.now()

    async def reckoned(self, plan: Plan) -> Plan:
        """The plan with a value for every change, reckoned from how the devices are now."""
        return Plan(steps=tuple(await asyncio.gather(*map(self._reckoned, plan.steps))))

    def ruling(self, user: str, plan: Plan, when: When | None = None) -> Ruling:
        """The policy's strictest word on any step, and why, at the moment when it is to run."""
        at = rhythms.instant(when).astimezone(self.now().tzinfo) if when else self.now()
        devices = {device.id: device for device in self._registry.approved}
        found = [self._rule(user, step, devices, plan, at) for step in plan.steps]
        order = (Verdict.DENY, Verdict.CONFIRM, Verdict.ALLOW)
        return min(found, key=lambda ruling: order.index(ruling.verdict))

    def _rule(
        self, user: str, step: Step, devices: Mapping[str, Device], plan: Plan, at: datetime
    ) -> Ruling:
        if step.function not in self._catalogue:
            raise NotKnown(texts.NO_SUCH_FUNCTION.format(function=step.function))
        function, device = self._catalogue[step.function], devices.get(step.device or "")
        if device is None:
            raise NotKnown(texts.REMOVED.format(device=step.device))
        ruling = self._understander.policy.verdict(
            user, function, device=device, arguments=step.arguments, at=at
        )
        foreign = [
            devices[source].name
            for index in step.needs
            if (source := plan.steps[index].device or "") in devices
            and devices[source].kind is not Kind.HUB
        ]
        if ruling.verdict is Verdict.ALLOW and function.effect is Effect.ONCE and foreign:
            reason = f"{texts.spoken(function.name)} would pass on what {foreign[0]} says"
            return Ruling(verdict=Verdict.CONFIRM, rule=None, reason=reason)
        return ruling

    def given(
        self, given: Given, ask: Ask, reply: Reply, understood: Understanding, user: str
    ) -> Given | None:
        """What is given with an answer to a question; None where the answer is none."""
        place = ask.question.place
        picked = tuple(option.value for option in reply.picked)
        if place.startswith(_DEVICE):
            step = int(place.removeprefix(_DEVICE))
            chosen = {**given.devices, step: picked}
            return given.model_copy(update={"devices": chosen}) if picked else None
        if len(picked) > 1:
            return None
        if place.startswith(_PERSON):
            person = picked[0] if picked else self._named(reply.words, user, ask.known)
            people = {**given.people, place: person}
            return given.model_copy(update={"people": people}) if person else None
        said = Reply(words=picked[0], text=picked[0]) if picked else reply
        values = self._understander.answered(ask.question, said, understood)
        if values is None:
            return None
        return given.model_copy(update={"values": {**given.values, **values}})

    def takes_any_words(self, question: Question, understood: Understanding) -> bool:
        """Whether whatever is said may be the answer: a message's text."""
        own = not question.place.startswith((_DEVICE, _PERSON))
        return own and self._understander.asks_for_text(question, understood)

    def _named(self, words: str, user: str, book: tuple[Contact, ...]) -> str | Person | None:
        """A number, or somebody whom the hub or the phone knows; None for any other words."""
        if number := phone_number(words, self._understander.region):
            return number
        found = people.find(words, user, self._people, book, self._understander.region)
        return Person(person=words) if found else None

    def _own(self, user: str) -> dict[Kind, str]:
        """The ids of the speaker's own devices."""
        return self._owners().get(user, {})

    def _owners(self) -> dict[str, dict[Kind, str]]:
        """The ids of every speaker's own devices, by user."""
        if not self._people.users:
            return {}
        ids = {name.casefold(): d.id for d in self._registry.approved for name in (d.name, d.id)}
        return {
            user: {k: ids[n.casefold()] for k, n in own.devices.items() if n.casefold() in ids}
            for user, own in self._people.users.items()
        }

    async def _met(self, step: Step, command: Command, given: Given) -> Step:
        """The step with somebody who can be reached for every name."""
        parameters = {p.name: p for p in self._catalogue[step.function].parameters}
        arguments = dict(step.arguments)
        for name, value in step.arguments.items():
            if isinstance(value, Person):
                place = f"{_PERSON}{step.index}.{name}"
                meant = given.people.get(place, value)
                if isinstance(meant, Person):
                    meant = await self._person(meant, parameters[name], step, command.user, place)
                arguments[name] = meant
        return step.model_copy(update={"arguments": arguments})

    async def _person(
        self, person: Person, parameter: Parameter, step: Step, user: str, place: str
    ) -> str:
        which = f"'s {person.which} number" if person.which else ""
        said, mail = person.person + which, parameter.type is ParameterType.EMAIL
        book: tuple[Contact, ...] | None = ()
        matches = self._matches(said, user, (), mail)
        if len(matches) != 1 or not matches[0].sure:
            book = await self._address_book(step, user)
            if book is None and not matches and not mail:
                return person.person  # the device knows its people itself
            matches = self._matches(said, user, book or (), mail)
        if len(matches) == 1 and matches[0].sure:
            return matches[0].email if mail else matches[0].callee
        options = tuple(
            Option(
                label=f"{m.name} {m.label} {m.number}".strip(), value=m.email if mail else m.callee
            )
            for m in matches[: people.NAMED]
        )
        text = people.ask(matches, said)
        raise Ask(Question(text=text, place=place, options=options, words=True), book or ())

    def _matches(
        self, said: str, user: str, book: tuple[Contact, ...], mail: bool
    ) -> tuple[Match, ...]:
        """Those that may be meant and can be reached so."""
        found = people.find(said, user, self._people, book, self._understander.region)
        if not mail:
            return tuple(match for match in found if match.number)
        return tuple({match.email: match for match in found if match.email}.values())

    async def _address_book(self, step: Step, user: str) -> tuple[Contact, ...] | None:
        """The contacts of the step's device, else of the speaker's phone; None without one."""
        able = {d.id for d in self._registry.approved if ADDRESS_BOOK in d.functions}
        own = self._own(user).get(Kind.PHONE)
        device = next((one for one in (step.device, own) if one in able), None)
        if device is None:
            return None
        asked = Invocation(function=ADDRESS_BOOK, arguments={}, key="", timeout=LOOK_WITHIN)
        try:
            async with asyncio.timeout(LOOK_WITHIN):
                done = await self._registry.reach(device, asked)
            return people.address_book(str(done.result))
        except (TimeoutError, ValueError) as error:
            raise DeviceUnavailable(texts.NO_CONTACTS.format(device=device)) from error

    async def _reckoned(self, step: Step) -> Step:
        changes = {n: v for n, v in step.arguments.items() if isinstance(v, Change)}
        if not changes:
            return step
        parameters = {p.name: p for p in self._catalogue[step.function].parameters}
        now = await self._present(step)
        arguments = dict(step.arguments)
        for name, change in changes.items():
            # What is undone by another function is off, and so at its least.
            off = now is not None and now.function != step.function
            value = parameters[name].minimum if off else now and now.arguments.get(name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                where = self._registry.names().get(step.device or "", step.device)
                what = f"{texts.spoken(step.function)}: {texts.spoken(name)}"
                raise NotKnown(f"{where} does not say how it is now ({what}): say a number")
            arguments[name] = amounts.reckoned(change, value, parameters[name])
        return step.model_copy(update={"arguments": arguments})

    async def _present(self, step: Step) -> Restore | None:
        """The call that would leave the step's device as it is."""
        plain = {
            n: None if isinstance(v, Change | Person | Ref) else v
            for n, v in step.arguments.items()
        }
        asked = Invocation(function=step.function, arguments=plain, key="", timeout=LOOK_WITHIN)
        assert step.device is not None
        try:
            async with asyncio.timeout(LOOK_WITHIN):
                return await self._registry.present(step.device, asked)
        except TimeoutError as error:
            raise DeviceUnavailable(f"{step.device} does not say how it is") from error


def _named(wanted: tuple[str, ...], approved: tuple[Device, ...]) -> tuple[Device, ...]:
    """Those that a command names by id, name or alias; all where it names none. NotKnown where
    nothing approved is called so."""
    if not wanted:
        return approved
    called = {d.id: {one.casefold() for one in (d.id, d.name, *d.aliases)} for d in approved}
    for one in wanted:
        if not any(one.casefold() in names for names in called.values()):
            known = [name for d in approved for name in (d.id, d.name, *d.aliases)]
            raise NotKnown(f"no approved device is called {one}{hint(one, known)}")
    meant = {one.casefold() for one in wanted}
    return tuple(d for d in approved if called[d.id] & meant)
