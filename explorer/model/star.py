"""What the catalogue says of one star, put together for its card: groups of named values with errors and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from explorer.model.table import StarTable
from pipeline.domain.columns import BY_NAME, column
from pipeline.domain.flags import FLAG_TEXTS

LABELS = ("teff", "logg", "m_h", "alpha_m", "a_k_fit")

_DIGITS = {
    **dict.fromkeys(("ra", "dec"), 5),
    **dict.fromkeys(("glon", "glat", "sgr_lambda", "sgr_beta", "rv", "rv_err", "rv_gaia"), 1),
    **dict.fromkeys(("rv_ca8498", "rv_ca8542", "rv_ca8662", "v_gsr", "rv_mismatch"), 1),
    **dict.fromkeys(("teff", "snr", "snr_good", "snr_ca", "j_r", "j_phi", "j_z", "j_tot", "j_sum", "energy"), 0),
    **dict.fromkeys(("v_x", "v_y", "v_z", "v_r", "v_phi", "rv_template_teff"), 0),
    **dict.fromkeys(("parallax", "pmra", "pmdec", "masked_fraction", "sgr_probability"), 3),
}
_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Identifiers",
        (
            *("obsid", "gaia_source_id", "designation", "obsid_source", "source_file"),
            *("plan_id", "spectrograph_id", "fiber_id", "lmjd", "subclass", "selection"),
        ),
    ),
    (
        "Photometry",
        (
            *("j_mag", "h_mag", "k_mag", "w1_mag", "w2_mag", "g_mag", "bp_rp"),
            *("jk", "jk0", "e_jk", "e_jk_map", "a_k", "k_abs"),
        ),
    ),
    ("Distance", ("distance", "distance_roots", "distance_geo", "distance_input", "parallax", "ruwe")),
    (
        "Space and motion",
        (
            *("ra", "dec", "glon", "glat", "pmra", "pmdec", "rv_gaia"),
            *("x_gal", "y_gal", "z_gal", "r_gal", "v_x", "v_y", "v_z", "v_r", "v_phi", "v_gsr"),
        ),
    ),
    (
        "Orbit",
        ("j_r", "j_phi", "j_z", "j_tot", "j_sum", "energy", "eccentricity", "z_max", "r_peri", "r_apo"),
    ),
    (
        "Sagittarius stream",
        (
            *("sgr_probability", "sgr_lambda", "sgr_beta"),
            *("sgr_term_sky", "sgr_term_distance", "sgr_term_velocity", "sgr_term_motion"),
        ),
    ),
    (
        "Fit and velocity",
        (
            *("snr", "snr_good", "snr_ca", "masked_fraction", "chi2_nu", "label_reason", "oddness", "oddness_reason"),
            *("rv", "rv_peak", "rv_peak_ratio", "rv_chi2_nu", "rv_template_teff", "rv_mismatch", "rv_ca_sigma"),
            *("rv_ca8498", "rv_ca8542", "rv_ca8662"),
        ),
    ),
)
_SIMBAD = "https://simbad.cds.unistra.fr/simbad/sim-coo"
_MEASURED_BY: dict[int, tuple[str, ...]] = {
    0: ("snr_good",),
    1: ("masked_fraction",),
    2: ("chi2_nu",),
    3: ("chi2_nu",),
    4: ("label_reason",),
    5: LABELS,
    6: LABELS,
    8: ("rv_ca_sigma", "rv_ca8498", "rv_ca8542", "rv_ca8662"),
    9: ("rv_peak", "rv_peak_ratio"),
    10: ("rv_template_teff",),
    11: ("jk0", "teff"),
    12: ("distance_roots", "m_h"),
    13: ("energy",),
    15: ("ruwe", "rv", "rv_gaia"),
}
"""Columns that show why a quality bit is set, by number of the bit."""


class Entry(NamedTuple):
    """One line of the card: a column's label, its value as it is read, and what it means."""

    name: str
    label: str
    text: str
    about: str


class LabelRow(NamedTuple):
    """A label with both of its errors."""

    name: str
    label: str
    unit: str
    value: str
    calibrated: str
    formal: str
    reference: str


@dataclass(frozen=True)
class StarFacts:
    """A star's card.

    Parameters
    ----------
    obsid : int
        The star.
    labels : tuple of LabelRow
        Labels with both errors.
    groups : tuple of (str, tuple of Entry)
        What is known, by subject; what is not known is left out.
    bits : tuple of str
        Quality bits in words, with the values that set them.
    in_training : bool
        Whether the label model was trained on it: its published labels are then out of fold.
    repeats : tuple of int
        Other observations of the same star.
    links : tuple of (str, str)
        Names and addresses of other services; empty for simulated stars, which nobody else has seen.
    """

    obsid: int
    labels: tuple[LabelRow, ...]
    groups: tuple[tuple[str, tuple[Entry, ...]], ...]
    bits: tuple[str, ...]
    in_training: bool
    repeats: tuple[int, ...]
    links: tuple[tuple[str, str], ...]

    def to_client(self) -> dict[str, Any]:
        """Plain values for the browser."""
        return {
            "labels": [list(row) for row in self.labels],
            "groups": [[title, [list(entry) for entry in entries]] for title, entries in self.groups],
            "bits": list(self.bits),
            "in_training": self.in_training,
            "repeats": [str(obsid) for obsid in self.repeats],
            "links": [list(link) for link in self.links],
        }


