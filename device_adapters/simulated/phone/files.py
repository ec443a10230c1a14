"""The phone's files, in memory."""

import posixpath
import stat
from dataclasses import dataclass, field
from typing import NamedTuple

CAPACITY = 117_613_527_040
"""Bytes that the data partition holds."""

_SYSTEM_BYTES = 34_000_000_000
_MEDIA = ("Alarms", "DCIM", "DCIM/Camera", "Documents", "Download", "Movies", "Music", "Pictures")
_FOLDERS = ("/", "/data", "/data/local", "/data/local/tmp", "/sdcard", "/storage", "/system")
_WRITABLE = ("/sdcard/", "/data/local/tmp/", "/storage/emulated/0/")


class Entry(NamedTuple):
    """What `stat` says of a file or folder."""

    mode: int
    size: int
    mtime: int


@dataclass
class Files:
    """Files by path; folders are those of a new phone, those made, and those that hold a file."""

    _data: dict[str, tuple[bytes, Entry]] = field(default_factory=dict)
    _folders: set[str] = field(
        default_factory=lambda: {*_FOLDERS, *(f"/sdcard/{name}" for name in _MEDIA)}
    )

    @property
    def free(self) -> int:
        """Bytes that are left."""
        return CAPACITY - _SYSTEM_BYTES - sum(len(data) for data, _ in self._data.values())

    def read(self, path: str) -> bytes:
        """A file's bytes; raises `FileNotFoundError`."""
        path = _normal(path)
        if path in self._folders:
            raise IsADirectoryError("Is a directory")
        try:
            return self._data[path][0]
        except KeyError:
            raise FileNotFoundError("No such file or directory") from None

    def write(self, path: str, data: bytes, mode: int = 0o660, mtime: int = 0) -> None:
        """Keep a file; raises `PermissionError` outside the writable places."""
        path = self._writable(path)
        if path in self._folders:
            raise IsADirectoryError("Is a directory")
        self._data[path] = (data, Entry(stat.S_IFREG | stat.S_IMODE(mode), len(data), mtime))
        self.make(posixpath.dirname(path))

    def make(self, path: str) -> None:
        """Make a folder and those it is in."""
        folder = _normal(path)
        while folder not in self._folders:
            self._folders.add(folder)
            folder = posixpath.dirname(folder)

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it; raises `OSError`."""
        path = self._writable(path)
        if path not in self._data and path not in self._folders:
            raise FileNotFoundError("No such file or directory")
        inside = path + "/"
        for gone in [one for one in self._data if one == path or one.startswith(inside)]:
            del self._data[gone]
        self._folders -= {one for one in self._folders if one == path or one.startswith(inside)}

    def _writable(self, path: str) -> str:
        path = _normal(path)
        if not path.startswith(_WRITABLE):
            raise PermissionError(f"couldn't create file: Read-only file system: {path}")
        return path

    def stat(self, path: str) -> Entry | None:
        """What is there; None for nothing."""
        path = _normal(path)
        if path in self._data:
            return self._data[path][1]
        return Entry(stat.S_IFDIR | 0o771, 4096, 0) if path in self._folders else None

    def list(self, path: str) -> list[tuple[str, Entry]]:
        """Names and entries of a folder; nothing where there is none."""
        path = _normal(path)
        inside = sorted(
            p for p in {*self._data, *self._folders} if p != "/" and posixpath.dirname(p) == path
        )
        return [(posixpath.basename(p), entry) for p in inside if (entry := self.stat(p))]


def _normal(path: str) -> str:
    """The one spelling of a path: absolute, and /sdcard for its longer names."""
    path = posixpath.normpath("/" + path.lstrip("/"))
    for alias in ("/storage/emulated/0", "/storage/self/primary"):
        if path == alias or path.startswith(alias + "/"):
            return "/sdcard" + path.removeprefix(alias)
    return path
