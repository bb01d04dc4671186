"""Columns of the label fit, and the same labels by each engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pipeline.domain.column import Column
from pipeline.domain.column import declare as _c
from pipeline.domain.label_names import ENGINES

# fmt: off
# One declaration is one entry of a table; the formatter would spread each over ten lines.
LABELS = (
    _c("teff_err_formal", "float32", "K", "stat.error;phys.temperature.effective", "σ₀(Teff)",
       "Formal uncertainty of Teff from the Fisher matrix", 0, None),
    _c("logg_err_formal", "float32", "dex", "stat.error;phys.gravity", "σ₀(log g)",
       "Formal uncertainty of log g from the Fisher matrix", 0, None),
    _c("m_h_err_formal", "float32", "dex", "stat.error;phys.abund.Z", "σ₀([M/H])",
       "Formal uncertainty of [M/H] from the Fisher matrix", 0, None),
    _c("alpha_m_err_formal", "float32", "dex", "stat.error;phys.abund", "σ₀([α/M])",
       "Formal uncertainty of [α/M] from the Fisher matrix", 0, None),
    _c("a_k_fit", "float32", "mag", "phys.absorption;em.IR.K", "A_K (fit)",
       "Extinction in Ks inferred with the labels, where spectra are not normalised", -1, 10,
       ref="a_k_ref: reference labels", places="truth"),
    _c("a_k_fit_err", "float32", "mag", "stat.error;phys.absorption", "σ(A_K fit)", "Uncertainty of a_k_fit", 0,
       None),
    _c("a_k_fit_err_formal", "float32", "mag", "stat.error;phys.absorption", "σ₀(A_K fit)",
       "Formal uncertainty of a_k_fit", 0, None),
    _c("chi2_nu", "float32", "", "stat.fit.chi2", "χ²ν", "Reduced chi-squared of the label fit", 0, None,
       card="Fit and velocity", places="table header", after="sgr_beta"),
    _c("label_reason", "str", "", "meta.note", "fit ended", "Reason why the label fit ended", card="Fit and velocity"),
    _c("teff_ref", "float32", "K", "phys.temperature.effective", "Teff (ref)", "Reference Teff (APOGEE)", 2000,
       10000),
    _c("logg_ref", "float32", "dex", "phys.gravity", "log g (ref)", "Reference log g (APOGEE)", -2, 6),
    _c("m_h_ref", "float32", "dex", "phys.abund.Z", "[M/H] (ref)", "Reference [M/H] (APOGEE)", -5, 2),
    _c("alpha_m_ref", "float32", "dex", "phys.abund", "[α/M] (ref)", "Reference [α/M] (APOGEE)", -1, 1.5),
    _c("teff_ref_err", "float32", "K", "stat.error;phys.temperature.effective", "σ(Teff ref)",
       "Uncertainty of teff_ref", 0, None),
    _c("logg_ref_err", "float32", "dex", "stat.error;phys.gravity", "σ(log g ref)", "Uncertainty of logg_ref", 0,
       None),
    _c("m_h_ref_err", "float32", "dex", "stat.error;phys.abund.Z", "σ([M/H] ref)", "Uncertainty of m_h_ref", 0, None),
    _c("alpha_m_ref_err", "float32", "dex", "stat.error;phys.abund", "σ([α/M] ref)", "Uncertainty of alpha_m_ref", 0,
       None),
    _c("a_k_ref", "float32", "mag", "phys.absorption;em.IR.K", "A_K (ref)", "Reference A_K (APOGEE targeting)", -1,
       10,
       alias="AK_TARG, ak_targ"),
    _c("rv_ref", "float32", "km/s", "spect.dopplerVeloc", "RV (ref)",
       "Reference radial velocity (APOGEE), barycentric mean of its visits", -1500, 1500,
       alias="VHELIO_AVG", places="velocity", after="rv_gaia"),
    _c("rv_ref_err", "float32", "km/s", "stat.error;spect.dopplerVeloc", "σ(RV ref)", "Uncertainty of rv_ref", 0,
       None, alias="VERR"),
    _c("rv_ref_scatter", "float32", "km/s", "stat.stdev;spect.dopplerVeloc", "scatter(RV ref)",
       "Scatter of rv_ref between visits: large for binaries", 0, None, alias="VSCATTER"),
    _c("snr_ref", "float32", "", "stat.snr", "S/N (ref)", "Signal-to-noise ratio of the reference spectrum"),
    _c("ref_label_flags", "int64", "", "meta.code.qual", "label flags (ref)",
       "Quality bits of the reference labels as published (APOGEE: ASPCAPFLAG)", unknown=0, alias="ASPCAPFLAG"),
    _c("ref_star_flags", "int64", "", "meta.code.qual", "star flags (ref)",
       "Quality bits of the reference spectrum as published (APOGEE: STARFLAG)", unknown=0, alias="STARFLAG"),
    _c("ref_bad", "bool", "", "meta.code.qual", "bad (ref)",
       "Whether the reference's flags mark labels or velocity as bad; such a star is not used for training"),
    _c("m_h_input", "float32", "dex", "phys.abund.Z", "[M/H] (input)", "Metallicity given by the input table", -5, 2,
       places="first"),
)
"""The label fit and the reference labels."""
# fmt: on


def by_engine(declared: Iterable[Column]) -> tuple[Column, ...]:
    """Labels of each engine beside the published ones, and how far the engines disagree."""
    known = {column.name: column for column in declared}
    names = tuple(name for name in known if f"{name}_err_formal" in known)
    columns = []
    for engine, called in ENGINES.items():
        for name in names:
            label, error = known[name], known[f"{name}_err"]
            title = f"{label.label} ({called})"
            columns += [
                replace(
                    label,
                    name=f"{name}_{engine}",
                    label=title,
                    description=f"{label.label} by the {called} alone",
                    card="Labels by engine",
                    references=(),
                ),
                replace(
                    error,
                    name=f"{name}_{engine}_err",
                    label=f"σ({title})",
                    description=f"Uncertainty of {name}_{engine}, calibrated",
                ),
            ]
    disagreement = _c(
        *("label_disagreement", "float32", "", "stat.value", "engines apart"),
        "Root-mean-square difference of the labels of SLAM and of the networks, in standard deviations",
        *(0, None),
        card="Labels by engine",
    )
    return (
        *(replace(column, paper_name="", aliases=(), synonyms=(), nullable=True, places=()) for column in columns),
        disagreement,
    )
