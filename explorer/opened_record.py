"""The vetting record of a server, opened once for each library and read in the background."""

from __future__ import annotations

from threading import Thread

from sqlalchemy.exc import SQLAlchemyError

from explorer.config import AppConfig
from explorer.model.library import Library, kept_by_library
from explorer.moving import move_record
from explorer.rooms.vetting.signin import people_of
from explorer.vetting.commands import VettingCommands
from explorer.vetting.queries import LOG
from explorer.vetting.store import Store, StoreError


def open_vetting(config: AppConfig, library: Library) -> VettingCommands:
    """Return the commands on the vetting record of a library; one object a process."""
    return _commands_of(library, config)


@kept_by_library(4)
def _commands_of(library: Library, config: AppConfig) -> VettingCommands:
    commands = VettingCommands(Store(config.vetting, lambda: _settle_record(config)), library, people_of(config))
    Thread(target=_prepare_record, args=(commands,), name="record-reading", daemon=True).start()
    return commands


def _settle_record(config: AppConfig) -> None:
    """Move a record of an older version to its new place before it is opened."""
    if not config.record:
        move_record(config.home, config.data)


def _prepare_record(commands: VettingCommands) -> None:
    """Read the record before the first visitor waits for it; without it, everything but vetting works."""
    try:
        commands.prepare()
    except (StoreError, SQLAlchemyError) as error:
        LOG.warning("%s", error)
