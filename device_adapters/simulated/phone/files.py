"""The phone's files, in memory."""

import posixpath
import stat
from dataclasses import dataclass, field
from typing import NamedTuple

_FOLDERS = ("/", "/sdcard", "/sdcard/DCIM", "/sdcard/DCIM/Camera", "/sdcard/Download")
_WRITABLE = ("/sdcard/", "/data/local/tmp/", "/storage/emulated/0/")


class Entry(NamedTuple):
    """What `stat` says of a file or folder."""

    mode: int
    size: int
    mtime: int


@dataclass
class Files:
    """Files by path; folders are those of a new phone and those that hold a file."""

    _data: dict[str, tuple[bytes, Entry]] = field(default_factory=dict)
    _folders: set[str] = field(default_factory=lambda: {*_FOLDERS, "/data/local/tmp"})

    def read(self, path: str) -> bytes:
        """A file's bytes; raises `FileNotFoundError`."""
        try:
            return self._data[_normal(path)][0]
        except KeyError:
            raise FileNotFoundError("No such file or directory") from None

    def write(self, path: str, data: bytes, mode: int = 0o660, mtime: int = 0) -> None:
        """Keep a file; raises `PermissionError` outside the writable places."""
        path = _normal(path)
        if not path.startswith(_WRITABLE):
            raise PermissionError(f"couldn't create file: Read-only file system: {path}")
        if path in self._folders:
            raise IsADirectoryError("Is a directory")
        self._data[path] = (data, Entry(stat.S_IFREG | stat.S_IMODE(mode), len(data), mtime))
        folder = posixpath.dirname(path)
        while folder not in self._folders:
            self._folders.add(folder)
            folder = posixpath.dirname(folder)

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
