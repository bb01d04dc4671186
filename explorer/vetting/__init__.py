"""Vetting without a screen: the append-only record, campaigns and claims, the conflict rule, agreement, users.

``desk`` is the only door for the pages: it checks who asks before anything is written. May import what
``explorer.model`` may, and SQLAlchemy, Alembic and argon2.
"""
