"""State shared by the parts of the star panel: star, spectrum, labels, label model."""

from __future__ import annotations

import numpy as np

from explorer.model.library import Library
from explorer.state.workspace import Workspace
from pipeline.domain.label_names import LABEL_NAMES as LABELS
from pipeline.domain.stored_spectrum import StoredSpectrum
from pipeline.products.manifest import ProductError
from pipeline.science.star.refit import RefitError


class StarContext:
    """Data of the focused star.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    library : Library
        Shared products.
    """

    def __init__(self, workspace: Workspace, library: Library) -> None:
        self.workspace, self.library = workspace, library
        self.spectra = library.products.spectra
        missing = "This release has no label model, so stars cannot be fitted."
        self.model = library.label_model
        self.no_model = "" if self.model or self.spectra is None else library.no_model or missing
        self._refused = ""

    @property
    def has_continuum(self) -> bool:
        """Whether spectra can be shown as observed; False if that file is damaged."""
        try:
            return self.spectra is not None and self.spectra.has_continuum
        except ProductError:  # no spectrum is shown either
            return False

    def spectrum(self, obsid: int) -> StoredSpectrum | None:
        """A star's spectrum; None if it is missing or damaged."""
        if self.spectra is None or obsid not in self.spectra:
            return None
        try:
            return self.spectra.get(obsid)
        except ProductError as error:
            self._refused = str(error)
            return None

    def sentence(self, obsid: int, spectrum: StoredSpectrum | None) -> str:
        """Return the reason why a star has no spectrum; "" if it has one."""
        if self.spectra is None:
            return "This catalogue was made from tables only: it has no spectra."
        if spectrum is None:
            if obsid in self.spectra:
                return f"The spectrum of obsid {obsid} is not shown. {self._refused}"
            return f"obsid {obsid} has no spectrum in this release ({len(self.spectra):,} stars do)."
        if bool(np.all(spectrum.mask | (spectrum.ivar <= 0))):
            return f"All pixels of obsid {obsid} are masked."
        return ""

    def note(self, spectrum: StoredSpectrum | None) -> str:
        """Return the reason why a spectrum has no model; "" if it has one."""
        if spectrum is None or spectrum.has_model:
            return ""
        return self.no_model or "The label fit has no model of this star."

    def focused(self) -> tuple[int, int, StoredSpectrum]:
        """Return row, obsid and spectrum of the focused star.

        Raises
        ------
        RefitError
            If no star is focused, or it has no spectrum.
        """
        row, obsid = self.workspace.focus_row, self.workspace.focus
        if row is None or obsid is None:
            raise RefitError("No star is selected: click one first.")
        spectrum = self.spectrum(obsid)
        if spectrum is None:
            raise RefitError(self.sentence(obsid, None))
        return row, obsid, spectrum

    def published_of(self, row: int) -> dict[str, float | None]:
        """Published labels and velocity; None if missing."""
        values = {name: self.workspace.table.value(name, row) for name in (*LABELS, "rv")}
        return {name: value if np.isfinite(value) else None for name, value in values.items()}

    def published(self, row: int) -> dict[str, float]:
        """Published labels and velocity; NaN if missing."""
        return {name: np.nan if value is None else value for name, value in self.published_of(row).items()}
