"""`octopus phone`: look after a phone from here, find it, and make it the hub's console."""

import shutil
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any

import typer

from orchestrator import settings, tables
from orchestrator.cli.connection import Config, with_hub
from orchestrator.cli.output import Json, console, done, emit
from schemas.errors import HubError

app = typer.Typer(no_args_is_help=True, help="Look after a phone, and find it.")

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
    result: dict[str, Any] = with_hub(
        config, lambda client: client.request("device/do", within=PATIENCE, **fields)
    )
    return result


def _told(result: dict[str, Any], as_json: bool) -> None:
    """One line of what came of it, as far as it can be sure."""
    sure = "" if result["evidence"] == "verified" else f" ({result['evidence']})"
    done(result, as_json, f"{result['device']}: {result['detail'] or 'done'}{sure}")


def _file(result: dict[str, Any], to: Path | None, name: str, as_json: bool) -> None:
    """Say where the file lies, copied to where it is wanted."""
    path = str(result["result"])
    if to is not None:
        path = str(_copied(Path(path), to / name if to.is_dir() else to))
    done(result | {"result": path}, as_json, path)


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
    result = _do(config, device, "battery_status")
    status = result["result"]
    charging = "charging" if status.get("charging") else "not charging"
    rows = {"level": f"{status.get('level')} %, {charging}"}
    if status.get("temperature") is not None:
        rows["temperature"] = f"{status['temperature']} °C"
    rows["health"] = str(status.get("health") or "?")
    _table(result, rows, as_json)


@app.command()
def storage(device: Device = "", config: Config = settings.PACKAGED, as_json: Json = False) -> None:
    """How much room is left."""
    result = _do(config, device, "storage_status")
    free, total = int(result["result"]["free"]), int(result["result"]["total"])
    share = f", {free / total:.0%}" if total else ""
    _table(result, {"free": f"{_size(free)} of {_size(total)}{share}"}, as_json)


def _table(result: dict[str, Any], rows: dict[str, str], as_json: bool) -> None:
    if as_json:
        emit(result)
    else:
        tables.table(console, ("", result["device"]), rows.items())


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


@app.command()
def notifications(
    device: Device = "", config: Config = settings.PACKAGED, as_json: Json = False
) -> None:
    """What the phone's notifications say: shown here, and kept nowhere."""
    result = _do(config, device, "list_notifications")
    if as_json:
        emit(result)
        return
    names = ("app", "title", "text")
    rows = ([str(one.get(name) or "") for name in names] for one in result["result"])
    tables.table(console, names, rows)


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
    line = f"{shown['device']}: tap the hub's notification, within ten minutes"
    done(shown, as_json, line)
