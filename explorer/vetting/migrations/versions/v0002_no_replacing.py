"""SQLite: refuse ``INSERT OR REPLACE`` of an event, which bypasses the ``DELETE`` trigger."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Ignore an insert with a stored id, as ``ON CONFLICT DO NOTHING``; refuse a stored sequence number.

    In SQLite an event without a number has one below 1 until it is inserted. PostgreSQL has no ``INSERT OR REPLACE``.
    """
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER event_no_replace BEFORE INSERT ON event BEGIN "
            "SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM event WHERE id = NEW.id); "
            "SELECT RAISE(ABORT, 'events are append-only') "
            "WHERE NEW.seq > 0 AND EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq); END"
        )


def downgrade() -> None:
    """Drop the trigger."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER event_no_replace")
