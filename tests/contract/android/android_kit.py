"""What the tests of the android adapter share."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from device_adapters.adb.server import AdbServer
from device_adapters.android import AndroidAdapter
from device_adapters.simulated.phone import SimulatedPhone
from schemas.base import Scalar
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.outcome import Done

NASTY = 'it\'s "50%" $HOME `id`; rm -rf / && echo 漢字🙂\nRow: 1 _id=9, body=x'

ADB_SHELL, ADB_SERVER = "adb-shell", "adb-server"
"""The two ways by which commands travel."""

Call = Callable[..., Awaitable[Done]]


def invocation(function: str, seconds: float = 10.0, **arguments: Scalar | None) -> Invocation:
    """One call as the executor makes it."""
    return Invocation(function=function, arguments=arguments, key="run-1", timeout=seconds)


def adapter_for(
    phone: SimulatedPhone, key: Path, *, server: AdbServer | None = None, **address: str
) -> AndroidAdapter:
    """An adapter that looks for an effect just once; with a `server` it reaches the phone by it."""
    kind = "tls_" if server else ""
    at = {f"{kind}host": "127.0.0.1", f"{kind}port": str(phone.port), **address}
    device = Device(id="pixel", kind=Kind.PHONE, name="Pixel", protocol="adb", address=at)
    folder = key.parent.parent / "files"
    return AndroidAdapter(device, key, server=server, folder=folder, patience=0.0)
