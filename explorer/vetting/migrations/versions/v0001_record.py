"""Tables of campaigns, tasks, claims and append-only events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_REFUSAL = "events are append-only"


def upgrade() -> None:
    """Create the tables; there is no downgrade."""
    op.create_table(
        "campaign",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False, unique=True),
        sa.Column("created", sa.String(27), nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("catalogue", sa.String(200), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
    )
    op.create_table(
        "task",
        sa.Column("campaign", sa.String(36), sa.ForeignKey("campaign.id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("star", sa.BigInteger(), nullable=False),
        sa.Column("occasion", sa.SmallInteger(), nullable=False),
        sa.Column("control", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("campaign", "star", "occasion", name="task_once"),
    )
    op.create_table(
        "claim",
        sa.Column("campaign", sa.String(36), sa.ForeignKey("campaign.id"), primary_key=True),
        sa.Column("star", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("occasion", sa.SmallInteger(), nullable=False),
        sa.Column("expires", sa.String(27), nullable=False),
    )
    op.create_table(
        "event",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("campaign", sa.String(36), sa.ForeignKey("campaign.id"), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("utc", sa.String(27), nullable=False),
        sa.Column("star", sa.BigInteger(), nullable=False),
        sa.Column("occasion", sa.SmallInteger(), nullable=False),
        sa.Column("verdict", sa.SmallInteger(), nullable=True),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("catalogue", sa.String(200), nullable=False),
        sa.Column("fit", sa.String(64), nullable=False),
        sa.Column("supersedes", sa.String(36), nullable=True),
        sa.Column("authority", sa.String(16), nullable=False),
        sa.Column("imported_by", sa.String(64), nullable=False),
        sa.CheckConstraint("kind IN ('verdict', 'adjudication', 'undo')", name="event_kind"),
        sqlite_autoincrement=True,
    )
    op.create_index("event_of_star", "event", ["campaign", "star"])
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER event_no_{action.lower()} BEFORE {action} ON event "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_event_change() RETURNS trigger AS $$ "
        f"BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$ LANGUAGE plpgsql"
    )
    op.execute(
        "CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_event_change()"
    )
