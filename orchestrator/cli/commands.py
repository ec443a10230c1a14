"""The `octopus` command. Exit status: 0 done, 1 not (wholly) done, 2 wrong use or configuration.

`run`, `decode` and `demo` import the hub themselves: what only talks to one starts without it.
"""

import asyncio
import contextlib
import json
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from orchestrator import follow, logs, settings, timeline, view
from orchestrator.broker import LOCAL
from orchestrator.cli import pair as pair_cli
from orchestrator.cli import phone as phone_cli
from orchestrator.cli import token as token_cli
from orchestrator.cli.own_hub import Config, Json, with_hub
from orchestrator.client import HubClient
from orchestrator.extras import extra
from schemas.errors import HubError
from schemas.execution import RunState

if TYPE_CHECKING:
    import sqlalchemy as sa

cli = typer.Typer(no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False)
devices_cli = typer.Typer(no_args_is_help=False, help="Devices: what is there, what was found.")
executions_cli = typer.Typer(no_args_is_help=True, help="What happened to earlier commands.")
schedule_cli = typer.Typer(no_args_is_help=False, help="What is to be done later.")
cli.add_typer(devices_cli, name="devices")
cli.add_typer(executions_cli, name="executions")
cli.add_typer(schedule_cli, name="schedule")
cli.command()(pair_cli.pair)
cli.add_typer(phone_cli.app, name="phone")
cli.add_typer(token_cli.app, name="token")
MOST = 500
"""Commands that the hub lists at once."""
console = Console()
errors = Console(stderr=True)

Id = Annotated[str, typer.Argument(help="A command's id, or at least 4 characters of it")]


def main() -> None:
    """Run the command line; an error on purpose is one line and exit status 2, or 1 where another
    try may go better."""
    try:
        cli()
    except HubError as error:
        said = view.plain(errors, f"octopus: {error}")  # it may be a device's own words
        errors.print(said, style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1 if error.passing else 2)


@cli.command()
def run(
    config: Config = settings.PACKAGED,
    verbose: Annotated[bool, typer.Option("--verbose", "-v")] = False,
) -> None:
    """Run the hub until it is stopped."""
    from orchestrator import daemon

    logs.start(logging.DEBUG if verbose else logging.INFO)
    loaded, catalogue = settings.load(config)
    asyncio.run(daemon.serve(loaded, catalogue))


