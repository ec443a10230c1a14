"""Is there a broker, and does the hub answer on it?"""

import asyncio
import errno
import importlib.util
import re
import shutil
import socket
from collections.abc import Iterator

from device_adapters.mqtt import MqttClient
from orchestrator.broker import Login
from orchestrator.client import CONNECT_WITHIN, connected, login_of
from orchestrator.doctor.certificates import of_file, shown_by
from orchestrator.doctor.checks import Check, checked, good, output, warning, wrong
from orchestrator.settings import Settings
from schemas.errors import HubError

_HEALTH_WITHIN = 5.0
_INSTALL = "apt install mosquitto, or set broker.url in hub.toml"


def broker_checks(settings: Settings, runs: bool | None) -> Iterator[Check]:
    """The hub's own broker, or the one that hub.toml names; `runs`: whether a hub runs here."""
    if settings.broker.address() is None:
        yield _mosquitto()
        if settings.broker.port:
            yield _own(settings, runs)
        if settings.broker.cert_file:
            yield of_file(
                "broker's certificate", settings.broker.cert_file, settings.broker.key_file
            )
        return
    yield from _configured(settings)
    if runs:
        yield checked("hub", lambda: _health(settings))


def _mosquitto() -> Check:
    told = output("mosquitto", "-h")
    if told is not None:
        found = re.search(r"mosquitto version (\S+)", told)
        if not shutil.which("mosquitto_passwd"):
            return wrong("mosquitto", "mosquitto_passwd is missing", f"{_INSTALL}: the whole of it")
        return good("mosquitto", f"version {found[1]}" if found else "there")
    if importlib.util.find_spec("amqtt"):
        return warning("mosquitto", "there is none: amqtt serves, for a first try", _INSTALL)
    return wrong("mosquitto", "there is none", _INSTALL)


def _own(settings: Settings, runs: bool | None) -> Check:
    port = settings.broker.port
    if runs is None:
        return warning("broker", "whether a hub runs cannot be seen from here", "be its user")
    if runs:
        return checked("broker", lambda: _health(settings))
    if why := unusable("127.0.0.1", port):
        todo = "stop it (systemctl disable --now mosquitto), or set broker.port in hub.toml"
        return wrong("broker", f"no hub runs, and {why}", todo)
    return good("broker", f"no hub runs; port {port} is free for its broker")


def unusable(host: str, port: int) -> str:
    """Why nothing can listen there; empty where something can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"another program listens on port {port}"
            return f"{host} port {port} cannot be used: {error.strerror}"
    return ""


def _health(settings: Settings) -> str:
    """What the hub says of itself over its broker."""
    login, user = login_of(settings)

    async def ask() -> str:
        async with connected(login, settings.broker.topic, user) as client:
            told = await client.request("health", within=_HEALTH_WITHIN)
        return f"a hub answers at {login.host}:{login.port}, with {told['devices']} devices"

    return asyncio.run(ask())


def _configured(settings: Settings) -> Iterator[Check]:
    try:
        login, _ = login_of(settings)
    except HubError as error:
        yield wrong("broker", str(error))
        return
    if login.tls is not None:
        yield shown_by("broker's certificate", login.host, login.port, login.tls)
    elif login.password and not login.host.startswith(("127.", "localhost", "::1")):
        yield warning("broker", "the password goes over the network readable", "use mqtts://")
    yield checked("broker", lambda: asyncio.run(_logs_in(login)))


async def _logs_in(login: Login) -> str:
    client = MqttClient(
        login.host, login.port, client_id="octopus-doctor", username=login.username,
        password=login.password, tls=login.tls,
    )  # fmt: skip
    async with client:
        await client.wait_connected(CONNECT_WITHIN)
    return f"{login.host}:{login.port} lets in {login.username or 'anybody'}"
