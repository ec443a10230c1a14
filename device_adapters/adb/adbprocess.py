"""Google's adb server as a child of the hub, on a socket that nobody else can reach."""

import asyncio
import contextlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from device_adapters.adb import hostwire, keys
from schemas.errors import DeviceUnavailable

log = logging.getLogger(__name__)

OLDEST = 30
"""From this version of the platform tools on, adb pairs and speaks TLS."""

LONGEST_FOLDER, SHORT_FOLDER = 70, "/tmp"
"""Bytes: the path of a socket takes 103, with what comes behind."""

START_WITHIN, ALIVE_WITHIN = 8.0, 1.0
_VERSION = re.compile(r"^Version (\d+)\.", re.MULTILINE)
_USB = Path("/dev/bus/usb")
_TETHERED = Path(__file__).with_name("tethered.py")
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH")
"""Nothing else: ADB_VENDOR_KEYS would add keys, and the hub's own variables may be secret."""

_SET = {
    "ADB_MDNS": "0",  # discovery is the hub's; adb would connect to whatever it finds
    "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",  # below the ports that adb scans for emulators
}


def find_adb() -> Path | None:
    """The adb of the adbutils wheel, else one on PATH that is new enough; None without one.

    adbutils.adb_path() prefers PATH, where Debian's adb is too old.
    """
    package = find_spec("adbutils")
    for folder in (package and package.submodule_search_locations) or ():
        packaged = Path(folder, "binaries", "adb")
        if os.access(packaged, os.X_OK):
            return packaged
    found = shutil.which("adb")
    return Path(found) if found and _version(found) >= OLDEST else None


def _version(adb: str) -> int:
    """The platform tools' version that an adb belongs to; 0 if it does not say."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run([adb, "version"], capture_output=True, text=True, timeout=2)
        if match := _VERSION.search(said.stdout):
            return int(match[1])
    return 0


class AdbProcess:
    """One adb server; its folder is only for the hub's user, its key is the hub's own.

    What an adb server keeps at home is in that folder too, and goes with it.
    """

    def __init__(self, adb: Path, key_path: Path) -> None:
        self._adb = adb
        self._key_path = key_path
        usual = tempfile.gettempdir()
        self._folder = tempfile.TemporaryDirectory(
            prefix="octopus-adb-",
            dir=usual if len(os.fsencode(usual)) <= LONGEST_FOLDER else SHORT_FOLDER,
        )
        self._process: asyncio.subprocess.Process | None = None

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return Path(self._folder.name, "socket")

    @property
    def running(self) -> bool:
        """Whether the process is there; it may hang all the same."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Run it and wait until it answers; `DeviceUnavailable` if it does not."""
        await self._share_the_key()
        own = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        own |= _SET | {"HOME": self._folder.name, "TMPDIR": self._folder.name}
        if not _USB.exists():
            own["ADB_LIBUSB"] = "0"  # libusb would wait three seconds for it
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(_TETHERED), str(os.getpid()),
            str(self._adb), "-L", f"localfilesystem:{self.socket}", "server", "nodaemon",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL, env=own,
            start_new_session=True,  # a Ctrl-C is for the hub, which still needs its phones
        )  # fmt: skip
        end = asyncio.get_running_loop().time() + START_WITHIN
        while not (self.socket.exists() and await self.answers()):
            if not self.running or asyncio.get_running_loop().time() > end:
                raise DeviceUnavailable(
                    f"{self._adb} does not start: try `{self._adb} server nodaemon`"
                )
            await asyncio.sleep(0.01)

    async def answers(self) -> bool:
        """Whether it answers now."""
        try:
            async with asyncio.timeout(ALIVE_WITHIN):
                reader, writer = await asyncio.open_unix_connection(self.socket)
                try:
                    await hostwire.request(reader, writer, "host:version")
                finally:
                    writer.transport.abort()
        except (OSError, EOFError, hostwire.HostWireError):
            return False
        return True

    async def stop(self) -> None:
        """Kill it: it holds nothing that could be lost."""
        try:
            if self._process is not None and self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
        finally:
            self._folder.cleanup()

    async def _share_the_key(self) -> None:
        """Let adb find the hub's key where it looks for its own."""
        await asyncio.to_thread(keys.ensure, self._key_path)
        home = Path(self._folder.name, ".android")
        home.mkdir(mode=0o700)
        for suffix in ("", ".pub"):
            (home / f"adbkey{suffix}").symlink_to(f"{self._key_path.absolute()}{suffix}")
