"""What a household gave names to, so that a Cast device finds it: pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

from device_adapters.calls import words
from schemas.errors import DeviceRefused

MUSIC, VIDEO = "music", "video"
_TABLES = {MUSIC: "adapters.cast.music", VIDEO: "adapters.cast.videos"}
_TYPES = {
    ".aac": "audio/aac", ".flac": "audio/flac", ".m4a": "audio/mp4", ".mp3": "audio/mpeg",
    ".oga": "audio/ogg", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav",
    ".m4v": "video/mp4", ".mkv": "video/x-matroska", ".mp4": "video/mp4", ".webm": "video/webm",
    ".m3u8": "application/x-mpegURL", ".mpd": "application/dash+xml",
}  # fmt: skip
"""What the MIME types of files are that Cast devices play."""
_USUAL = {MUSIC: "audio/mpeg", VIDEO: "video/mp4"}


Tables = Mapping[str, Mapping[str, str]]
"""By kind, names for addresses."""


class Title(NamedTuple):
    """Something to play: what it is called, where it is and of which MIME type it is."""

    name: str
    url: str
    type: str
    live: bool  # a stream without an end, as a radio station's


def is_address(text: str) -> bool:
    """Whether a text is an address on the web that a device can fetch."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def choose(device: str, kind: str, tables: Tables, name: str, service: str = "") -> Title | None:
    """What `name` means; None where nothing was said and nothing is there. `DeviceRefused` says
    how to add what is not there.

    An address is played as it is. Of the names in the table of a kind, the name itself wins, then
    the only one that has all of its words, then the only one whose words are all in it. What has
    a name among the other kind is meant too: a sentence does not always tell one from the other.
    """
    if is_address(name):
        return title(kind, name, name)
    asked = f"{name} {service}".strip()
    for sort in dict.fromkeys((kind, *tables)):
        table = tables.get(sort, {})
        found = _fitting(table, asked) if asked else list(table)
        # A service that no entry is named for is not what would play.
        found = [entry for entry in found if not service or words(service) & words(entry)]
        if found:
            return title(sort, found[0], table[found[0]])
    if not asked:
        return None
    raise DeviceRefused(f"{device} has no {asked}: {_how_to_add(kind, tables)}")


def title(kind: str, name: str, url: str) -> Title:
    """What plays from an address; its MIME type by the name of the file."""
    suffix = PurePosixPath(urlsplit(url).path).suffix.lower()
    return Title(name, url, _TYPES.get(suffix, _USUAL[kind]), live=suffix not in _TYPES)


def _fitting(table: Mapping[str, str], name: str) -> list[str]:
    asked = words(name)
    if not asked:
        return []
    exact = [entry for entry in table if words(entry) == asked]
    within = [entry for entry in table if asked <= words(entry)]
    around = [entry for entry in table if words(entry) <= asked]
    return next((some for some in (exact, within, around) if len(some) == 1), [])


def _how_to_add(kind: str, tables: Tables) -> str:
    names = [name for table in tables.values() for name in table]
    there = f"there is {', '.join(names[:8])}; " if names else ""
    return f"{there}give an address a name under [{_TABLES[kind]}] in hub.toml"
