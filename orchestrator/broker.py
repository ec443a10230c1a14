"""The hub's own MQTT broker: a `mosquitto` child on loopback, with a password per user.

Used where hub.toml names no broker. Each login may publish commands and requests only under its
own name, so the topic's user segment says who is speaking. Without a mosquitto the extra
`[broker]` serves inside this process, for a first try.
"""

import asyncio
import contextlib
import errno
import importlib.util
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import HubError, InvalidSettings

log = logging.getLogger(__name__)

HUB, LOCAL, DEVICES = "hub", "local", "devices"
"""The hub itself; people at this machine's command line; whatever devices speak MQTT."""
OWN = ("command", "devices", "event", "execution", "info", "request", "response", "status")
"""What devices neither say nor hear of all that is under the hub's topic; `device` is theirs."""
START_WITHIN = 10.0
STOP_WITHIN = 5.0
RESTART_AFTER, RESTART_AT_MOST = 0.2, 10.0


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
    tls: ssl.SSLContext | None = None


def passwords(state: Path) -> dict[str, str]:
    """The generated password of every user, made once and kept readable by its owner only."""
    file = state / "broker" / "passwords.json"
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            made = {user: secrets.token_urlsafe(24) for user in (HUB, LOCAL, DEVICES)}
            _private(file, json.dumps(made))
        loaded: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        return {user: str(loaded[user]) for user in (HUB, LOCAL, DEVICES)}
    except OSError as error:
        raise InvalidSettings(f"{file}: cannot keep passwords: {error.strerror}") from error
    except (ValueError, LookupError, TypeError) as error:
        raise InvalidSettings(f"{file} is damaged: remove it and new ones are made") from error


@contextlib.asynccontextmanager
async def own_broker(state: Path, port: int, base: str) -> AsyncIterator[Login]:
    """Run the broker while the block lasts; a broker that dies is started again."""
    known = passwords(state)
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/sbin")
    port = port or _free_port()
    config = state / "broker" / "mosquitto.conf"
    await _end_orphan(config)
    _refuse_taken(port)
    login = Login("127.0.0.1", port, HUB, known[HUB])
    if program is not None:
        await _configure(config, port, base, known)
        async with _kept_running(program, config, port):
            yield login
    elif _installed("amqtt"):
        from orchestrator.broker_amqtt import serving  # an extra: only where it is needed

        log.warning("no mosquitto found: amqtt is the broker, for a first try (MQTT 3.1.1 only)")
        async with serving(port, base, known, everything=HUB, nothing=DEVICES):
            yield login
    else:
        raise NoBroker


@contextlib.asynccontextmanager
async def _kept_running(program: str, config: Path, port: int) -> AsyncIterator[None]:
    children = [await _start(program, config, port)]
    keeper = asyncio.create_task(_keep(children, program, config, port), name="broker")
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await _stop(children[-1])


async def _keep(
    children: list[asyncio.subprocess.Process], program: str, config: Path, port: int
) -> None:
    """Start the broker again whenever it ends; the last of `children` is the one that runs."""
    delay = RESTART_AFTER
    while True:
        code = await children[-1].wait()
        log.warning("the broker ended with status %s; starting it again", code)
        await asyncio.sleep(delay)
        try:
            children[:] = [await _start(program, config, port)]
            delay = RESTART_AFTER
        except (HubError, OSError) as error:
            delay = min(2 * delay, RESTART_AT_MOST)
            log.error("the broker did not start, trying again in %.1f s: %s", delay, error)


async def _start(program: str, config: Path, port: int) -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        program,
        "-c",
        str(config),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C is for the hub, which says goodbye over this broker
    )
    _pid_file(config).write_text(str(child.pid), encoding="utf-8")
    try:
        async with asyncio.timeout(START_WITHIN):
            while not await _answers(port):
                if child.returncode is not None:
                    raise NoBroker(
                        f"mosquitto ended with status {child.returncode}: "
                        f"run `mosquitto -c {config}` to see why"
                    )
                await asyncio.sleep(0.02)
    except BaseException as error:
        await _stop(child)
        if isinstance(error, TimeoutError):
            raise NoBroker(f"mosquitto did not answer on port {port}") from error
        raise
    return child


def _pid_file(config: Path) -> Path:
    return config.with_name("pid")


async def _end_orphan(config: Path) -> None:
    """End the broker of a hub that was killed; the state folder is this hub's alone by now."""
    with contextlib.suppress(OSError, ValueError, TimeoutError):
        pid = int(_pid_file(config).read_text(encoding="utf-8"))
        process = Path(f"/proc/{pid}/cmdline")
        ours = f"-c\0{config}\0".encode()
        if process.read_bytes().endswith(ours):
            log.warning("ending the broker that a killed hub left behind")
            os.kill(pid, signal.SIGTERM)
            async with asyncio.timeout(STOP_WITHIN):
                # Not our child, so there is nothing to wait on; a zombie's cmdline is empty.
                while process.read_bytes().endswith(ours):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)


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


async def _configure(config: Path, port: int, base: str, known: dict[str, str]) -> None:
    """Write mosquitto.conf, acl and the hashed passwords."""
    folder = config.parent
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
    _private(config, "\n".join(lines) + "\n")


def _acl(base: str) -> str:
    return "\n".join(
        [
            f"user {HUB}",
            "topic readwrite #",
            f"user {DEVICES}",
            "topic readwrite #",
            f"topic deny {base}",
            *(f"topic deny {base}/{own}/#" for own in OWN),
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


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


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
            if error.errno != errno.EADDRINUSE:
                raise NoBroker(f"port {port} cannot be used: {error.strerror}") from error
            raise PortInUse(
                f"port {port} is taken: set broker.port in hub.toml, or broker.url to use the "
                "broker that runs there"
            ) from error
