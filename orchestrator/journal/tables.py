"""The journal's tables, as the newest migration leaves them."""

import sqlalchemy as sa

metadata = sa.MetaData()
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("door", sa.Text, nullable=False, server_default=""),
    sa.Column("schedule", sa.Text),  # the one that it comes from
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
    sa.Column("trace", sa.Text, nullable=False, server_default=""),  # stages as JSON, at its end
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
    sa.Column("started", sa.Double),
    sa.Column("ended", sa.Double),
    sqlite_with_rowid=False,
)
schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("next", sa.Double),
    sa.Column("schedule", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
)
events = sa.Table(
    "events",
    metadata,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True,
              autoincrement=False),
    sa.Column("run", sa.Text, nullable=False),  # or the schedule, or the device
    sa.Column("step", sa.Integer),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),  # digest of what it is about
    sa.Column("hash", sa.LargeBinary, nullable=False),  # of the row and the hash before it
)  # fmt: skip
seal = sa.Table(
    "seal",
    metadata,
    sa.Column("hub", sa.Text, primary_key=True),  # whose journal it is
    sa.Column("before", sa.BigInteger, nullable=False),  # the event before the first that is kept
    sa.Column("before_hash", sa.LargeBinary, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("last_hash", sa.LargeBinary, nullable=False),
    # what ended up to that event was told to everybody; no part of the chain
    sa.Column("told", sa.BigInteger, nullable=False, server_default="0"),
)
