"""The steps of a recipe that work with the phone's screen and its files."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from device_adapters.android import screen
from device_adapters.android.filling import in_pattern
from device_adapters.android.run import Answer, Drafted, Run
from device_adapters.android.steps import Pattern, Step, Text, Words
from schemas.errors import DeviceRefused, HubError


class Unlock(Step):
    """`unlock`: wake the screen; only a person can unlock one that asks for a secret."""

    verb = "unlock"
    unlock: Literal[True]

    async def run(self, run: Run) -> None:
        """Wake it."""
        await screen.unlock(run.session)


class Start(Step):
    """`start`: start an activity, in `package` if that is there; `{front}` is who took it."""

    verb = "start"
    start: Words
    package: str | None = None

    async def run(self, run: Run) -> None:
        """Start it, once."""
        words = run.words(self.start)
        run.values["front"] = await screen.start(run.session, *words, package=self.package)


class Front(Step):
    """`front`: look until what was started is in front; where the phone asks which app to use, a
    person finishes it."""

    verb = "front"
    front: Literal[True]

    async def run(self, run: Run) -> None:
        """Look until patience ends."""
        package = str(run.values.get("front"))
        seen = await screen.resumed(run.session, package, *screen.CHOOSERS)
        if seen in screen.CHOOSERS:
            raise Drafted("the phone asks which app to use")
        if seen is None:
            self.otherwise.follow(run)


class Tap(Step):
    """`tap`: touch the one thing on the screen whose text, description or id a pattern matches."""

    verb = "tap"
    tap: Pattern

    async def run(self, run: Run) -> None:
        """Look until it is there, and touch it once."""
        pattern = re.compile(run.fill(self.tap, in_pattern), re.IGNORECASE)

        async def look() -> tuple[int, int] | None:
            return await screen.place(run.session, pattern)

        place = await run.session.until(look)
        if place is None:
            self.otherwise.follow(run)
            return
        await run.session.tell("input", "tap", *map(str, place))


class Fetch(Step):
    """`fetch`: copy a file of the phone into the hub's folder; `{path}` is where. A copy that fails
    is only told, where `else` goes on; `{why}` is what the phone said."""

    verb = "fetch"
    fetch: Text

    async def run(self, run: Run) -> None:
        """Copy it."""
        path = run.fill(self.fetch)
        try:
            run.values["path"] = await run.session.fetch(path)
        except HubError as exc:
            if self.otherwise.answer is not Answer.GO_ON and not isinstance(exc, DeviceRefused):
                raise
            run.values["why"] = str(exc)
            self.otherwise.follow(run)
            run.note = f"; it stayed on the phone: {exc}"


def _bytes(text: str) -> str:
    bytes.fromhex(text)
    return text


class Keep(Step):
    """`keep`: write a command's raw output into the hub's folder; `{path}` is where. It must begin
    with the bytes of `begins`, in hex."""

    verb = "keep"
    keep: Words
    name: str
    begins: Annotated[str, AfterValidator(_bytes)] = ""

    async def run(self, run: Run) -> None:
        """Run it once."""
        data = await run.session.output(*run.words(self.keep))
        if not data.startswith(bytes.fromhex(self.begins)):
            self.otherwise.follow(run)
            raise DeviceRefused("the phone's answer is no such file")
        run.values["path"] = await run.session.keep(self.name, data)
