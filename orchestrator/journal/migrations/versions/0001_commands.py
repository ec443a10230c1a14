"""Commands, steps, schedules and events. Hubs before this one made and mended these tables by
themselves: whatever such a one left is brought to the same state."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateColumn

revision = "0001"
down_revision = None

_TABLES = sa.MetaData()
sa.Table(
    "runs",
    _TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("ended", sa.Double),
    sa.Column("decision", sa.Text),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("model_text", sa.Text, nullable=False, server_default=""),
    sa.Column("confidence", sa.Double),
    sa.Column("model", sa.Text, nullable=False, server_default=""),
    sa.Column("answer", sa.Text, nullable=False, server_default=""),
    sa.Column("question", sa.Text, nullable=False, server_default=""),
    sa.Column("undoes", sa.Text, nullable=False, server_default=""),
    sa.Index("runs_of_user", "user", "created"),
)
sa.Table(
    "steps",
    _TABLES,
    sa.Column("run", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("index", sa.Integer, primary_key=True),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("started", sa.Double),
    sa.Column("ended", sa.Double),
    sqlite_with_rowid=False,
)
sa.Table(
    "schedules",
    _TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("next", sa.Double),
    sa.Column("schedule", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
)
sa.Table(
    "events",
    _TABLES,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("step", sa.Integer),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)


def upgrade() -> None:
    """See the module."""
    connection = op.get_bind()
    _TABLES.create_all(connection)
    for table in _TABLES.sorted_tables:
        there = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                added = CreateColumn(column).compile(dialect=connection.dialect)
                op.execute(f"ALTER TABLE {table.name} ADD COLUMN {added}")
