"""Where a command's time went stands beside its end. Of older commands nobody knows."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """See the module."""
    op.add_column("runs", sa.Column("trace", sa.Text, nullable=False, server_default=""))
