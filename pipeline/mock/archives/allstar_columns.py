"""Columns of APOGEE's allStar of DR17 (synspec_rev1), in file order.

From the SDSS data model, product allStar, release DR17.

The real file states no units.
"""

from __future__ import annotations

from pipeline.mock.archives.files import Field

N_PARAMETERS, N_ELEMENTS, N_GRIDS, N_VISITS = 9, 27, 21, 100
"""Sizes of the array columns: stellar parameters, elements, grids, visits."""

ELEMENTS = (
    *("C", "CI", "N", "O", "NA", "MG", "AL", "SI", "P", "S", "K", "CA", "TI", "TIII", "V", "CR", "MN"),
    *("FE", "CO", "NI", "CU", "CE", "YB"),
)
"""Elements with separate columns: [X/Fe], and [Fe/H]."""

UNCALIBRATED_MAGNITUDES = (
    *("WASH_M", "WASH_M_ERR", "WASH_T2", "WASH_T2_ERR", "DDO51", "DDO51_ERR"),
    *(f"IRAC_{band}{end}" for band in ("3_6", "4_5", "5_8", "8_0") for end in ("", "_ERR")),
    *("WISE_4_5", "WISE_4_5_ERR", "TARG_4_5", "TARG_4_5_ERR"),
)
"""Magnitudes of other surveys, 99 if missing."""


def _named(form: str, *names: str) -> tuple[Field, ...]:
    return tuple(Field(name, form) for name in names)


def abundance(element: str) -> str:
    """Column of an element's abundance."""
    return "FE_H" if element == "FE" else f"{element}_FE"


_SQUARE = (f"{N_PARAMETERS**2}E", f"({N_PARAMETERS},{N_PARAMETERS})")
_ELEMENT_ARRAY = f"{N_ELEMENTS}E"

ALLSTAR_FIELDS: tuple[Field, ...] = (
    *(Field("FILE", "64A"), Field("APOGEE_ID", "30A"), Field("TARGET_ID", "58A"), Field("APSTAR_ID", "71A")),
    *(Field("ASPCAP_ID", "77A"), Field("TELESCOPE", "6A"), Field("LOCATION_ID", "J"), Field("FIELD", "20A")),
    *(Field("ALT_ID", "30A"), *_named("D", "RA", "DEC", "GLON", "GLAT")),
    *_named("E", "J", "J_ERR", "H", "H_ERR", "K", "K_ERR"),
    *(Field("SRC_H", "16A"), *_named("E", *UNCALIBRATED_MAGNITUDES)),
    *_named("J", "WASH_DDO51_GIANT_FLAG", "WASH_DDO51_STAR_FLAG"),
    *(*_named("E", "TARG_PMRA", "TARG_PMDEC"), Field("TARG_PM_SRC", "16A"), Field("AK_TARG", "E")),
    *(Field("AK_TARG_METHOD", "32A"), *_named("E", "AK_WISE", "SFD_EBV")),
    *_named("J", "APOGEE_TARGET1", "APOGEE_TARGET2", *(f"APOGEE2_TARGET{number}" for number in range(1, 5))),
    *(Field("TARGFLAGS", "132A"), Field("SURVEY", "32A"), Field("PROGRAMNAME", "32A"), Field("NVISITS", "J")),
    *(*_named("E", "SNR", "SNREV"), Field("STARFLAG", "K"), Field("STARFLAGS", "132A"), Field("ANDFLAG", "K")),
    *(Field("ANDFLAGS", "132A"), *_named("E", "VHELIO_AVG", "VSCATTER", "VERR", "RV_TEFF", "RV_LOGG", "RV_FEH")),
    *_named("E", "RV_ALPHA", "RV_CARB", "RV_CHI2", "RV_CCFWHM", "RV_AUTOFWHM"),
    *_named("J", "RV_FLAG", "N_COMPONENTS"),
    *_named("E", "MEANFIB", "SIGFIB", "MIN_H", "MAX_H", "MIN_JK", "MAX_JK"),
    Field("GAIAEDR3_SOURCE_ID", "K"),
    *_named("E", *(f"GAIAEDR3_{name}{end}" for name in ("PARALLAX", "PMRA", "PMDEC") for end in ("", "_ERROR"))),
    *_named("E", *(f"GAIAEDR3_PHOT_{band}_MEAN_MAG" for band in ("G", "BP", "RP"))),
    *_named("E", "GAIAEDR3_DR2_RADIAL_VELOCITY", "GAIAEDR3_DR2_RADIAL_VELOCITY_ERROR"),
    *_named("E", *(f"GAIAEDR3_R_{part}_{kind}" for kind in ("GEO", "PHOTOGEO") for part in ("MED", "LO", "HI"))),
    Field("ASPCAP_GRID", "8A"),
    Field("FPARAM_GRID", f"{N_GRIDS * N_PARAMETERS}E", dim=f"({N_PARAMETERS},{N_GRIDS})"),
    *(Field("CHI2_GRID", f"{N_GRIDS}E"), Field("FPARAM", f"{N_PARAMETERS}E")),
    *(Field("FPARAM_COV", _SQUARE[0], dim=_SQUARE[1]), Field("ASPCAP_CHI2", "E"), Field("PARAM", f"{N_PARAMETERS}E")),
    *(Field("PARAM_COV", _SQUARE[0], dim=_SQUARE[1]), Field("PARAMFLAG", f"{N_PARAMETERS}K")),
    *(Field("ASPCAPFLAG", "K"), Field("ASPCAPFLAGS", "256A")),
    *_named("E", "FRAC_BADPIX", "FRAC_LOWSNR", "FRAC_SIGSKY"),
    *(Field("FELEM", _ELEMENT_ARRAY), Field("FELEM_ERR", f"{N_ELEMENTS}D")),
    *_named(_ELEMENT_ARRAY, "X_H", "X_H_ERR", "X_M", "X_M_ERR", "ELEM_CHI2", "ELEMFRAC"),
    *(Field("ELEMFLAG", f"{N_ELEMENTS}K"), Field("EXTRATARG", "J"), Field("MEMBERFLAG", "K"), Field("MEMBER", "10A")),
    *_named(_ELEMENT_ARRAY, "X_H_SPEC", "X_M_SPEC"),
    *_named("E", *(f"{name}{end}" for name in ("TEFF", "LOGG", "M_H", "ALPHA_M") for end in ("", "_ERR"))),
    *_named("E", "VMICRO", "VMACRO", "VSINI", "TEFF_SPEC", "LOGG_SPEC"),
    *(
        Field(f"{abundance(element)}{end}", form)
        for element in ELEMENTS
        for end, form in (("", "E"), ("_SPEC", "E"), ("_ERR", "E"), ("_FLAG", "J"))
    ),
    Field("VISIT_PK", f"{N_VISITS}J"),
)
