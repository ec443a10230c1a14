"""A journal is only read: as it is at one moment, whoever writes it meanwhile, damaged or not."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from orchestrator.journal import engine as engines
from orchestrator.journal import opening
from orchestrator.journal.engine import JournalUnavailable
from orchestrator.journal.opening import JournalUnusable

Row = Mapping[str, Any]

_BATCH = 1000


@contextlib.contextmanager
def reading(url: sa.URL) -> Iterator[sa.Connection]:
    """A journal as it is at one moment. JournalUnavailable or JournalUnusable where there is none,
    it cannot be read, or it is of another release."""
    where = engines.name(url)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        raise JournalUnavailable(f"{where}: there is no journal here")
    engine = engines.connect_to(url, read_only=True)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")  # the driver would wait for a change
            else:
                connection.execution_options(isolation_level="REPEATABLE READ")
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            _check_release(connection, where)
            yield connection
    except DBAPIError as error:
        raise JournalUnavailable(f"{where}: cannot be read: {opening.line(error)}") from error
    except UnicodeDecodeError as error:  # in what SQLite says of a damaged file
        raise JournalUnavailable(f"{where} is damaged: its tables have no names") from error
    finally:
        engine.dispose()


def _check_release(connection: sa.Connection, where: str) -> None:
    revision = opening.revision(connection)
    if revision is None:
        raise JournalUnusable(f"{where}: it is empty, or of release 0.1: start the hub once")
    if revision != opening.NEWEST:
        raise JournalUnusable(
            f"{where} is of another release (its tables are {revision}, this hub has"
            f" {opening.NEWEST}): start the newer one once"
        )


def plain(table: sa.Table) -> sa.TableClause:
    """A table whose values come as the driver gives them: in a damaged one they may be anything."""
    return sa.table(table.name, *(sa.column(column.name) for column in table.columns))


def rows(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Row]:
    """What a query finds, a part of it in memory at a time."""
    for row in connection.execute(query, execution_options={"yield_per": _BATCH}):
        yield row._asdict()
