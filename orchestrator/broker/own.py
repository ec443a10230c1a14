"""The hub's own broker, used where hub.toml names none.

Each login may publish commands and requests only under its own name, so the topic's user segment
says who is speaking. Without a mosquitto the extra `[broker]` serves inside this process, for a
first try.
"""

import asyncio
import contextlib
import errno
import importlib.util
import logging
import os
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

from orchestrator.broker.logins import (
    HUB,
    Login,
    forget_others,
    is_user,
    passwords,
    refuse_reserved,
)
from orchestrator.broker.mosquitto import Mosquitto, NoBroker, end_orphan
from orchestrator.broker.rules import Listen, acl, configuration, rules
from orchestrator.disk import write_private
from schemas.errors import HubError, InvalidSettings

log = logging.getLogger(__name__)


class PortInUse(HubError):
    """The broker's port is taken."""

    code = "port_in_use"


class OwnBroker:
    """A running broker of the hub's."""

    def __init__(self, login: Login, enter: Callable[[Iterable[str]], Awaitable[None]]) -> None:
        self.login = login
        """The hub's own."""
        self._enter = enter

    async def reconfigure(self, users: Iterable[str]) -> None:
        """Let these users in, each with a password of their own, and nobody else; who is connected
        stays so, but for those who may no longer. InvalidSettings changes nothing."""
        await self._enter(users)


@contextlib.asynccontextmanager
async def own_broker(
    state: Path, port: int, base: str, *, users: Iterable[str] = (), listen: Listen | None = None
) -> AsyncIterator[OwnBroker]:
    """Run the broker while the block lasts; a broker that dies is started again. `users` are those
    of people.toml; `listen` is a further address beside 127.0.0.1."""
    users = _let_in(state, users)
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/sbin")
    port = port or _free_port()
    config = state / "broker" / "mosquitto.conf"
    await end_orphan(config)
    _refuse_taken("127.0.0.1", port, "broker.port")
    login = Login("127.0.0.1", port, HUB, passwords(state)[HUB])
    if program is not None:
        _check(listen)
        await _write_logins(state, base, users)
        as_user = "root" if os.geteuid() == 0 else ""  # the folder is private to who runs the hub
        write_private(config, configuration(config.parent, port, listen, as_user))
        mosquitto = Mosquitto(program, config, port)

        async def enter(users: Iterable[str]) -> None:
            await _write_logins(state, base, _let_in(state, users))
            mosquitto.reload()

        async with mosquitto.running():
            yield OwnBroker(login, enter)
    elif importlib.util.find_spec("amqtt") is not None:
        if listen:
            raise InvalidSettings("hub.toml: broker.listen needs mosquitto: apt install mosquitto")
        from orchestrator.broker.in_process import Known, serving  # an extra: only where needed

        log.warning("no mosquitto found: amqtt is the broker, for a first try (MQTT 3.1.1 only)")
        known = Known(passwords(state, users), rules(base, users))

        async def enter(users: Iterable[str]) -> None:
            able = _let_in(state, users)
            known.passwords, known.rules = passwords(state, able), rules(base, able)

        async with serving(port, known):
            yield OwnBroker(login, enter)
    else:
        raise NoBroker


def _let_in(state: Path, users: Iterable[str]) -> tuple[str, ...]:
    """The users who get a login, each with a password by now; nobody else keeps one."""
    users = tuple(users)
    refuse_reserved(users)
    able = tuple(filter(is_user, users))
    for user in users:
        if user not in able:
            log.warning(
                "people.toml: users.%s gets no login on the hub's broker: it has other characters "
                "than letters, digits, - and _",
                user,
            )
    passwords(state, able)
    forget_others(state, able)
    return able


async def _write_logins(state: Path, base: str, users: Iterable[str]) -> None:
    """Write the hashed passwords and the acl."""
    folder, tool = state / "broker", shutil.which("mosquitto_passwd")
    if tool is None:
        raise NoBroker("mosquitto_passwd is missing: install the whole mosquitto package")
    new = folder / "passwords.new"
    known = passwords(state, users)
    write_private(new, "".join(f"{user}:{password}\n" for user, password in known.items()))
    hashing = await asyncio.create_subprocess_exec(tool, "-U", str(new))
    if await hashing.wait():
        new.unlink()
        raise NoBroker("mosquitto_passwd could not write the passwords")
    new.chmod(0o600)
    new.replace(folder / "passwords")
    write_private(folder / "acl", acl(rules(base, users)))


def _check(listen: Listen | None) -> None:
    """InvalidSettings where the further address cannot be one: mosquitto would only end."""
    if listen is None:
        return
    if listen.cert_file:
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                listen.cert_file, listen.key_file, password=""
            )
        except OSError as error:
            why = error.strerror if not isinstance(error, ssl.SSLError) else "not its certificate"
            raise InvalidSettings(
                f"hub.toml: broker.cert_file {listen.cert_file} and broker.key_file "
                f"{listen.key_file} cannot be used: {why}"
            ) from error
    else:
        log.warning(
            "broker.listen_unencrypted: passwords and messages cross the network in the clear on "
            "port %s",
            listen.port,
        )
    _refuse_taken(listen.host, listen.port, "broker.listen")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _refuse_taken(host: str, port: int, setting: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise NoBroker(f"{host} port {port} cannot be used: {error.strerror}") from error
            raise PortInUse(
                f"port {port} is taken: set {setting} in hub.toml, or broker.url to use the "
                "broker that runs there"
            ) from error
