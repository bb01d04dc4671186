"""Import time of events; empty for events of this record and for older imports."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the triggers do not refuse that."""
    op.add_column("event", sa.Column("imported", sa.String(27), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("event", "imported")
