"""The hub's own MQTT broker: a `mosquitto` child on loopback, with a password per user.

Used where hub.toml names no broker. Each login may publish commands and requests only under its
own name, so the topic's user segment says who is speaking.
"""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import HubError

log = logging.getLogger(__name__)

HUB, LOCAL, DEVICES = "hub", "local", "devices"
"""The hub itself; people at this machine's command line; whatever devices speak MQTT."""
START_WITHIN = 10.0
STOP_WITHIN = 5.0


class NoBroker(HubError):
    """No MQTT broker: install mosquitto (`apt install mosquitto`) or set broker.url in hub.toml."""

    code = "no_broker"


class PortInUse(HubError):
    """The broker's port is taken."""

    code = "port_in_use"


@dataclass(frozen=True)
class Login:
    """Where a broker is and how to log in."""

    host: str
    port: int
    username: str | None
    password: str | None


def passwords(state: Path) -> dict[str, str]:
    """The generated password of every user, made once and kept readable by its owner only."""
    file = state / "broker" / "passwords.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = {user: secrets.token_urlsafe(24) for user in (HUB, LOCAL, DEVICES)}
        _private(file, json.dumps(made))
    loaded: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


@contextlib.asynccontextmanager
async def own_broker(state: Path, port: int, base: str) -> AsyncIterator[Login]:
    """Run the broker while the block lasts; a broker that dies is started again."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/sbin")
    if program is None:
        raise NoBroker
    port = port or _free_port()
    _refuse_taken(port)
    known = passwords(state)
    config = await _configure(state / "broker", port, base, known)
    async with _kept_running(program, config, port):
        yield Login("127.0.0.1", port, HUB, known[HUB])


@contextlib.asynccontextmanager
async def _kept_running(program: str, config: Path, port: int) -> AsyncIterator[None]:
    first = await _start(program, config, port)
    keeper = asyncio.create_task(_keep(first, program, config, port), name="broker")
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def _keep(child: asyncio.subprocess.Process, program: str, config: Path, port: int) -> None:
    try:
        while True:
            code = await child.wait()
            log.warning("the broker ended with status %s; starting it again", code)
            await asyncio.sleep(0.2)
            with contextlib.suppress(HubError):
                child = await _start(program, config, port)
    finally:
        await _stop(child)


async def _start(program: str, config: Path, port: int) -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        program,
        "-c",
        str(config),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(START_WITHIN):
            while not await _answers(port):
                if child.returncode is not None:
                    raise NoBroker(
                        f"mosquitto ended with status {child.returncode}: "
                        f"run `mosquitto -c {config}` to see why"
                    )
                await asyncio.sleep(0.02)
    except TimeoutError as error:
        await _stop(child)
        raise NoBroker(f"mosquitto did not answer on port {port}") from error
    return child


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def _stop(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    child.terminate()
    try:
        async with asyncio.timeout(STOP_WITHIN):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()


async def _configure(folder: Path, port: int, base: str, known: dict[str, str]) -> Path:
    """Write mosquitto.conf, acl and the hashed passwords; returns the first."""
    hashed = folder / "passwords"
    _private(hashed, "".join(f"{user}:{password}\n" for user, password in known.items()))
    tool = shutil.which("mosquitto_passwd")
    if tool is None:
        raise NoBroker("mosquitto_passwd is missing: install the whole mosquitto package")
    hashing = await asyncio.create_subprocess_exec(tool, "-U", str(hashed))
    if await hashing.wait():
        raise NoBroker("mosquitto_passwd could not write the passwords")
    _private(folder / "acl", _acl(base))
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous false",
        f"password_file {hashed}",
        f"acl_file {folder / 'acl'}",
        "set_tcp_nodelay true",
        "persistence true",
        f"persistence_location {folder}/",
        "max_queued_messages 10000",
        "log_dest none",
    ]
    if os.geteuid() == 0:
        lines.append("user root")  # the folder is private to whoever runs the hub
    _private(folder / "mosquitto.conf", "\n".join(lines) + "\n")
    return folder / "mosquitto.conf"


def _acl(base: str) -> str:
    return "\n".join(
        [
            f"user {HUB}",
            "topic readwrite #",
            f"user {DEVICES}",
            "topic readwrite #",
            f"topic deny {base}/command/#",
            f"topic deny {base}/request/#",
            "pattern read " + f"{base}/#",
            f"pattern write {base}/command/%u",
            f"pattern write {base}/request/%u/#",
            "",
        ]
    )


def _private(file: Path, text: str) -> None:
    """Write a file only its owner can read, from its first byte on."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortInUse(
                f"port {port} is taken: set broker.port in hub.toml, or broker.url to use the "
                "broker that runs there"
            ) from error
