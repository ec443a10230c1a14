"""The approved devices as they are kept, in one file of the state folder."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from schemas.device import Device
from schemas.errors import HubError, InvalidSettings

_devices: TypeAdapter[tuple[Device, ...]] = TypeAdapter(tuple[Device, ...])


class NotStored(HubError):
    """The devices cannot be written down; the change lasts until the hub stops."""

    code = "storage"


def read(file: Path) -> tuple[Device, ...]:
    """The devices that are kept; InvalidSettings where the file is damaged."""
    try:
        return _devices.validate_json(file.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        what = error if isinstance(error, OSError) else error.errors()[0]["msg"]
        raise InvalidSettings(
            f"{file} is damaged: {what}; repair it, or remove it to start anew"
        ) from error


def write(file: Path, devices: Iterable[Device]) -> None:
    """Keep them; NotStored where that cannot be."""
    partial = file.with_suffix(".partial")
    try:
        partial.write_bytes(_devices.dump_json(tuple(devices), indent=1))
        partial.replace(file)
    except OSError as error:
        raise NotStored(f"{file}: cannot be written: {error.strerror}") from error
