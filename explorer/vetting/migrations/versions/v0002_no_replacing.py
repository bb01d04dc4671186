"""SQLite: no ``INSERT OR REPLACE`` of an event, which removes the old row without asking the trigger of ``DELETE``."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An id that is there stays as it is, as with ``ON CONFLICT DO NOTHING``; a number that is there is refused.

    SQLite does not say which number an event without one has before it is in; it is below 1. PostgreSQL cannot replace.
    """
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER event_no_replace BEFORE INSERT ON event BEGIN "
            "SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM event WHERE id = NEW.id); "
            "SELECT RAISE(ABORT, 'events are append-only') "
            "WHERE NEW.seq > 0 AND EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq); END"
        )


def downgrade() -> None:
    """Take the trigger away."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER event_no_replace")
