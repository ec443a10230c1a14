"""The PIN that a module wants for lock and unlock: kept in a file of its own, sent over verified
TLS only, and said nowhere."""

from __future__ import annotations

import re
from pathlib import Path

from schemas.errors import DeviceRefused

_PIN = re.compile(r"[A-Za-z0-9._-]{1,32}")
"""What no shell takes for anything else."""
_LARGEST = 1000  # characters of a file that are read


def read(file: str, *, secure: bool) -> str:
    """The PIN; DeviceRefused says, in one clause, what a person must do to have one."""
    if not file:
        raise DeviceRefused("name the file with its PIN: pin_file in its address in devices.toml")
    if not secure:
        raise DeviceRefused("its PIN is sent over TLS only: broker.url in hub.toml with mqtts://")
    try:
        with Path(file).expanduser().open(encoding="utf-8") as opened:
            pin = opened.read(_LARGEST).strip()
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise DeviceRefused(f"pin_file {file} cannot be read: {why}") from None
    if not _PIN.fullmatch(pin):
        raise DeviceRefused(f"pin_file {file} holds no PIN: letters and digits, at most 32")
    return pin


def hidden(text: str, pin: str) -> str:
    """A text that may echo the PIN, without it."""
    return text.replace(pin, "••••") if pin else text
