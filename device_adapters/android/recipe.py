"""Two shapes most functions have: a thing to set and read back, and a page to show."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from device_adapters.android import screen
from device_adapters.android.session import Session
from schemas.base import Scalar
from schemas.errors import DeviceRefused
from schemas.outcome import Done, Evidence

Arguments = Mapping[str, Scalar | None]
Words = tuple[str, ...]
Present = dict[str, Scalar | None]
"""What a call would change, as the arguments that would set it as it is now."""
Run = Callable[[Session, Arguments], Awaitable[Done]]

VIEW = "android.intent.action.VIEW"


@dataclass(frozen=True)
class Change:
    """Say words, then look until it `holds`.

    `insists`: where the phone shows something else, the call was refused; without it the look is
    only a hint, and the outcome `unverified`.
    """

    say: Callable[[Arguments], tuple[Words, ...]]
    look: Words
    holds: Callable[[str, Arguments], bool]
    detail: str  # filled in with the arguments
    insists: bool = True

    async def __call__(self, session: Session, arguments: Arguments) -> Done:
        """Run it."""
        for words in self.say(arguments):
            await session.tell(*words)

        async def look() -> bool | None:
            return self.holds(await session.ask(*self.look), arguments) or None

        seen = await session.until(look)
        if not seen and self.insists:
            raise DeviceRefused("the phone took it and did not do it")
        evidence = Evidence.VERIFIED if seen else Evidence.UNVERIFIED
        return Done(evidence=evidence, detail=fill(self.detail, arguments))


@dataclass(frozen=True)
class Reading:
    """Look at what sets an argument, and read which value that is; None where it is none."""

    look: Words
    argument: str
    read: Callable[[str], Scalar | None]

    async def __call__(self, session: Session, arguments: Arguments) -> Present | None:
        """Run it."""
        value = self.read((await session.ask(*self.look)).strip())
        return None if value is None else {self.argument: value}


@dataclass(frozen=True)
class Page:
    """Show a URI in the app that suits it; `package` is asked first."""

    uri: Callable[[Arguments], str]
    detail: str
    package: str | None = None
    action: str = VIEW
    shown: Evidence = Evidence.VERIFIED  # drafted where a person must finish it

    async def __call__(self, session: Session, arguments: Arguments) -> Done:
        """Run it."""
        uri = self.uri(arguments)
        await screen.unlock(session)
        intent = ("-a", self.action, "-d", uri)
        package = await screen.start(session, *intent, package=self.package)
        return await showing(session, package, fill(self.detail, arguments), self.shown)


async def showing(session: Session, package: str, detail: str, shown: Evidence) -> Done:
    """How far a started activity got: in front, asking which app, or not seen."""
    front = await screen.resumed(session, package, *screen.CHOOSERS)
    if front is None:
        return Done(evidence=Evidence.UNVERIFIED, detail=detail)
    if front != package or front in screen.CHOOSERS:
        return Done(evidence=Evidence.DRAFTED, detail="the phone asks which app to use")
    return Done(evidence=shown, detail=detail)


def fill(template: str, arguments: Arguments) -> str:
    """The template with the arguments' values; only names stand in it, no formats."""
    return template.format(**arguments)


def text(arguments: Arguments, name: str) -> str:
    """A text argument that must be there."""
    value = arguments.get(name)
    if not isinstance(value, str) or not value.strip():
        raise DeviceRefused(f"{name} is missing")
    return value


def number(arguments: Arguments, name: str) -> int:
    """A whole number that must be there."""
    value = arguments.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise DeviceRefused(f"{name} is missing")
    return value