@cli.command()
def send(
    sentence: str,
    config: Config = settings.PACKAGED,
    yes: Annotated[bool, typer.Option("--yes", help="Confirm what the policy asks about")] = False,
    hold: Annotated[
        float, typer.Option(min=0, help="Minutes to wait for a device that is away")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Send one sentence, show its life, exit 0 only when every step succeeded."""

    async def work(client: HubClient) -> RunState:
        until = time.time() + hold * 60 if hold else None
        return await follow.follow(client, sentence, console, yes=yes, as_json=as_json, hold=until)

    raise _exit(with_hub(config, work))


def _exit(state: RunState) -> typer.Exit:
    return typer.Exit(0 if state in (RunState.SUCCEEDED, RunState.SCHEDULED) else 1)


@cli.command()
def undo(config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Take back what your last command did, as far as the devices told how it was before."""
    send("undo that", config, as_json=as_json)


@cli.command()
def plan(sentence: str, config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Show what a running hub would do with a sentence, and on which devices; nothing is done."""
    outlined = with_hub(config, lambda client: client.request("plan", text=sentence))
    _tell(outlined, as_json, view.plan)


@cli.command()
def decode(
    sentence: Annotated[str | None, typer.Argument()] = None,
    config: Config = settings.PACKAGED,
    jsonl: Annotated[
        Path | None, typer.Option(help="Lines with q; a JSON line each comes out")
    ] = None,
    user: Annotated[str, typer.Option(help="Whose policy counts")] = LOCAL,
) -> None:
    """Show what the model makes of a sentence, without doing anything."""
    from orchestrator import app
    from orchestrator.named import named
    from orchestrator.octopus.loading import load
    from orchestrator.understanding import Understanding

    if (sentence is None) == (jsonl is None):
        raise typer.BadParameter("give either a sentence or --jsonl FILE")
    loaded, catalogue = settings.load(config)
    start = app.model_start(loaded, catalogue)
    model = load(start.model, catalogue, start.embedded)
    understander = app.understanding_of(loaded, catalogue)

    def understood(text: str) -> Understanding:
        return understander(text, model.decode_all(understander.readings(text)), user)

    for text in [sentence] if sentence is not None else _questions(jsonl):
        print(json.dumps(named(text, understood, catalogue), ensure_ascii=False))  # noqa: T201


def _questions(file: Path | None) -> list[str]:
    assert file is not None
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["q"] for line in lines if line]
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise typer.BadParameter(f"{file}: every line must be a JSON object with q") from error


@cli.command()
def evaluate(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Rows as JSON lines; default: the held-out sets")
    ] = None,
    utterances: Annotated[
        Path | None, typer.Option(help="Folder whose dev.jsonl is evaluated too")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Folder of other weights than those the hub uses")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for evaluation.json and the pictures")
    ] = None,
    errors_shown: Annotated[
        int, typer.Option("--errors", help="Print so many wrong rows of each file")
    ] = 0,
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """How often the weights are right, and whether their confidence is."""
    from orchestrator import taught
    from orchestrator.octopus.manifest import WEIGHTS
    from training import evaluate as evaluation

    loaded, catalogue = settings.load(config)
    named_files = files or ([] if utterances else evaluation.own_sets())
    dev = [utterances / "dev.jsonl"] if utterances else []
    figures = evaluation.report(
        [*named_files, *dev], catalogue, errors if as_json else console,
        weights=weights or taught.current(loaded.state) or WEIGHTS, out=out, wrong=errors_shown,
    )  # fmt: skip
    if as_json:
        print(json.dumps(figures))  # noqa: T201


@cli.command()
def teach(
    function: Annotated[
        Path | None, typer.Argument(help="TOML file with one [[function]], without a token")
    ] = None,
    examples: Annotated[
        Path | None, typer.Option(help="10 to 30 sentences, arguments as {name~words}")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Go back to what was before")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Teach the same to the weights of a new release")
    ] = False,
    config: Config = settings.PACKAGED,
) -> None:
    """Teach the hub a function of your own: three minutes, the extra `train`."""
    from orchestrator import taught

    if undo:  # helps against a catalogue that cannot be read, so it reads none
        now = taught.undo(settings.hub_of(config).state)
        console.print(f"in use: {now or 'the packaged weights'}; restart the hub")
        return
    if not again and (function is None or examples is None):
        raise typer.BadParameter("give FUNCTION.toml and --examples FILE, or --again, or --undo")
    if again and (function is not None or examples is not None):
        raise typer.BadParameter("--again teaches what was taught before: name no files")
    loaded, catalogue = settings.load(config)
    with extra("train"):
        from training import teach as teaching
    if function is None or examples is None:
        folder = teaching.again(loaded.state, catalogue, console)
    else:
        folder = teaching.teach(function, examples, loaded.state, catalogue, console)
    console.print(f"taught: {folder}; restart the hub to use it, --undo to go back")


@cli.command()
def doctor(config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Say what would keep the configured model from working; exit 1 where something would."""
    from orchestrator import app
    from orchestrator.doctor import model_checks

    loaded, catalogue = settings.load(config)
    start = app.model_start(loaded, catalogue)
    checks = [asdict(one) for one in model_checks(start.model, catalogue, start.embedded)]
    if as_json:
        print(json.dumps(checks))  # noqa: T201
    else:
        view.checks(console, checks)
    raise typer.Exit(0 if all(check["good"] for check in checks) else 1)


@cli.command()
def backup(file: Path, config: Config = settings.PACKAGED) -> None:
    """Write the journal, devices, keys and what was taught to FILE (.tar.gz), which is secret; the
    hub may run."""
    from orchestrator.journal.backup import backup as make

    loaded = settings.hub_of(config)
    make(_journal(loaded), loaded.state, file)
    _say(f"backed up: {file} ({file.stat().st_size / 1e6:,.1f} MB)")


@cli.command()
def restore(
    file: Path,
    config: Config = settings.PACKAGED,
    replace: Annotated[
        bool, typer.Option("--replace", help="Where there is a journal: move it aside")
    ] = False,
) -> None:
    """Put a backup in place, while no hub runs; what it replaces is moved aside."""
    from orchestrator.journal.restore import restore as put

    loaded = settings.hub_of(config)
    made = put(file, _journal(loaded), loaded.state, replace)
    passed = f"; what was due since the backup is not run again (schedules: {made.passed})"
    aside = f"; what was there before is in {made.aside}"
    _say(f"restored: {loaded.state}{passed if made.passed else ''}{aside if made.aside else ''}")


@cli.command()
def audit(config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Say whether the journal is as it was written; the hub may run. Exit 1 where it is not."""
    from orchestrator.journal.audit import look

    found = look(_journal(settings.hub_of(config)))
    if as_json:
        print(json.dumps(asdict(found)))  # noqa: T201
    else:
        view.audit(console, asdict(found))
    raise typer.Exit(1 if found.faults else 0)


def _journal(loaded: settings.Settings) -> "sa.URL":
    from orchestrator.journal import engine

    return engine.at(loaded.store.address(), loaded.state / "journal.db")


def _tell(told: Any, as_json: bool, draw: Callable[[Console, Any], None]) -> None:
    """What the hub said, as JSON or as people read it."""
    if as_json:
        console.print_json(json.dumps(told))
    else:
        draw(console, told)


def _say(line: str) -> None:
    told = view.plain(console, line)
    console.print(told, markup=False, highlight=False, soft_wrap=True)


@cli.command()
def confirm(
    execution: str,
    token: str,
    config: Config = settings.PACKAGED,
    no: Annotated[bool, typer.Option("--no", help="Refuse instead")] = False,
) -> None:
    """Answer a command that waits for confirmation."""
    with_hub(
        config, lambda c: c.request("confirm", execution=execution, token=token, answer=not no)
    )


@cli.command()
def answer(execution: str, text: str, config: Config = settings.PACKAGED) -> None:
    """Answer the question that a command waits with."""
    with_hub(config, lambda c: c.request("answer", execution=execution, text=text))


@executions_cli.command()
@cli.command()
def cancel(execution: Id, config: Config = settings.PACKAGED) -> None:
    """Stop a command that is under way, and say what became of it."""

    async def work(client: HubClient) -> Any:
        found = await client.find(execution)
        return await client.request("cancel", execution=found["id"])

    record = with_hub(config, work)
    view.answer(console, record["answer"] or record["state"])


@cli.command()
def demo(
    sentence: Annotated[str | None, typer.Argument()] = None,
) -> None:
    """Start a hub with simulated devices, send it sentences, show what happens."""
    from orchestrator.demo import demonstrate

    raise typer.Exit(0 if asyncio.run(demonstrate(sentence, console)) else 1)


@devices_cli.callback(invoke_without_command=True)
def devices(
    context: typer.Context, config: Config = settings.PACKAGED, as_json: Json = False
) -> None:
    """List devices."""
    if context.invoked_subcommand is None:
        found = with_hub(config, lambda client: client.request("device/list"))
        _tell(found, as_json, view.devices)


@devices_cli.command()
def approve(device: str, config: Config = settings.PACKAGED) -> None:
    """Let the hub use a device it found."""
    done = with_hub(config, lambda client: client.request("device/approve", device=device))
    _say(view.approved(done))


@devices_cli.command()
def rename(device: str, name: str, config: Config = settings.PACKAGED) -> None:
    """Give a device another name."""
    with_hub(config, lambda client: client.request("device/rename", device=device, name=name))


@devices_cli.command()
def describe(
    device: str,
    room: Annotated[str | None, typer.Option(help='The room it is in; "" for none')] = None,
    alias: Annotated[list[str] | None, typer.Option(help="What else it is called")] = None,
    no_alias: Annotated[list[str] | None, typer.Option(help="What it is called no more")] = None,
    default: Annotated[
        bool | None,
        typer.Option("--default/--no-default", help="Meant where several of its kind would do"),
    ] = None,
    config: Config = settings.PACKAGED,
) -> None:
    """Say where a device is, what else it is called, whether it is the default of its kind."""

    async def work(client: HubClient) -> Any:
        said = {"room": room, "default": default}
        changes: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
        if alias or no_alias:
            found = await client.request("device/describe", device=device)
            kept = [*found["aliases"], *(alias or [])]
            changes["aliases"] = [one for one in kept if one not in (no_alias or [])]
        return await client.request("device/describe", device=device, **changes)

    _say(view.described(with_hub(config, work)))


@devices_cli.command()
def remove(device: str, config: Config = settings.PACKAGED) -> None:
    """Forget a device."""
    with_hub(config, lambda client: client.request("device/remove", device=device))


@schedule_cli.callback(invoke_without_command=True)
def schedule(
    context: typer.Context, config: Config = settings.PACKAGED, as_json: Json = False
) -> None:
    """List what is scheduled."""
    if context.invoked_subcommand is None:
        found = with_hub(config, lambda client: client.request("schedule/list"))
        _tell(found, as_json, view.schedules)


@schedule_cli.command("cancel")
def cancel_schedule(identity: str, config: Config = settings.PACKAGED) -> None:
    """Cancel what is scheduled."""
    gone = with_hub(config, lambda client: client.request("schedule/cancel", schedule=identity))
    _say(f"cancelled: {gone['text']}")


@executions_cli.command("list")
def list_executions(
    config: Config = settings.PACKAGED,
    limit: Annotated[int, typer.Option(help=f"At most so many, up to {MOST}")] = 20,
    state: Annotated[
        RunState | None, typer.Option(help=f"Only those of the latest {MOST} in this state")
    ] = None,
    as_json: Json = False,
) -> None:
    """The newest commands."""
    asked = limit if state is None else MOST
    found = with_hub(config, lambda client: client.request("execution/list", limit=asked))
    records = [one for one in found if state in (None, one["state"])][:limit]
    _tell(records, as_json, lambda to, told: view.executions(to, told, time.time()))


@executions_cli.command()
def show(execution: Id, config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """One command: its steps as a tree, and how each waited and ran."""

    async def work(client: HubClient) -> None:
        record = await client.find(execution)
        if as_json:
            console.print_json(json.dumps(record))
        else:
            names = await follow.device_names(client)
            console.print(timeline.drawing(console, record, names, time.time()))

    with_hub(config, work)


@executions_cli.command()
def watch(
    execution: Annotated[
        str | None, typer.Argument(help="An id or its beginning; default: all your commands")
    ] = None,
    config: Config = settings.PACKAGED,
) -> None:
    """Show a command until it has ended, or without an id every command of yours until Ctrl-C."""

    async def work(client: HubClient) -> RunState:
        found = await client.find(execution or "")
        return await follow.watch(client, found["id"], console)

    if execution is not None:
        raise _exit(with_hub(config, work))
    with contextlib.suppress(KeyboardInterrupt):
        with_hub(config, lambda client: follow.watch_all(client, console))
