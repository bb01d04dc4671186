"""The catalogue's columns, each declared once.

A :class:`Column` drives writing, checking, axis labels, sliders, the glossary, export units and UCDs. The first
sixteen are Table A1 of Qiu et al. (2023), under names that every tool can type; ``paper_name`` keeps the printed one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches

from pipeline.domain.column import Column, DType
from pipeline.domain.flags import ALL_BITS


def _c(
    name: str,
    dtype: DType,
    unit: str,
    ucd: str,
    label: str,
    description: str,
    low: float | None = None,
    high: float | None = None,
    *,
    paper: str = "",
    nullable: bool = True,
    unknown: int | None = None,
    alias: str = "",
) -> Column:
    aliases = tuple(part.strip() for part in alias.split(",") if part.strip())
    return Column(name, dtype, unit, ucd, label, description, "", low, high, paper, nullable, unknown, aliases)


# fmt: off
# One declaration is one entry of a table; the formatter would spread each over ten lines.
_TABLE_A1 = (
    _c("obsid", "int64", "", "meta.id;meta.main", "obsid", "LAMOST observation id", 1, None, paper="obsid",
       nullable=False,
       alias="OBSID, ObsID, lamost_obsid, combined_obsid"),
    _c("gaia_source_id", "int64", "", "meta.id.cross", "Gaia source id", "Gaia DR3 source id, 0 when none matched", 0,
       None, paper="gaia_source_id", unknown=0,
       alias="source_id, SOURCE_ID, GAIAEDR3_SOURCE_ID, gaiaedr3_source_id, gaia_dr3_source_id, GaiaDR3, "
             "gaia_dr3, source_id_1"),
    _c("ra", "float64", "deg", "pos.eq.ra;meta.main", "RA", "Right ascension, ICRS", 0, 360, paper="ra",
       alias="RA, RAJ2000, RA_ICRS, _RAJ2000, RAdeg, ra_deg, s_ra, ra_gaia, _ra"),
    _c("dec", "float64", "deg", "pos.eq.dec;meta.main", "Dec", "Declination, ICRS", -90, 90, paper="dec",
       alias="DEC, Dec, DEJ2000, DE_ICRS, _DEJ2000, DEdeg, dec_deg, s_dec, dec_gaia, _de"),
    _c("snr", "float32", "", "stat.snr", "S/N", "Mean signal-to-noise ratio over all pixels of the LAMOST spectrum",
       paper="SNR"),
    _c("m_h", "float32", "dex", "phys.abund.Z", "[M/H]", "Metallicity from SLAM", -5, 2, paper="[M/H]",
       alias="M_H, MH, M/H, Fe/H, [Fe/H], FE_H, fe_h, feh"),
    _c("m_h_err", "float32", "dex", "stat.error;phys.abund.Z", "σ([M/H])", "Uncertainty of [M/H], calibrated", 0,
       None, paper="[M/H]_err",
       alias="[M/H]_err, M_H_err, M/H_err, MH_err"),
    _c("teff", "float32", "K", "phys.temperature.effective", "Teff", "Effective temperature from SLAM", 2000, 10000,
       paper="T_eff",
       alias="T_eff, Teff, TEFF"),
    _c("teff_err", "float32", "K", "stat.error;phys.temperature.effective", "σ(Teff)",
       "Uncertainty of Teff, calibrated", 0, None, paper="T_eff_err",
       alias="T_eff_err"),
    _c("logg", "float32", "dex", "phys.gravity", "log g", "Surface gravity (cgs) from SLAM", -2, 6, paper="log g",
       alias="log g, log_g, LOGG"),
    _c("logg_err", "float32", "dex", "stat.error;phys.gravity", "σ(log g)", "Uncertainty of log g, calibrated", 0,
       None, paper="log g_err",
       alias="log g_err, log_g_err"),
    _c("alpha_m", "float32", "dex", "phys.abund", "[α/M]", "Alpha abundance from SLAM", -1, 1.5, paper="[alpha/M]",
       alias="[alpha/M], [a/M], ALPHA_M, alpha/M"),
    _c("alpha_m_err", "float32", "dex", "stat.error;phys.abund", "σ([α/M])", "Uncertainty of [α/M], calibrated", 0,
       None, paper="[alpha/M]_err",
       alias="[alpha/M]_err, [a/M]_err, alpha/M_err"),
    _c("rv", "float32", "km/s", "spect.dopplerVeloc.opt;em.opt.I", "RV", "Heliocentric radial velocity, 8000-8950 Å",
       -1500, 1500, paper="rv"),
    _c("rv_err", "float32", "km/s", "stat.error;spect.dopplerVeloc.opt", "σ(RV)",
       "Uncertainty of the radial velocity, scaled by what repeat observations show", 0, None, paper="rv_err"),
    _c("distance", "float32", "kpc", "pos.distance", "d", "Distance from the Sun, median of the Monte Carlo draws", 0,
       None, paper="Distance",
       alias="Distance"),
)

_IDENTITY = (
    _c("obsid_source", "str", "", "meta.note", "obsid from",
       "How the identifier was obtained: header, filename, table"),
    _c("source_file", "str", "", "meta.file", "file", "File or table that the row was read from"),
    _c("uid", "str", "", "meta.id", "uid", "LAMOST identifier of the target (DR8 on): repeat observations share it"),
    _c("gaia_dr2_source_id", "int64", "", "meta.id.cross", "Gaia DR2 id",
       "Gaia DR2 source id, 0 when none is known; its numbering is not DR3's", 0, None, unknown=0,
       alias="GaiaDR2, gaia_dr2"),
    _c("tmass_id", "str", "", "meta.id.cross", "2MASS id", "2MASS designation, HHMMSSss+DDMMSSs",
       alias="2MASS, 2MASS_ID, tmass, original_psc_source_id"),
    _c("allwise_id", "str", "", "meta.id.cross", "AllWISE id", "AllWISE designation", alias="AllWISE"),
    _c("apogee_id", "str", "", "meta.id.cross", "APOGEE id", "APOGEE identifier of the reference star",
       alias="APOGEE_ID, sdss4_apogee_id, APOGEE"),
    _c("designation", "str", "", "meta.id", "name", "Designation in the input survey",
       alias="desig"),
    _c("plan_id", "str", "", "meta.id;obs", "plate", "LAMOST plate (PLANID)",
       alias="planid, PLANID"),
    _c("spectrograph_id", "int16", "", "meta.id;instr", "spectrograph", "LAMOST spectrograph, 1-16; 0 unknown", 0,
       16, unknown=0,
       alias="spid, SPID"),
    _c("fiber_id", "int16", "", "meta.id;instr", "fibre", "LAMOST fibre, 1-250; 0 unknown", 0, 4000,
       unknown=0,
       alias="fiberid, FIBERID"),
    _c("lmjd", "int32", "d", "time.epoch;obs", "LMJD", "Local modified Julian day of the observation; 0 unknown", 0,
       99_999, unknown=0,
       alias="LMJD"),
    _c("object_class", "str", "", "src.class", "object class",
       "Class given by the input survey: STAR, GALAXY, QSO or Unknown", alias="class, CLASS, Class, combined_class"),
    _c("subclass", "str", "", "src.spType", "class", "Spectral class given by the input survey",
       alias="subClass, SubClass, SUBCLASS, SpType"),
    _c("rv_input", "float32", "km/s", "spect.dopplerVeloc.opt", "RV (input)",
       "Radial velocity given by the input (header redshift or table)", -1500, 1500,
       alias="rv, RV, HRV, vlos, v_rad, rv_helio"),
    _c("star", "int64", "", "meta.id", "star", "Number of the star: observations of one star share it", 0, None),
    _c("n_obs", "int16", "", "meta.number;obs", "observations", "Observations of the star in this catalogue", 1, None),
    _c("selected", "bool", "", "meta.code", "M giant", "Whether the selection keeps the star as an M giant"),
    _c("selection", "str", "", "meta.note", "selection",
       "Cuts that the star passed, or the one that dropped it and why"),
    _c("in_training", "bool", "", "meta.code", "training", "Whether the star trained the label model",
       nullable=False),
)

_SPECTRUM = (
    _c("snr_good", "float32", "", "stat.snr", "S/N (good)", "Mean S/N over unmasked pixels of the fitted range"),
    _c("snr_ca", "float32", "", "stat.snr;em.opt.I", "S/N (8000-8950 Å)",
       "Mean S/N over unmasked pixels, 8000-8950 Å"),
    _c("masked_fraction", "float32", "", "arith.ratio", "masked", "Fraction of masked pixels in the fitted range", 0,
       1),
    _c("tio5", "float32", "", "spect.index", "TiO5", "Band ratio TiO5 (Reid et al. 1995)",
       alias="TiO5, TIO5"),
    _c("cah2", "float32", "", "spect.index", "CaH2", "Band ratio CaH2 (Reid et al. 1995)",
       alias="CaH2, CAH2"),
    _c("cah3", "float32", "", "spect.index", "CaH3", "Band ratio CaH3 (Reid et al. 1995)",
       alias="CaH3, CAH3"),
    _c("cah_sum", "float32", "", "spect.index", "CaH2 + CaH3", "Sum of the band ratios CaH2 and CaH3"),
    _c("rv_peak", "float32", "", "stat.correlation", "CCF peak", "Height of the highest CCF peak", -1, 1),
    _c("rv_peak_ratio", "float32", "", "arith.ratio", "second peak", "Second CCF peak over the highest", -1, 1),
    _c("rv_template_teff", "float32", "K", "phys.temperature.effective", "template Teff",
       "Effective temperature of the best velocity template", 2000, 10000),
    _c("rv_chi2_nu", "float32", "", "stat.fit.chi2", "χ²ν (RV)", "Reduced chi-squared of the velocity fit", 0, None),
    _c("rv_mismatch", "float32", "km/s", "stat.error;spect.dopplerVeloc.opt", "σ(template)",
       "Part of rv_err from how far the best templates disagree", 0, None),
    _c("rv_ca8498", "float32", "km/s", "spect.dopplerVeloc.opt", "RV (8498)", "Velocity of the Ca II line 8498 Å alone",
       -1500, 1500),
    _c("rv_ca8498_err", "float32", "km/s", "stat.error;spect.dopplerVeloc.opt", "σ(RV 8498)",
       "Uncertainty of rv_ca8498", 0, None),
    _c("rv_ca8542", "float32", "km/s", "spect.dopplerVeloc.opt", "RV (8542)", "Velocity of the Ca II line 8542 Å alone",
       -1500, 1500),
    _c("rv_ca8542_err", "float32", "km/s", "stat.error;spect.dopplerVeloc.opt", "σ(RV 8542)",
       "Uncertainty of rv_ca8542", 0, None),
    _c("rv_ca8662", "float32", "km/s", "spect.dopplerVeloc.opt", "RV (8662)", "Velocity of the Ca II line 8662 Å alone",
       -1500, 1500),
    _c("rv_ca8662_err", "float32", "km/s", "stat.error;spect.dopplerVeloc.opt", "σ(RV 8662)",
       "Uncertainty of rv_ca8662", 0, None),
    _c("rv_ca_sigma", "float32", "", "arith.ratio", "Ca II disagreement",
       "Largest difference of two Ca II line velocities over its uncertainty", 0, None),
    _c("rv_formal_err", "float32", "km/s", "stat.error;spect.dopplerVeloc.opt", "σ₀(RV)",
       "Formal uncertainty of rv, from the spectrum alone", 0, None),
    _c("rv_blue", "float32", "km/s", "spect.dopplerVeloc.opt;em.opt.B", "RV (blue arm)",
       "Velocity of the blue arm alone, 4600-5560 Å", -1500, 1500),
    _c("rv_blue_err", "float32", "km/s", "stat.error;spect.dopplerVeloc.opt", "σ(RV blue)", "Uncertainty of rv_blue",
       0, None),
    _c("rv_red", "float32", "km/s", "spect.dopplerVeloc.opt;em.opt.I", "RV (red arm)",
       "Velocity of the red arm alone, before any zero point is subtracted", -1500, 1500),
    _c("rv_red_err", "float32", "km/s", "stat.error;spect.dopplerVeloc.opt", "σ(RV red)", "Uncertainty of rv_red",
       0, None),
    _c("rv_offset", "float32", "km/s", "spect.dopplerVeloc.opt;arith.diff", "RV offset",
       "Offset of the velocities of its plate, spectrograph and night from the reference velocities", -1500, 1500),
    _c("rv_offset_err", "float32", "km/s", "stat.error;spect.dopplerVeloc.opt", "σ(RV offset)",
       "Uncertainty of rv_offset", 0, None),
    _c("rv_zero_point", "float32", "km/s", "spect.dopplerVeloc.opt;arith.diff", "RV zero point",
       "Subtracted from the measured velocity: offset of its plate or spectrograph", -200, 200),
)

_LABELS = (
    _c("teff_err_formal", "float32", "K", "stat.error;phys.temperature.effective", "σ₀(Teff)",
       "Formal uncertainty of Teff from the Fisher matrix", 0, None),
    _c("logg_err_formal", "float32", "dex", "stat.error;phys.gravity", "σ₀(log g)",
       "Formal uncertainty of log g from the Fisher matrix", 0, None),
    _c("m_h_err_formal", "float32", "dex", "stat.error;phys.abund.Z", "σ₀([M/H])",
       "Formal uncertainty of [M/H] from the Fisher matrix", 0, None),
    _c("alpha_m_err_formal", "float32", "dex", "stat.error;phys.abund", "σ₀([α/M])",
       "Formal uncertainty of [α/M] from the Fisher matrix", 0, None),
    _c("a_k_fit", "float32", "mag", "phys.absorption;em.IR.K", "A_K (fit)",
       "Extinction in Ks inferred with the labels, where spectra are not normalised", -1, 10),
    _c("a_k_fit_err", "float32", "mag", "stat.error;phys.absorption", "σ(A_K fit)", "Uncertainty of a_k_fit", 0,
       None),
    _c("a_k_fit_err_formal", "float32", "mag", "stat.error;phys.absorption", "σ₀(A_K fit)",
       "Formal uncertainty of a_k_fit", 0, None),
    _c("chi2_nu", "float32", "", "stat.fit.chi2", "χ²ν", "Reduced chi-squared of the label fit", 0, None),
    _c("label_reason", "str", "", "meta.note", "fit ended", "How the label fit ended"),
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
       alias="VHELIO_AVG"),
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
       "Whether the reference's own flags say that labels or velocity are bad; such a star does not train"),
    _c("m_h_input", "float32", "dex", "phys.abund.Z", "[M/H] (input)", "Metallicity given by the input table", -5, 2),
)

_PHOTOMETRY = (
    _c("j_mag", "float32", "mag", "phot.mag;em.IR.J", "J", "2MASS J magnitude", -5, 25,
       alias="j_m, Jmag, J, Jmag_2mass, JMAG"),
    _c("j_mag_err", "float32", "mag", "stat.error;phot.mag;em.IR.J", "σ(J)", "Uncertainty of J", 0, None,
       alias="j_msigcom, j_cmsig, e_Jmag, J_ERR, e_Jmag_2mass"),
    _c("h_mag", "float32", "mag", "phot.mag;em.IR.H", "H", "2MASS H magnitude", -5, 25,
       alias="h_m, Hmag, H, Hmag_2mass, HMAG"),
    _c("h_mag_err", "float32", "mag", "stat.error;phot.mag;em.IR.H", "σ(H)", "Uncertainty of H", 0, None,
       alias="h_msigcom, h_cmsig, e_Hmag, H_ERR, e_Hmag_2mass"),
    _c("k_mag", "float32", "mag", "phot.mag;em.IR.K", "Ks", "2MASS Ks magnitude", -5, 25,
       alias="ks_m, k_m, Kmag, K, Ks, ks_mag, Ksmag, Kmag_2mass, KMAG"),
    _c("k_mag_err", "float32", "mag", "stat.error;phot.mag;em.IR.K", "σ(Ks)", "Uncertainty of Ks", 0, None,
       alias="ks_msigcom, k_msigcom, k_cmsig, e_Kmag, K_ERR, e_Kmag_2mass"),
    _c("w1_mag", "float32", "mag", "phot.mag;em.IR.3-4um", "W1", "WISE W1 magnitude", -5, 25,
       alias="w1mpro, W1mag, W1mag_wise"),
    _c("w1_mag_err", "float32", "mag", "stat.error;phot.mag;em.IR.3-4um", "σ(W1)", "Uncertainty of W1", 0, None,
       alias="w1mpro_error, w1sigmpro, e_W1mag, e_W1mag_wise"),
    _c("w2_mag", "float32", "mag", "phot.mag;em.IR.4-8um", "W2", "WISE W2 magnitude", -5, 25,
       alias="w2mpro, W2mag, W2mag_wise"),
    _c("w2_mag_err", "float32", "mag", "stat.error;phot.mag;em.IR.4-8um", "σ(W2)", "Uncertainty of W2", 0, None,
       alias="w2mpro_error, w2sigmpro, e_W2mag, e_W2mag_wise"),
    _c("ph_qual", "str", "", "meta.code.qual;phot", "2MASS quality",
       "2MASS photometric quality of J, H and Ks, a letter each: A best, U upper limit, X none", alias="Qflg"),
    _c("ph_qual_wise", "str", "", "meta.code.qual;phot", "WISE quality",
       "AllWISE photometric quality of W1 to W4, a letter each", alias="qph"),
    _c("g_mag", "float32", "mag", "phot.mag;em.opt", "G", "Gaia G magnitude", -5, 25,
       alias="phot_g_mean_mag, Gmag, GAIAEDR3_PHOT_G_MEAN_MAG, gaiaedr3_phot_g_mean_mag, gaia_g_mean_mag"),
    _c("bp_rp", "float32", "mag", "phot.color;em.opt.B;em.opt.R", "BP - RP", "Gaia colour BP - RP", -2, 12,
       alias="BP-RP"),
    _c("jk", "float32", "mag", "phot.color;em.IR.J;em.IR.K", "J - Ks", "2MASS colour J - Ks, as observed", -2, 10),
    _c("jk0", "float32", "mag", "phot.color;em.IR.J;em.IR.K", "(J - Ks)₀", "2MASS colour J - Ks, de-reddened", -3,
       10),
    _c("k0_mag", "float32", "mag", "phot.mag;em.IR.K", "Ks,0", "2MASS Ks magnitude, de-reddened", -9, 25),
)

_ASTROMETRY = (
    _c("glon", "float64", "deg", "pos.galactic.lon", "l", "Galactic longitude", 0, 360,
       alias="GLON, gal_l"),
    _c("glat", "float64", "deg", "pos.galactic.lat", "b", "Galactic latitude", -90, 90,
       alias="GLAT, gal_b"),
    _c("parallax", "float32", "mas", "pos.parallax", "ϖ", "Gaia parallax",
       -1000, 1000,
       alias="Plx, plx, GAIAEDR3_PARALLAX"),
    _c("parallax_err", "float32", "mas", "stat.error;pos.parallax", "σ(ϖ)", "Uncertainty of the parallax", 0, None,
       alias="parallax_error, e_Plx, GAIAEDR3_PARALLAX_ERROR"),
    _c("pmra", "float32", "mas/yr", "pos.pm;pos.eq.ra", "μα*", "Gaia proper motion in RA, times cos(Dec)",
       -20_000, 20_000,
       alias="pmRA, GAIAEDR3_PMRA"),
    _c("pmra_err", "float32", "mas/yr", "stat.error;pos.pm;pos.eq.ra", "σ(μα*)", "Uncertainty of pmra", 0, None,
       alias="pmra_error, e_pmRA, GAIAEDR3_PMRA_ERROR"),
    _c("pmdec", "float32", "mas/yr", "pos.pm;pos.eq.dec", "μδ", "Gaia proper motion in Dec",
       -20_000, 20_000,
       alias="pmDE, pmde, GAIAEDR3_PMDEC"),
    _c("pmra_pmdec_corr", "float32", "", "stat.correlation", "ρ(μ)", "Correlation of pmra and pmdec", -1, 1,
       alias="pmRApmDEcor"),
    _c("pmdec_err", "float32", "mas/yr", "stat.error;pos.pm;pos.eq.dec", "σ(μδ)", "Uncertainty of pmdec", 0, None,
       alias="pmdec_error, e_pmDE, GAIAEDR3_PMDEC_ERROR"),
    _c("ruwe", "float32", "", "stat.error", "RUWE", "Gaia renormalised unit weight error", 0, None,
       alias="RUWE"),
    _c("rv_gaia", "float32", "km/s", "spect.dopplerVeloc.opt", "RV (Gaia)", "Gaia radial velocity", -1500, 1500,
       alias="radial_velocity, dr2_radial_velocity"),
    _c("rv_gaia_err", "float32", "km/s", "stat.error;spect.dopplerVeloc.opt", "σ(RV Gaia)", "Uncertainty of rv_gaia",
       0, None,
       alias="radial_velocity_error, dr2_radial_velocity_error"),
    _c("distance_geo_16", "float32", "kpc", "stat.error;pos.distance", "d₁₆ (geo)",
       "16th percentile of distance_geo", 0, None, alias="r_lo_geo, b_rgeo, GAIAEDR3_R_LO_GEO"),
    _c("distance_geo_84", "float32", "kpc", "stat.error;pos.distance", "d₈₄ (geo)",
       "84th percentile of distance_geo", 0, None, alias="r_hi_geo, B_rgeo, GAIAEDR3_R_HI_GEO"),
    _c("distance_geo", "float32", "kpc", "pos.distance", "d (geo)", "Geometric distance from the parallax", 0, None,
       alias="r_med_geo, rgeo, GAIAEDR3_R_MED_GEO"),
)

_DISTANCE = (
    _c("distance_16", "float32", "kpc", "stat.error;pos.distance", "d₁₆", "16th percentile of the distance", 0, None),
    _c("distance_84", "float32", "kpc", "stat.error;pos.distance", "d₈₄", "84th percentile of the distance", 0, None),
    _c("distance_from", "str", "", "meta.note", "distance from",
       "Where the distance comes from: photometric (Eq. 8), catalogue, input, geometric or parallax"),
    _c("distance_roots", "int16", "", "meta.number", "roots", "Number of distances that solve Eq. 8; -1 not tried",
       -1, None, unknown=-1),
    _c("k_abs", "float32", "mag", "phot.mag;em.IR.K;phys.magAbs", "M_K", "Absolute magnitude in Ks", -15, 15),
    _c("a_k", "float32", "mag", "phys.absorption;em.IR.K", "A_K", "Extinction in Ks, median of the Monte Carlo draws",
       0, None),
    _c("e_jk", "float32", "mag", "phot.color.excess", "E(J-Ks)",
       "Reddening A_J - A_K, median of the Monte Carlo draws", 0, None),
    _c("e_jk_map", "float32", "mag", "phot.color.excess", "E(J-Ks) (map)",
       "Reddening A_J - A_K of the dust map alone at the distance", 0, None),
    _c("distance_input", "float32", "kpc", "pos.distance", "d (input)", "Distance given by the input table", 0, None,
       alias="dist, d, distance_in"),
)

_KINEMATICS = (
    _c("x_gal", "float32", "kpc", "pos.cartesian.x;pos.galactocentric", "X",
       "Galactocentric X, right-handed, Sun at X = -R0"),
    _c("y_gal", "float32", "kpc", "pos.cartesian.y;pos.galactocentric", "Y",
       "Galactocentric Y, towards the Sun's rotation"),
    _c("z_gal", "float32", "kpc", "pos.cartesian.z;pos.galactocentric", "Z", "Height above the Galactic plane"),
    _c("x_helio", "float32", "kpc", "pos.cartesian.x", "X☉", "Heliocentric X towards the Galactic centre (Figure 8)"),
    _c("r_gal", "float32", "kpc", "pos.distance;pos.galactocentric", "R", "Cylindrical Galactocentric radius", 0,
       None),
    _c("v_x", "float32", "km/s", "phys.veloc;pos.cartesian.x", "V_X", "Galactocentric velocity along X"),
    _c("v_y", "float32", "km/s", "phys.veloc;pos.cartesian.y", "V_Y", "Galactocentric velocity along Y"),
    _c("v_z", "float32", "km/s", "phys.veloc;pos.cartesian.z", "V_Z", "Galactocentric velocity along Z"),
    _c("v_r", "float32", "km/s", "phys.veloc", "V_R", "Velocity away from the Galactic axis"),
    _c("v_phi", "float32", "km/s", "phys.veloc.rotat", "V_φ", "Rotation velocity, positive with the disc"),
    _c("j_r", "float32", "kpc km/s", "phys.angMomentum", "J_R", "Radial action", 0, None),
    _c("j_phi", "float32", "kpc km/s", "phys.angMomentum", "J_φ",
       "Azimuthal action = L_z, positive with the disc's rotation"),
    _c("j_z", "float32", "kpc km/s", "phys.angMomentum", "J_z", "Vertical action", 0, None),
    _c("j_tot", "float32", "kpc km/s", "phys.angMomentum", "J_tot", "sqrt(J_R² + J_φ² + J_z²)", 0, None),
    _c("j_sum", "float32", "kpc km/s", "phys.angMomentum", "J_sum", "J_R + J_z + |J_φ|", 0, None),
    _c("energy", "float32", "km2/s2", "phys.energy", "E",
       "Total energy a unit mass, potential zero point in manifest"),
    _c("eccentricity", "float32", "", "src.orbital.eccentricity", "e", "Orbital eccentricity", 0, 1),
    _c("z_max", "float32", "kpc", "pos.distance", "z_max", "Largest height of the orbit", 0, None),
    _c("r_peri", "float32", "kpc", "pos.distance;src.orbital.periastron", "R_peri", "Pericentre radius", 0, None),
    _c("r_apo", "float32", "kpc", "pos.distance", "R_apo", "Apocentre radius", 0, None),
)

_STREAM = (
    _c("sgr_lambda", "float32", "deg", "pos.bodyrc.lon", "Λ", "Sagittarius longitude (Law & Majewski 2010)", 0, 360),
    _c("sgr_lambda_v21", "float32", "deg", "pos.bodyrc.lon", "Λ (V21)",
       "Sagittarius longitude in the sense of Vasiliev et al. (2021): reversed", -180, 180),
    _c("sgr_beta", "float32", "deg", "pos.bodyrc.lat", "B",
       "Sagittarius latitude (Law & Majewski 2010; the same in Vasiliev et al. 2021)", -90, 90),
    _c("v_gsr", "float32", "km/s", "spect.dopplerVeloc;pos.galactocentric", "V_GSR",
       "Line-of-sight velocity in the Galactic standard of rest"),
    _c("sgr_probability", "float32", "", "stat.probability", "p(Sgr)",
       "Probability of belonging to the Sagittarius stream, given the stream model", 0, 1),
    _c("sgr_term_sky", "float32", "", "stat.likelihood", "Sgr: sky",
       "What (Λ, B) adds to the log odds of the stream (natural logarithm)"),
    _c("sgr_term_distance", "float32", "", "stat.likelihood", "Sgr: distance", "What the distance adds after it"),
    _c("sgr_term_velocity", "float32", "", "stat.likelihood", "Sgr: V_GSR", "What V_GSR adds after these; 0 unknown",
       unknown=0),
    _c("sgr_term_motion", "float32", "", "stat.likelihood", "Sgr: motion",
       "What the proper motion adds after these; 0 unknown", unknown=0),
)

_QUALITY = (
    _c("quality", "int32", "", "meta.code.qual", "quality", "Quality bits, 0 is good (see the glossary of bits)", 0,
       ALL_BITS, nullable=False),
    _c("oddness", "float32", "", "stat.rank", "oddness", "How odd the star is: -log10 of its joint tail probability",
       0, None),
    _c("oddness_reason", "str", "", "meta.note", "odd for", "Piece of evidence that says most in the oddness"),
)
# fmt: on


QUANTILE_OF = (
    *("x_gal", "y_gal", "z_gal", "r_gal", "v_x", "v_y", "v_z", "v_r", "v_phi", "v_gsr"),
    *("j_r", "j_phi", "j_z", "j_tot", "j_sum", "energy", "eccentricity", "z_max", "r_peri", "r_apo"),
)
"""Columns that have quantiles ``NAME_16``, ``NAME_50`` and ``NAME_84`` from Monte Carlo draws."""

QUANTILE_PERCENTS = (16, 50, 84)
QUANTILE_GROUP = "Quantiles"


FULL_CIRCLE = frozenset({"ra", "glon", "sgr_lambda"})
"""Longitudes of 0 to 360 degrees: what leaves at one end comes in at the other."""


def _quantiles(declared: Iterable[Column]) -> tuple[Column, ...]:
    known = {one.name: one for one in declared}
    return tuple(
        replace(
            known[name],
            name=f"{name}_{percent}",
            ucd=f"stat.value;{known[name].ucd.split(';')[0]}",
            label=f"{known[name].label} ({percent} %)",
            description=f"{percent}th percentile of {name} over the Monte Carlo draws",
        )
        for name in QUANTILE_OF
        for percent in QUANTILE_PERCENTS
    )


_ENGINES = {"slam": "SLAM", "direct": "networks"}


def _by_engine(declared: Iterable[Column]) -> tuple[Column, ...]:
    """Labels of each engine beside the published ones, and how far the engines disagree."""
    known = {one.name: one for one in declared}
    names = tuple(name for name in known if f"{name}_err_formal" in known)
    columns = []
    for engine, called in _ENGINES.items():
        for name in names:
            label, error = known[name], known[f"{name}_err"]
            title = f"{label.label} ({called})"
            columns += [
                replace(
                    label, name=f"{name}_{engine}", label=title, description=f"{label.label} by the {called} alone"
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
        "Distance between the labels of SLAM and of the networks in its standard deviations, root mean square",
        *(0, None),
    )
    return (*(replace(one, paper_name="", aliases=(), nullable=True) for one in columns), disagreement)


def _build() -> tuple[Column, ...]:
    groups = (
        ("Table A1", _TABLE_A1),
        ("Identity", _IDENTITY),
        ("Spectrum", _SPECTRUM),
        ("Labels", (*_LABELS, *_by_engine((*_TABLE_A1, *_LABELS)))),
        ("Photometry", _PHOTOMETRY),
        ("Astrometry", _ASTROMETRY),
        ("Distance", _DISTANCE),
        ("Kinematics", _KINEMATICS),
        ("Stream", _STREAM),
        (QUANTILE_GROUP, _quantiles((*_KINEMATICS, *_STREAM))),
        ("Quality", _QUALITY),
    )
    return tuple(replace(declared, group=group) for group, declarations in groups for declared in declarations)


COLUMNS: tuple[Column, ...] = _build()
"""Every column of the catalogue, in published order."""

RELEASE_COLUMNS: tuple[Column, ...] = (
    Column(
        *("vet_flag", "int16", "", "meta.code.qual", "Verdict"),
        "Verdict of the vetting, 0 to 9 as the campaign defines it; -1 without an agreed or adjudicated one",
        *("Vetting", -1, 9),
    ),
    Column(
        *("vet_issues", "str", "", "meta.note", "Issues"),
        "What the inspectors or the adjudicator found wrong, separated by commas",
        "Vetting",
    ),
    Column(
        *("vet_n", "int16", "", "meta.number;obs", "Reviews"),
        "Number of blind reviews that the verdict rests on",
        *("Vetting", 0),
    ),
    Column(
        *("vet_agreement", "float32", "", "stat.fit.goodness", "Agreement"),
        "Fraction of the pairs of reviews that agree, NaN below two reviews",
        *("Vetting", 0, 1),
    ),
    Column(
        *("vet_status", "str", "", "meta.code.status", "Vetting status"),
        "incomplete, agreed, conflict, adjudicated; outdated when the fit changed since; empty when never looked at",
        "Vetting",
    ),
    Column(*("vet_release", "str", "", "meta.version", "Release"), "Name of the frozen release", "Vetting"),
)
"""What freezing a release adds beside the catalogue's own columns."""

BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}
"""The same columns by name."""

REQUIRED: tuple[str, ...] = tuple(column.name for column in COLUMNS if not column.nullable)
"""Columns that every catalogue has, for every row."""


def column(name: str) -> Column:
    """Look up a column.

    Raises
    ------
    KeyError
        If there is none of that name; the message suggests the nearest.
    """
    try:
        return BY_NAME[name]
    except KeyError:
        near = get_close_matches(name, BY_NAME, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise KeyError(f"No column is named {name!r}.{hint}") from None


def in_published_order(names: Iterable[str]) -> list[str]:
    """Sort known column names as they are published; raise KeyError on an unknown one."""
    wanted = {column(name).name for name in names}
    return [known.name for known in COLUMNS if known.name in wanted]
