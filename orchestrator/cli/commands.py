"""The `octopus` command: every command under its name.

What only talks to a hub starts without one: `run`, `decode`, `demo` and `doctor` import it
themselves.
"""

import sys

import typer

from orchestrator.cli import (
    backup,
    bench,
    devices,
    doctor,
    executions,
    mcp,
    model,
    pair,
    phone,
    policy,
    run,
    schedule,
    send,
    token,
    users,
)
from orchestrator.cli.output import EPILOG, Wanted, failed, misused
from schemas.errors import HubError

cli = typer.Typer(
    no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, epilog=EPILOG
)
_ROOMS = {
    "Talk to the hub": (
        send.send, send.call, send.plan, send.confirm, send.answer,
        send.cancel, send.undo, mcp.mcp,
    ),
    "The hub itself": (
        run.run, run.demo, doctor.doctor, backup.backup, backup.restore, backup.audit,
    ),
    "The model": (model.decode, model.evaluate, model.teach, model.train, bench.bench),
}  # fmt: skip
_GROUPS = {
    "Talk to the hub": {"executions": executions.app, "schedule": schedule.app},
    "Devices": {"devices": devices.app, "phone": phone.app},
    "Who may": {"users": users.app, "token": token.app, "policy": policy.app},
}
for panel, commands in _ROOMS.items():
    for command in commands:
        own = bench.ANY if command is bench.bench else None
        cli.command(rich_help_panel=panel, context_settings=own)(command)
for panel, groups in _GROUPS.items():
    for name, group in groups.items():
        cli.add_typer(group, name=name, rich_help_panel=panel)
cli.command(rich_help_panel="Devices")(pair.pair)


def main() -> None:
    """Run the command line; an error on purpose is one line, with the status that fits it."""
    wanted = Wanted()
    try:
        cli(obj=wanted)
    except HubError as error:
        sys.exit(failed(error, as_json=wanted.json))
    except SystemExit as end:
        misused(end, as_json=wanted.json or "--json" in sys.argv)
        raise
