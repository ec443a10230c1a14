"""What people say to a running hub: sentences and calls, yes, no and answers, and what to stop."""

import time
from typing import Annotated, Any

import typer

from orchestrator import follow, settings, view
from orchestrator.cli import interactive
from orchestrator.cli.connection import Config, Work, reaching, with_hub
from orchestrator.cli.output import Json, console, done, emit, errors, exit_of, tell
from orchestrator.client import HubClient
from orchestrator.orders import UNDO
from schemas.call import NamedCall
from schemas.execution import RunState

Id = Annotated[str, typer.Argument(help="A command's id, or at least 4 characters of it")]
Yes = Annotated[bool, typer.Option("--yes", help="Confirm what the policy asks about")]
Hold = Annotated[float, typer.Option(min=0, help="Minutes to wait for a device that is away")]
Devices = Annotated[
    list[str] | None, typer.Option("--device", help="Only this device, by name or id; may repeat")
]


def send(
    sentence: Annotated[
        str | None, typer.Argument(help="Default: what is typed, or each line that is read")
    ] = None,
    config: Config = settings.PACKAGED,
    yes: Yes = False,
    hold: Hold = 0,
    device: Devices = None,
    as_json: Json = False,
) -> None:
    """Send a sentence and show its life; without one, whatever is typed or read.

    Exits 0 only when every step succeeded.

    Typed are lines until Ctrl-D; of a file every line is sent, one after another.
    """
    reach = reaching(config)

    def say(text: str) -> RunState:
        state: RunState = reach(_sending(text, yes, hold, device, as_json))
        return state

    if sentence is not None:
        raise exit_of(say(sentence))
    raise typer.Exit(interactive.talk(say, as_json=as_json))


def call(
    function: Annotated[str, typer.Argument(help="As `octopus policy check` lists them")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="What it is called with")
    ] = None,
    config: Config = settings.PACKAGED,
    yes: Yes = False,
    hold: Hold = 0,
    device: Devices = None,
    as_json: Json = False,
) -> None:
    """Call a function by its name, without the model.

    The policy holds as for a sentence.
    """
    named = NamedCall(function=function, arguments=dict(map(_argument, arguments or [])))
    raise exit_of(with_hub(config, _sending(named, yes, hold, device, as_json)))


def _argument(said: str) -> tuple[str, str]:
    name, equals, value = said.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{said!r}: NAME=VALUE is needed")
    return name, value


def _sending(
    said: str | NamedCall, yes: bool, hold: float, devices: list[str] | None, as_json: bool
) -> Work:
    async def work(client: HubClient) -> RunState:
        until = time.time() + hold * 60 if hold else None
        return await follow.follow(
            client, said, errors if as_json else console, yes=yes,
            record=emit if as_json else None, hold=until, devices=devices or [],
        )  # fmt: skip

    return work


def undo(config: Config = settings.PACKAGED, yes: Yes = False, as_json: Json = False) -> None:
    """Take back what your last command did.

    As far as the devices told how it was before.
    """
    raise exit_of(with_hub(config, _sending(UNDO, yes, 0, None, as_json)))


def plan(sentence: str, config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Show what would be done with a sentence, and on which devices.

    A running hub is asked; nothing is done.
    """
    outlined = with_hub(config, lambda client: client.request("plan", text=sentence))
    tell(outlined, as_json, view.plan)


def confirm(
    execution: Id,
    token: Annotated[str, typer.Argument(help="What `octopus executions show` says")],
    config: Config = settings.PACKAGED,
    no: Annotated[bool, typer.Option("--no", help="Refuse instead")] = False,
    as_json: Json = False,
) -> None:
    """Answer a command that waits for confirmation."""

    async def work(client: HubClient) -> Any:
        found = await client.find(execution)
        return await client.request("confirm", execution=found["id"], token=token, answer=not no)

    done(with_hub(config, work), as_json, "refused" if no else "confirmed")


def answer(
    execution: Id, text: str, config: Config = settings.PACKAGED, as_json: Json = False
) -> None:
    """Answer the question that a command waits with."""

    async def work(client: HubClient) -> Any:
        found = await client.find(execution)
        return await client.request("answer", execution=found["id"], text=text)

    done(with_hub(config, work), as_json, "answered")


def cancel(execution: Id, config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Stop a command that is under way, and say what became of it."""

    async def work(client: HubClient) -> Any:
        found = await client.find(execution)
        return await client.request("cancel", execution=found["id"])

    record = with_hub(config, work)
    tell(record, as_json, lambda to, told: view.answer(to, told["answer"] or told["state"]))
