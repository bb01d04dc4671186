"""Database tables of the record; ``migrations/`` creates them, and tests compare the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

CAMPAIGN = Table(
    "campaign",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("created", String(27), nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("catalogue", String(200), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("rules", Text, nullable=False),
)
"""Campaigns and their rules."""

TASK = Table(
    "task",
    METADATA,
    Column("campaign", String(36), ForeignKey("campaign.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("star", BigInteger, nullable=False),
    Column("occasion", SmallInteger, nullable=False),
    Column("control", Boolean, nullable=False),
    UniqueConstraint("campaign", "star", "occasion", name="task_once"),
)
"""The queue of a campaign, in order."""

CLAIM = Table(
    "claim",
    METADATA,
    Column("campaign", String(36), ForeignKey("campaign.id"), primary_key=True),
    Column("star", BigInteger, primary_key=True, autoincrement=False),
    Column("user", String(64), nullable=False),
    Column("occasion", SmallInteger, nullable=False),
    Column("expires", String(27), nullable=False),
)
"""Stars that are reserved for inspectors; the only table whose rows change."""

EVENT = Table(
    "event",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("kind", String(12), nullable=False),
    Column("campaign", String(36), ForeignKey("campaign.id"), nullable=False),
    Column("user", String(64), nullable=False),
    Column("utc", String(27), nullable=False),
    Column("star", BigInteger, nullable=False),
    Column("occasion", SmallInteger, nullable=False),
    Column("verdict", SmallInteger, nullable=True),
    Column("flags", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("proposal", Text, nullable=False),
    Column("catalogue", String(200), nullable=False),
    Column("fit", String(64), nullable=False),
    Column("supersedes", String(36), nullable=True),
    Column("authority", String(16), nullable=False),
    Column("imported_by", String(64), nullable=False),
    Column("imported", String(27), nullable=False, server_default=""),
    CheckConstraint("kind IN ('verdict', 'adjudication', 'undo')", name="event_kind"),
    Index("event_of_star", "campaign", "star"),
    sqlite_autoincrement=True,
)
"""Events of the record; triggers refuse any change or removal."""