def facts_of(table: StarTable, row: int, *, simulated: bool) -> StarFacts:
    """Put a star's card together.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    row : int
        The star's row.
    simulated : bool
        Whether the stars are simulated.
    """
    groups = []
    for title, names in _GROUPS:
        entries = tuple(entry for name in names if (entry := _entry(table, row, name)) is not None)
        if entries:
            groups.append((title, entries))
    return StarFacts(
        obsid=int(table["obsid"][row]),
        labels=tuple(_label(table, row, name) for name in LABELS if np.isfinite(table.value(name, row))),
        groups=tuple(groups),
        bits=_bits(table, row),
        in_training=bool(table["in_training"][row]),
        repeats=_repeats(table, row),
        links=() if simulated else _links(table, row),
    )


def reference_of(name: str) -> str:
    """Column of a label's reference value."""
    return "a_k_ref" if name == "a_k_fit" else f"{name}_ref"


def number(name: str, value: float) -> str:
    """A value with the digits that its column deserves; "-" when it is missing."""
    if not np.isfinite(value):
        return "-"
    return f"{value:.{_DIGITS.get(name, 2)}f}" if column(name).is_float else f"{int(value)}"


def error_text(name: str, error: float) -> str:
    """An error with its value's digits, or as many more as it takes to show that it is not zero."""
    if not np.isfinite(error) or error <= 0.0:
        return number(name, error)
    return f"{error:.{max(_DIGITS.get(name, 2), int(np.ceil(-np.log10(error))))}f}"


def _entry(table: StarTable, row: int, name: str) -> Entry | None:
    if name not in BY_NAME:  # a column of a newer catalogue
        return None
    declared = column(name)
    if name in table.text_names:
        text = table.text(name, row)
        return Entry(name, declared.label, text, declared.description) if text else None
    value = table.value(name, row)
    if not np.isfinite(value) or name not in table:
        return None
    if declared.unknown is not None and value == declared.unknown:
        return None
    text = str(int(table[name][row])) if not declared.is_float else number(name, value)
    error = table.value(f"{name}_err", row)
    if np.isfinite(error):
        text += f" ± {number(name, error)}"
    low, high = table.value(f"{name}_16", row), table.value(f"{name}_84", row)
    if np.isfinite(low) and np.isfinite(high):
        text += f" ({number(name, low)} to {number(name, high)})"
    return Entry(name, declared.label, f"{text} {declared.unit_label}".strip(), declared.description)


def _label(table: StarTable, row: int, name: str) -> LabelRow:
    declared = column(name)
    return LabelRow(
        name=name,
        label=declared.label,
        unit=declared.unit,
        value=number(name, table.value(name, row)),
        calibrated=number(name, table.value(f"{name}_err", row)),
        formal=number(name, table.value(f"{name}_err_formal", row)),
        reference=number(name, table.value(reference_of(name), row)),
    )


def _bits(table: StarTable, row: int) -> tuple[str, ...]:
    quality = int(table["quality"][row])
    sentences = []
    for number_, (flag, text) in enumerate(FLAG_TEXTS.items()):
        if quality & int(flag):
            seen = [entry for name in _MEASURED_BY.get(number_, ()) if (entry := _entry(table, row, name)) is not None]
            values = ", ".join(f"{entry.label} = {entry.text}" for entry in seen)
            sentences.append(f"{text.meaning}" + (f" [{values}]" if values else ""))
    return tuple(sentences)


def _repeats(table: StarTable, row: int) -> tuple[int, ...]:
    """Other observations of the same star, where the build numbered stars."""
    if "star" not in table or int(table.value("n_obs", row) if "n_obs" in table else 2) < 2:
        return ()
    same = np.flatnonzero(table["star"] == table["star"][row])
    return tuple(int(obsid) for obsid in table["obsid"][same[same != row]])


def _links(table: StarTable, row: int) -> tuple[tuple[str, str], ...]:
    ra, dec = table.value("ra", row), table.value("dec", row)
    if not (np.isfinite(ra) and np.isfinite(dec)):
        return ()
    place = f"{ra:.6f}%20{dec:+.6f}".replace("+", "%2B")
    found = [
        ("SIMBAD", f"{_SIMBAD}?Coord={place}&Radius=5&Radius.unit=arcsec"),
        ("VizieR", f"https://vizier.cds.unistra.fr/viz-bin/VizieR-4?-c={place}&-c.rs=5"),
        ("Aladin", f"https://aladin.cds.unistra.fr/AladinLite/?target={place}&fov=0.05"),
    ]
    gaia = int(table["gaia_source_id"][row]) if "gaia_source_id" in table else 0
    if gaia > 0:
        found.append(("Gaia", f"https://vizier.cds.unistra.fr/viz-bin/VizieR-5?-source=I/355/gaiadr3&Source={gaia}"))
    if table.text("obsid_source", row) == "header":
        found.append(("LAMOST", f"https://www.lamost.org/dr9/v2.0/spectrum/view?obsid={int(table['obsid'][row])}"))
    return tuple(found)
