"""The journal's database: a SQLite file, or PostgreSQL; everything above speaks to both alike."""

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from schemas.errors import HubError, InvalidSettings


class JournalUnavailable(HubError):
    """The journal cannot be written; nothing is done that it could not record."""

    code = "storage"


PATIENCE = 5
"""Seconds that a statement waits for somebody else's lock, and a connection for its server."""
_PRAGMAS = (
    "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={PATIENCE * 1000}",
)  # fmt: skip
_ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""Both ends of a connection ask after that many silent seconds whether the other is still there,
and give up after that many questions: a hub that lost its network finds its own lock released."""
_SOCKET = {
    "connect_timeout": PATIENCE, "tcp_user_timeout": PATIENCE * 1000, "application_name": "octopus",
    "keepalives": 1, **_ALIVE,
}  # fmt: skip
# A server that was told to answer before the disk has it would lose what was acknowledged.
_SESSION = (
    "synchronous_commit=on", f"statement_timeout={PATIENCE}s", f"lock_timeout={PATIENCE}s",
    *(f"tcp_{name}={number}" for name, number in _ALIVE.items()), "tcp_user_timeout=25s",
)  # fmt: skip
_WAITED = ("55P03", "57014")
"""lock_not_available, and query_canceled after a statement's time."""
_HOLD = "SELECT pg_advisory_lock(hashtext('octopus'), hashtext(current_schema()))"


def at(url: str, file: Path) -> sa.URL:
    """The database of a configured URL; of none, the file. InvalidSettings names what is wrong."""
    if not url:
        return sa.URL.create("sqlite", database=str(file))
    try:
        found = sa.make_url(url)
    except ArgumentError as error:
        raise InvalidSettings(f"hub.toml: store.url: {url!r} is no URL") from error
    if found.get_backend_name() != "postgresql":
        raise InvalidSettings("hub.toml: store.url must begin with postgresql://, or be empty")
    if "password" in found.query:
        raise InvalidSettings(
            "hub.toml: store.url must hold no password: store.password_file names a file with it"
        )
    return found.set(drivername="postgresql+psycopg")


def connect_to(url: sa.URL, *, read_only: bool = False) -> sa.Engine:
    """An engine whose transactions are on the disk once they are committed. InvalidSettings where
    its driver is not installed."""
    if url.get_backend_name() == "postgresql":
        options = " ".join(
            [*url.normalized_query.get("options", ()), *(f"-c {o}" for o in _SESSION)]
        )
        try:
            # Positional values: the statements are rendered once, see `Records.execute`.
            engine = sa.create_engine(
                url, paramstyle="format", pool_size=1, max_overflow=0, hide_parameters=True,
                connect_args=_SOCKET | {"options": options},
            )  # fmt: skip
        except (NoSuchModuleError, ImportError) as error:
            raise InvalidSettings(
                "hub.toml: store.url: PostgreSQL needs pip install 'octopus-hub[postgres]'"
            ) from error
        if not read_only:
            sa.event.listen(engine, "connect", _alone)
        return engine
    if read_only:
        file = f"file:{quote(str(url.database))}"
        only_read = url.set(database=file, query={"mode": "ro", "uri": "true"})
        return sa.create_engine(only_read, hide_parameters=True)
    # What people said is in no error, and so in no log.
    engine = sa.create_engine(url, connect_args={"isolation_level": None}, hide_parameters=True)
    sa.event.listen(engine, "connect", _durable)
    sa.event.listen(engine, "begin", _at_once)
    return engine


def _durable(connection: sqlite3.Connection, _: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _alone(connection: Any, _: object) -> None:
    """One hub writes a database: the lock is the connection's, and goes with it."""
    try:
        connection.execute(_HOLD)  # a server may notice late that the one before is gone
        connection.commit()
    except Exception as error:
        if getattr(error, "sqlstate", "") in _WAITED:
            raise JournalUnavailable("the database is in use by another hub") from error
        raise


def _at_once(connection: sa.Connection) -> None:
    """A deferred transaction that comes to write fails at once where another one writes; this one
    waits its turn. Changes of tables are part of it too, which the driver would commit by itself.
    """
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def name(url: sa.URL) -> str:
    """The database as anybody may know it: who sends a command learns no host and no user."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"the database {url.database}"


def is_busy(error: Any) -> bool:
    """Whether somebody else holds the database, or it did not answer in time."""
    busy = getattr(error, "sqlite_errorname", "") == "SQLITE_BUSY"
    return busy or getattr(error, "sqlstate", "") in _WAITED
