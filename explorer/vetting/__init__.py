"""Vetting without user interface: event store, campaigns, claims, conflict rule, agreement, users.

The pages act only through ``commands``, which checks permissions before anything is written. May import what
``explorer.model`` may, and SQLAlchemy, Alembic and argon2.
"""
