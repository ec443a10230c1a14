"""One computer's SSH connection: kept, watched, and never to another computer."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import asyncssh

from device_adapters.pc.hostkeys import line
from device_adapters.pc.quoting import SHELL, script, windows_line
from device_adapters.pc.runner import MOST, NOTHING, Answer, Argv, Environment, Runner
from device_adapters.pc.sshsessions import Sessions, reason_of
from schemas.errors import DeviceNeedsPerson, DeviceUnavailable

asyncssh.set_log_level("WARNING")  # where the hub goes, and as whom, is nobody's business

_CONNECT_WITHIN = 4.0
"""Seconds for a computer to answer and let the hub in; a call waits five for a connection."""
_MISSED = 2
"""Questions whether it is still there that a computer may leave unanswered."""
_CLOSE_WITHIN = 1.0
_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Of host keys, the wanted ones first, so that a computer with several always shows the same."""


class Place(NamedTuple):
    """Where a computer is, and as whom the hub goes there."""

    name: str  # of the computer, for people
    host: str
    port: int
    user: str
    key: asyncssh.SSHKey
    keepalive: float = 5.0  # seconds between two questions whether it is still there


class Trust(NamedTuple):
    """Which host key is right."""

    expected: str | None
    """Its fingerprint (`SHA256:…`); None where none is known yet."""
    algorithm: str = ""
    """What the key is of, where that is known: it is asked for first."""
    kept: str = ""
    """Where it is written down."""


class SshLink(Runner):
    """A connection to a computer, and programs run over it; `lost` is called once it is gone."""

    def __init__(self, lost: Callable[[], None]) -> None:
        self._lost = lost
        self._connection: asyncssh.SSHClientConnection | None = None
        self._sessions: Sessions | None = None
        self.windows = False
        self.gone = asyncio.Event()
        self.gone.set()

    async def open(self, place: Place, trust: Trust) -> asyncssh.SSHKey:
        """Connect anew, and say which host key the computer showed.

        `DeviceUnavailable`: it does not answer; `DeviceNeedsPerson`: its key is another one than
        before, or it does not let the hub in.
        """
        await self.close()
        client = _Client(trust.expected, self._ended)
        try:
            async with asyncio.timeout(_CONNECT_WITHIN):
                self._connection, _ = await asyncssh.create_connection(
                    lambda: client, place.host, place.port, **_options(place, trust)
                )
        except TimeoutError as exc:
            raise DeviceUnavailable(f"{_at(place)} does not answer") from exc
        except asyncssh.HostKeyNotVerifiable as exc:
            raise DeviceNeedsPerson(_changed(place, trust, client.shown)) from exc
        except asyncssh.PermissionDenied as exc:
            raise DeviceNeedsPerson(
                f"{place.name} does not let {place.user} in: on it, add this line to "
                f"~{place.user}/.ssh/authorized_keys: {line(place.key)}"
            ) from exc
        except (asyncssh.Error, OSError, ValueError) as exc:
            raise DeviceUnavailable(f"{_at(place)} cannot be reached: {reason_of(exc)}") from exc
        self.gone.clear()
        self._sessions = Sessions(self._connection)
        if self._connection.is_closed():
            self._ended()
            raise DeviceUnavailable(f"{_at(place)} closed the connection at once")
        assert client.shown is not None  # nobody is let in before the keys are exchanged
        return client.shown

    async def run(self, argv: Argv, environment: Environment = NOTHING, most: int = MOST) -> Answer:
        line, said = (
            (windows_line(argv), b"") if self.windows else (SHELL, script(argv, environment))
        )
        if self._sessions is None or self.gone.is_set():
            raise DeviceUnavailable("the connection is gone; nothing was sent")
        return await self._sessions.run(line, said, most)

    async def close(self) -> None:
        """Let go of the connection; safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.close()
        try:
            async with asyncio.timeout(_CLOSE_WITHIN):
                await connection.wait_closed()
        except TimeoutError:  # it does not read any more
            connection.abort()
            await connection.wait_closed()
        if self._sessions is not None:
            await self._sessions.ended()

    def _ended(self) -> None:
        if not self.gone.is_set():
            self.gone.set()
            if self._connection is not None:  # not closed by the hub itself
                self._lost()


class _Client(asyncssh.SSHClient):
    """Checks the host key, and hears of the end."""

    def __init__(self, expected: str | None, ended: Callable[[], None]) -> None:
        self._expected = expected
        self._ended = ended
        self.shown: asyncssh.SSHKey | None = None

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        self.shown = key
        return self._expected is None or key.get_fingerprint() == self._expected

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended()


def _options(place: Place, trust: Trust) -> dict[str, Any]:
    """Nothing but the hub's key, and nothing of the settings of whoever runs the hub."""
    first = [name for name in _ALGORITHMS if trust.algorithm and _kin(name, trust.algorithm)]
    return {
        "username": place.user,
        "client_keys": [place.key],
        "known_hosts": lambda host, addr, port: ([], [], []),  # asks the client
        "server_host_key_algs": [*first, *(name for name in _ALGORITHMS if name not in first)],
        "preferred_auth": "publickey",
        "disable_trivial_auth": True,
        "agent_path": None,
        "config": None,
        "keepalive_interval": place.keepalive,
        "keepalive_count_max": _MISSED,
        "connect_timeout": None,
        "login_timeout": 0,
    }


def _kin(name: str, algorithm: str) -> bool:
    return name == algorithm or (algorithm == "ssh-rsa" and name.startswith("rsa-"))


def _at(place: Place) -> str:
    return f"{place.name} at {place.host}:{place.port}"


def _changed(place: Place, trust: Trust, shown: asyncssh.SSHKey | None) -> str:
    now = shown.get_fingerprint() if shown else "none that the hub knows"
    return (
        f"{place.name} shows another host key than before: {now}, not {trust.expected}. "
        f"If it was installed anew, remove {trust.kept}; else somebody answers in its place"
    )
