"""A journal is opened: looked at, brought to the newest tables, and known to be this hub's."""

import logging
import uuid
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from orchestrator.journal import engine as engines
from orchestrator.journal.engine import JournalUnavailable
from orchestrator.journal.tables import seal
from schemas.errors import HubError

KNOWN = ("0001", "0002", "0003")
"""The revisions of the migrations."""
NEWEST = KNOWN[-1]
_version = sa.table("alembic_version", sa.column("version_num"))


class JournalUnusable(HubError):
    """This journal must not be written by this hub; it says what to do."""

    code = "storage"


def prepare(engine: sa.Engine, mark: Path) -> None:
    """Make the journal ready to be written. `mark` is a file with the id of the hub that the
    journal is of; both are made with a new journal.

    JournalUnusable where it is damaged, missing, of a newer release, or of another hub;
    JournalUnavailable where the database cannot be reached or written.
    """
    where = engines.name(engine.url)
    try:
        with engine.begin() as connection:
            _check_whole(connection, where)
            _check_there(connection, mark, where)
            _migrate(connection, where)
            identity = _owner(connection, mark, where)
    except DBAPIError as error:
        if "malformed" in str(error.orig) or "not a database" in str(error.orig):
            raise _damaged(where, str(error.orig)) from error
        raise JournalUnavailable(f"{where}: cannot open the journal: {line(error)}") from error
    except UnicodeDecodeError as error:  # in what SQLite says of its tables
        raise _damaged(where, "its tables have no names") from error
    if not mark.exists():  # only now: a mark without a journal means that one was lost
        mark.write_text(identity + "\n", encoding="utf-8")


def _check_whole(connection: sa.Connection, where: str) -> None:
    """SQLite does not look at its pages before it needs them; PostgreSQL has checksums."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if found != "ok":
            raise _damaged(where, found)


def _damaged(where: str, why: str) -> JournalUnusable:
    return JournalUnusable(
        f"{where} is damaged ({why}): octopus restore BACKUP brings an earlier one back, or move it"
        " away together with the file hub-id to begin a new one"
    )


def _check_there(connection: sa.Connection, mark: Path, where: str) -> None:
    """A hub that had a journal does not begin an empty one unasked."""
    if mark.exists() and not sa.inspect(connection).has_table("runs"):
        raise JournalUnusable(
            f"{where} is empty or gone, and this hub had a journal: octopus restore BACKUP brings"
            f" an earlier one back, or remove {mark} to begin a new one"
        )


def _migrate(connection: sa.Connection, where: str) -> None:
    """Bring the tables to the newest state, in the transaction of the caller."""
    its = revision(connection)
    if its == NEWEST:
        return
    if its is not None and its not in KNOWN:
        raise JournalUnusable(
            f"{where} is of a newer hub (its tables are {its}, this hub knows {NEWEST}):"
            " install that release again, or restore a backup"
        )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic import command, config  # a tenth of a second, needed once a release

    told = config.Config()
    told.set_main_option("script_location", "orchestrator.journal:migrations")
    told.attributes["connection"] = connection
    command.upgrade(told, "head")


def revision(connection: sa.Connection) -> str | None:
    """The newest migration that the tables have seen, None where that is none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.select(_version.c.version_num)).scalar()
    return found


def _owner(connection: sa.Connection, mark: Path, where: str) -> str:
    """The hub that the journal is of, which is this one; a new journal is marked."""
    known = _marked(mark)
    owner: str = connection.execute(sa.select(seal.c.hub)).scalar_one()
    if owner and known and owner != known:
        raise JournalUnusable(
            f"{where} is another hub's journal: give each hub a hub.state and store.url of its own,"
            f" or remove {mark} if this hub takes its place"
        )
    identity = owner or known or uuid.uuid4().hex
    if not owner:
        connection.execute(seal.update().values(hub=identity))
    return identity


def _marked(mark: Path) -> str:
    """The hub that the mark is of, nothing where there is none."""
    try:
        return mark.read_text(encoding="utf-8").strip() if mark.exists() else ""
    except UnicodeDecodeError as error:
        raise JournalUnusable(
            f"{mark} is damaged: remove it, and it is made again from the journal"
        ) from error


def line(error: DBAPIError) -> str:
    """What the driver says, in a line."""
    return str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "no answer"
