"""`octopus phone`: look after a phone from here, find it, and make it the hub's console."""

import json
import shutil
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator import settings, view
from orchestrator.cli.own_hub import Config, Json, with_hub
from schemas.errors import HubError

app = typer.Typer(no_args_is_help=True, help="Look after a phone, and find it.")
console = Console()

PATIENCE = 90.0
"""Seconds to wait for the hub: a file may be long, and a phone slow."""
Device = Annotated[str, typer.Option("--device", help="Its name; default: the only phone")]
To = Annotated[
    Path | None, typer.Option("--to", help="Copy it here, on the machine that the hub runs on")
]


class Media(StrEnum):
    """What a media key does."""

    PLAY = "play"
    PAUSE = "pause"
    TOGGLE = "play-pause"
    STOP = "stop"
    NEXT = "next"
    PREVIOUS = "previous"
    REWIND = "rewind"
    FORWARD = "fast-forward"
    MUTE = "mute"


def _do(config: Path, device: str, what: str, **arguments: str) -> dict[str, Any]:
    fields = {"do": what, "device": device, "arguments": arguments}
    done: dict[str, Any] = with_hub(
        config, lambda client: client.request("device/do", within=PATIENCE, **fields)
    )
    return done


def _say(text: str) -> None:
    console.print(Text(view.plain(console, text)), soft_wrap=True)


def _told(done: dict[str, Any], as_json: bool) -> None:
    """One line of what came of it, as far as it can be sure."""
    if as_json:
        print(json.dumps(done))  # noqa: T201
    else:
        sure = "" if done["evidence"] == "verified" else f" ({done['evidence']})"
        _say(f"{done['device']}: {done['detail'] or 'done'}{sure}")


def _file(done: dict[str, Any], to: Path | None, name: str, as_json: bool) -> None:
    """Say where the file lies, copied to where it is wanted."""
    path = str(done["result"])
    if to is not None:
        path = str(_copied(Path(path), to / name if to.is_dir() else to))
    if as_json:
        print(json.dumps(done | {"result": path}))  # noqa: T201
    else:
        print(view.plain(console, path))  # noqa: T201


def _copied(source: Path, target: Path) -> Path:
    """A copy that takes the place of nothing."""
    try:
        with source.open("rb") as come, target.open("xb") as gone:
            _copy(come, gone, target)
    except FileExistsError as error:
        raise HubError(f"{target} is there already; the file is {source} on the hub") from error
    except OSError as error:
        said = f"{error.filename or target}: {error.strerror}"
        raise HubError(f"{said}; the file is {source} on the hub's machine") from error
    return target


def _copy(come: IO[bytes], gone: IO[bytes], target: Path) -> None:
    """All of it, or nothing is left of it."""
    try:
        shutil.copyfileobj(come, gone)
        gone.flush()
    except BaseException:
        target.unlink()
        raise


@app.command()
def screenshot(
    device: Device = "", to: To = None, config: Config = settings.PACKAGED, as_json: Json = False
) -> None:
    """Take a picture of the screen, and print where it lies."""
    _file(_do(config, device, "take_screenshot"), to, "screenshot.png", as_json)


@app.command()
def battery(device: Device = "", config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """How full the battery is, and how it is."""
    done = _do(config, device, "battery_status")
    status = done["result"]
    charging = "charging" if status.get("charging") else "not charging"
    rows = {"level": f"{status.get('level')} %, {charging}"}
    if status.get("temperature") is not None:
        rows["temperature"] = f"{status['temperature']} °C"
    rows["health"] = str(status.get("health") or "?")
    _table(done, rows, as_json)


@app.command()
def storage(device: Device = "", config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """How much room is left."""
    done = _do(config, device, "storage_status")
    free, total = int(done["result"]["free"]), int(done["result"]["total"])
    share = f", {free / total:.0%}" if total else ""
    _table(done, {"free": f"{_size(free)} of {_size(total)}{share}"}, as_json)


def _table(done: dict[str, Any], rows: dict[str, str], as_json: bool) -> None:
    if as_json:
        print(json.dumps(done))  # noqa: T201
        return
    table = Table("", view.plain(console, done["device"]))
    for name, value in rows.items():
        table.add_row(name, Text(view.plain(console, value)))
    console.print(table)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


@app.command()
def notifications(
    device: Device = "", config: Config = settings.PACKAGED, as_json: Json = False
) -> None:
    """What the phone's notifications say: shown here, and kept nowhere."""
    done = _do(config, device, "list_notifications")
    if as_json:
        print(json.dumps(done))  # noqa: T201
        return
    table = Table("app", "title", "text")
    for one in done["result"]:
        said = (view.plain(console, str(one.get(key) or "")) for key in ("app", "title", "text"))
        table.add_row(*map(Text, said))
    console.print(table)


@app.command()
def media(
    action: Media, device: Device = "", config: Config = settings.PACKAGED, as_json: Json = False
) -> None:
    """Press a media key."""
    _told(_do(config, device, "press_media_key", action=str(action)), as_json)


@app.command()
def ring(device: Device = "", config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """Let the phone ring until `octopus phone quiet`, so that it is found."""
    _told(_do(config, device, "ring_phone"), as_json)


@app.command()
def quiet(device: Device = "", config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """End the ringing."""
    _told(_do(config, device, "stop_ringing"), as_json)


@app.command()
def pull(
    path: Annotated[str, typer.Argument(help="The file on the phone: /sdcard/…")],
    device: Device = "",
    to: To = None,
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """Fetch a file of the phone into the hub's folder, and print where it lies."""
    name = PurePosixPath(path).name or "file"
    _file(_do(config, device, "pull_file", path=path), to, name, as_json)


@app.command("open")
def open_page(
    device: Device = "", config: Config = settings.PACKAGED, as_json: Json = False
) -> None:
    """Have a phone that is a console show a notification that opens the hub's page."""
    shown = with_hub(
        config, lambda client: client.request("console/open", within=PATIENCE, device=device)
    )
    if as_json:
        print(json.dumps(shown))  # noqa: T201
    else:
        _say(f"{shown['device']}: tap the hub's notification, within ten minutes")
