"""Columns of quality, and what freezing a release adds."""

from __future__ import annotations

from pipeline.domain.column import Column
from pipeline.domain.column import declare as _c
from pipeline.domain.flags import ALL_BITS

# fmt: off
# One declaration is one entry of a table; the formatter would spread each over ten lines.
QUALITY = (
    _c("quality", "int32", "", "meta.code.qual", "quality", "Quality bits, 0 is good (see the glossary of bits)", 0,
       ALL_BITS, nullable=False, places="table", after="oddness"),
    _c("oddness", "float32", "", "stat.rank", "oddness",
       "Oddness: how rare such a star is, from 0 up; 3 means one in a thousand (-log10 of the tail probability)",
       0, None, card="Fit and velocity", places="table trend"),
    _c("oddness_reason", "str", "", "meta.note", "odd for", "Evidence with the largest contribution to the oddness",
       card="Fit and velocity"),
)
"""Quality bits and oddness."""
# fmt: on

RELEASE_COLUMNS: tuple[Column, ...] = (
    Column(
        *("vet_flag", "int16", "", "meta.code.qual", "Verdict"),
        "Verdict of the vetting, 0 to 9 as the campaign defines it; -1 without an agreed or adjudicated verdict",
        *("Vetting", -1, 9),
    ),
    Column(
        *("vet_issues", "str", "", "meta.note", "Issues"),
        "Issues that the inspectors or the adjudicator reported, separated by commas",
        "Vetting",
    ),
    Column(
        *("vet_n", "int16", "", "meta.number;obs", "Reviews"),
        "Number of blind reviews behind the verdict",
        *("Vetting", 0),
    ),
    Column(
        *("vet_agreement", "float32", "", "stat.fit.goodness", "Agreement"),
        "Fraction of the pairs of reviews that agree, NaN with fewer than two reviews",
        *("Vetting", 0, 1),
    ),
    Column(
        *("vet_status", "str", "", "meta.code.status", "Vetting status"),
        "incomplete, agreed, conflict, adjudicated; outdated when the fit changed since; empty without a review",
        "Vetting",
    ),
    Column(*("vet_release", "str", "", "meta.version", "Release"), "Name of the frozen release", "Vetting"),
)
"""What freezing a release adds beside the catalogue's own columns."""
