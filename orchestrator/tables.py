"""The journal's tables."""

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

metadata = sa.MetaData()
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("ended", sa.Float),
    sa.Column("decision", sa.Text),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("model_text", sa.Text, nullable=False, server_default=""),
    sa.Column("confidence", sa.Float),
    sa.Column("model", sa.Text, nullable=False, server_default=""),
    sa.Column("answer", sa.Text, nullable=False, server_default=""),
    sa.Column("question", sa.Text, nullable=False, server_default=""),
    sa.Column("undoes", sa.Text, nullable=False, server_default=""),
    # Every further index is a page more in every sync; a start reads the whole table anyway.
    sa.Index("runs_of_user", "user", "created"),
)
steps = sa.Table(
    "steps",
    metadata,
    sa.Column("run", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("index", sa.Integer, primary_key=True),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("started", sa.Float),
    sa.Column("ended", sa.Float),
    sqlite_with_rowid=False,
)
schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("next", sa.Float),
    sa.Column("schedule", sa.Text, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
)
events = sa.Table(
    "events",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run", sa.Text, nullable=False),  # or the schedule
    sa.Column("step", sa.Integer),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)


def create(engine: sa.Engine) -> None:
    """The tables, and in those of an older hub the columns that it did not have."""
    metadata.create_all(engine)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            there = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
            for column in table.columns:
                if column.name not in there:
                    added = CreateColumn(column).compile(dialect=engine.dialect)
                    connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {added}")
