"""What travels from stage to stage: a table of stars, arrays on disk, facts, and rejects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.config import RunConfig

Progress = Callable[[float, str], None]
"""Takes the fraction done of the running stage and a few words."""


class StageSkipped(Exception):  # noqa: N818 - not an error: a stage whose inputs are missing says so
    """A stage has nothing to work on; the message says what is missing."""


@dataclass
class BuildState:
    """The build so far.

    Parameters
    ----------
    config : RunConfig
        What was asked for.
    work : Path
        Checkpoints and arrays of this build.
    draft : Path
        Product directory in the making; it is moved into place when it is complete.
    table : pandas.DataFrame
        One row a star under contract names.
    rejects : list of tuple
        (source, obsid, stage, code, reason).
    facts : dict
        JSON values for manifest and report: ``simulated``, ``simulated_note``, ``inputs``, ``choices``, ``report``.
    """

    config: RunConfig
    work: Path
    draft: Path
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    rejects: list[tuple[str, int, str, str, str]] = field(default_factory=list)
    facts: dict[str, Any] = field(
        default_factory=lambda: {"simulated": False, "simulated_note": "", "inputs": {}, "choices": {}, "report": {}}
    )

    @property
    def has_spectra(self) -> bool:
        """Whether the read stage stored spectra."""
        return self.array_path("raw_flux").is_file()

    def array_path(self, name: str) -> Path:
        """Where an array of the build is kept."""
        return self.work / "arrays" / f"{name}.npy"

    def save_array(self, name: str, values: NDArray[Any]) -> None:
        """Keep an array on disk for later stages."""
        path = self.array_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, values, allow_pickle=False)

    def array(self, name: str) -> NDArray[Any]:
        """An array kept before, as a read-only memory map."""
        return np.load(self.array_path(name), mmap_mode="r", allow_pickle=False)

    def column(self, name: str) -> NDArray[np.float64]:
        """A numeric column as float64, all NaN when the table lacks it."""
        if name not in self.table:
            return np.full(len(self.table), np.nan)
        return self.table[name].to_numpy(dtype=np.float64)

    def reject(self, stage: str, source: str, obsid: int, code: str, reason: str) -> None:
        """Add a row to the rejects table."""
        self.rejects.append((source, obsid, stage, code, reason))

    def best_velocity_error(self) -> NDArray[np.float64]:
        """Error of what :meth:`best_velocity` takes; NaN for the input's velocity, which comes without one."""
        error, known = self.column("rv_err"), np.isfinite(self.column("rv"))
        other = np.where(np.isfinite(self.column("rv_input")), np.nan, self.column("rv_gaia_err"))
        return np.where(known, error, other)

    def spectrum_velocity(self) -> NDArray[np.float64]:
        """By how much each spectrum is shifted: the best velocity with the zero point that was taken off, 0 unknown."""
        return np.nan_to_num(self.best_velocity()) + np.nan_to_num(self.column("rv_zero_point"))

    def best_velocity(self) -> NDArray[np.float64]:
        """Measured radial velocity, else the input's, else Gaia's; NaN where none is known."""
        velocity = self.column("rv")
        for name in ("rv_input", "rv_gaia"):
            velocity = np.where(np.isfinite(velocity), velocity, self.column(name))
        return velocity


@dataclass(frozen=True)
class Stage:
    """One step of a build.

    Parameters
    ----------
    name : str
        Name on screen and in the manifest.
    run : callable
        ``run(state, progress) -> rows_out``; raises :class:`StageSkipped` when its inputs are missing.
    weight : float
        Share of the whole time, for the time left.
    sections : tuple of str
        Sections of the configuration that it reads; a change there makes its checkpoint stale.
    """

    name: str
    run: Callable[[BuildState, Progress], int]
    weight: float
    sections: tuple[str, ...]
