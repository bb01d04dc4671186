"""When an event was imported from a file; empty for the record's own events, and for older imports."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; neither database asks the triggers for that."""
    op.add_column("event", sa.Column("imported", sa.String(27), nullable=False, server_default=""))


def downgrade() -> None:
    """Take the column away."""
    op.drop_column("event", "imported")
