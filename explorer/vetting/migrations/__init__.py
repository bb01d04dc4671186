"""Alembic migrations of the vetting record, applied when it is opened."""
