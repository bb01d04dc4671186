"""Start of an opening before the import of the user interface, which takes seconds."""

from __future__ import annotations

from explorer.config import AppConfig
from explorer.model.health import add_part
from explorer.model.library import Library
from explorer.model.opened_files import files_to_open
from explorer.model.opening import Opening, opening_of
from explorer.model.served import product_health, start_watching


def open_paths(config: AppConfig) -> Opening | None:
    """Start to open the tables or spectra of the command line; None for a product directory.

    Raises
    ------
    OpenError
        If a path does not exist, or the files cannot be opened together.
    """
    files = files_to_open(config.paths) if config.paths else ()
    if not files:
        return None
    opening = opening_of(files, config.home, config.columns, _prepare)
    opening.start()
    start_watching()
    add_part("product", lambda: product_health(None, opening.library()))
    return opening


def _prepare(library: Library) -> None:
    """Compile the brush path for an opened library."""
    from explorer.rooms.warm_up import warm_up_views  # noqa: PLC0415 - the build has long begun when this is needed

    warm_up_views(library)
