"""`octopus policy`: what policy.toml says, without a hub."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from orchestrator import device_file, settings, tables
from orchestrator.catalogue import IRRELEVANT, Catalogue
from orchestrator.cli.connection import Config
from orchestrator.cli.output import Json, say, tell
from orchestrator.cli.users import known, speakers
from orchestrator.nearest import hint
from orchestrator.people import LOCAL
from orchestrator.policy import Ruling, Verdict
from schemas.device import Device
from schemas.errors import NotKnown
from schemas.function import Function

app = typer.Typer(no_args_is_help=True, help="What policy.toml says, without a hub.")

_STYLES = {Verdict.ALLOW: "green", Verdict.CONFIRM: "cyan", Verdict.DENY: "red"}
_LEGEND = (
    "A number is the rule that decides, none: the function's own risk; *: the device, values or"
    " the hour may decide otherwise."
)


_Row = tuple[Function, list[tuple[str, Ruling]]]


@app.callback()
def policy() -> None:
    """What policy.toml says."""


@app.command()
def check(
    user: Annotated[str, typer.Option(help="Who asks")] = "",
    function: Annotated[str, typer.Option(help="What is to be done")] = "",
    device: Annotated[str, typer.Option(help="On which device: its id or name")] = "",
    at: Annotated[str, typer.Option(help="When: 22:30, or 2026-12-24T22:30")] = "",
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """Check policy.toml, and say what holds.

    For one call with --function, else for every user and function.
    """
    loaded, catalogue = settings.load(config)
    if user:
        known(user, loaded)
    asked = _Asked(
        tuple(speakers(loaded)) if not (user or function) else (user or LOCAL,),
        (_function(function, catalogue),) if function else _functions(catalogue),
        _device(device, loaded) if device else None,
        _moment(at) if at else None,
    )
    rulings = asked.rulings(loaded)
    told = [_plain(one, who, ruling) for one, row in rulings for who, ruling in row]
    if function:
        tell(told[0], as_json, _one)
    else:
        tell(told, as_json, lambda console, _: _draw(console, asked.users, rulings))


@dataclass(frozen=True)
class _Asked:
    """Of whom and what the policy is asked."""

    users: Sequence[str]
    functions: Sequence[Function]
    device: Device | None
    at: dt.datetime | None

    def rulings(self, loaded: settings.Settings) -> list[_Row]:
        """What holds for each function, user by user."""

        def of(user: str, function: Function) -> tuple[str, Ruling]:
            return user, loaded.policy.verdict(user, function, device=self.device, at=self.at)

        return [(one, [of(user, one) for user in self.users]) for one in self.functions]


def _functions(catalogue: Catalogue) -> tuple[Function, ...]:
    return tuple(function for function in catalogue if function.name != IRRELEVANT)


def _function(name: str, catalogue: Catalogue) -> Function:
    there_are = {function.name: function for function in _functions(catalogue)}
    if name not in there_are:
        raise NotKnown(f"no function {name}{hint(name, there_are)}")
    return there_are[name]


def _device(said: str, loaded: settings.Settings) -> Device:
    """A device of devices.toml, or one that the hub keeps."""
    found = (*loaded.devices, *device_file.read(loaded.state / "devices.json"))
    names = {name.casefold(): one for one in found for name in (*one.aliases, one.name, one.id)}
    if said.casefold() not in names:
        raise NotKnown(f"no device {said} is approved{hint(said, names)}")
    return names[said.casefold()]


def _moment(said: str) -> dt.datetime:
    """A moment on the wall, or an hour of today."""
    try:
        if len(said) <= len("22:30"):
            return dt.datetime.combine(dt.datetime.now().date(), dt.time.fromisoformat(said))
        return dt.datetime.fromisoformat(said)
    except ValueError as error:
        raise typer.BadParameter(f"--at: {said}: write 22:30, or 2026-12-24T22:30") from error


def _plain(function: Function, user: str, ruling: Ruling) -> dict[str, Any]:
    return {"user": user, "function": function.name} | ruling.model_dump(mode="json")


def _one(console: Console, told: dict[str, Any]) -> None:
    line = Text.assemble((told["verdict"], _STYLES[Verdict(told["verdict"])]))
    console.print(line.append(f": {told['reason']}"), soft_wrap=True)
    if not told["settled"]:
        say("not settled: the device, its values or the hour may decide otherwise")


def _draw(console: Console, users: Sequence[str], rulings: Sequence[_Row]) -> None:
    rows: list[list[tables.Cell]] = [
        [function.name, *(_cell(one) for _, one in row)] for function, row in rulings
    ]
    tables.table(console, ("function", *users), rows)
    say(_LEGEND)


def _cell(ruling: Ruling) -> Text:
    rule = f" {ruling.rule}" if ruling.rule else ""
    star = "" if ruling.settled else "*"
    return Text(f"{ruling.verdict}{rule}{star}", _STYLES[ruling.verdict])
