"""Columns of photometry and astrometry from other catalogues.

Bands: 2MASS of Cohen et al. (2003), WISE of Jarrett et al. (2011), Gaia G in the Vega system of its DR3.
"""

from __future__ import annotations

from pipeline.domain.column import Band
from pipeline.domain.column import declare as _c

# fmt: off
# One declaration is one entry of a table; the formatter would spread each over ten lines.
PHOTOMETRY = (
    _c("j_mag", "float32", "mag", "phot.mag;em.IR.J", "J", "2MASS J magnitude", -5, 25,
       alias="j_m, Jmag, J, Jmag_2mass, JMAG", inverted="y", band=Band(1.235, 1594.0),
       card="Photometry", places="role ucd"),
    _c("j_mag_err", "float32", "mag", "stat.error;phot.mag;em.IR.J", "σ(J)", "Uncertainty of J", 0, None,
       alias="j_msigcom, j_cmsig, e_Jmag, J_ERR, e_Jmag_2mass", places="role ucd"),
    _c("h_mag", "float32", "mag", "phot.mag;em.IR.H", "H", "2MASS H magnitude", -5, 25,
       alias="h_m, Hmag, H, Hmag_2mass, HMAG", inverted="y", band=Band(1.662, 1024.0),
       card="Photometry", places="role ucd"),
    _c("h_mag_err", "float32", "mag", "stat.error;phot.mag;em.IR.H", "σ(H)", "Uncertainty of H", 0, None,
       alias="h_msigcom, h_cmsig, e_Hmag, H_ERR, e_Hmag_2mass", places="role ucd"),
    _c("k_mag", "float32", "mag", "phot.mag;em.IR.K", "Ks", "2MASS Ks magnitude", -5, 25,
       alias="ks_m, k_m, Kmag, K, Ks, ks_mag, Ksmag, Kmag_2mass, KMAG",
       inverted="y", band=Band(2.159, 666.7), card="Photometry", places="trend role ucd"),
    _c("k_mag_err", "float32", "mag", "stat.error;phot.mag;em.IR.K", "σ(Ks)", "Uncertainty of Ks", 0, None,
       alias="ks_msigcom, k_msigcom, k_cmsig, e_Kmag, K_ERR, e_Kmag_2mass", places="role ucd"),
    _c("w1_mag", "float32", "mag", "phot.mag;em.IR.3-4um", "W1", "WISE W1 magnitude", -5, 25,
       alias="w1mpro, W1mag, W1mag_wise", inverted="y", band=Band(3.3526, 309.54), card="Photometry", places="role"),
    _c("w1_mag_err", "float32", "mag", "stat.error;phot.mag;em.IR.3-4um", "σ(W1)", "Uncertainty of W1", 0, None,
       alias="w1mpro_error, w1sigmpro, e_W1mag, e_W1mag_wise"),
    _c("w2_mag", "float32", "mag", "phot.mag;em.IR.4-8um", "W2", "WISE W2 magnitude", -5, 25,
       alias="w2mpro, W2mag, W2mag_wise", inverted="y", band=Band(4.6028, 171.787), card="Photometry", places="role"),
    _c("w2_mag_err", "float32", "mag", "stat.error;phot.mag;em.IR.4-8um", "σ(W2)", "Uncertainty of W2", 0, None,
       alias="w2mpro_error, w2sigmpro, e_W2mag, e_W2mag_wise"),
    _c("ph_qual", "str", "", "meta.code.qual;phot", "2MASS quality",
       "2MASS photometric quality of J, H and Ks, a letter each: A best, U upper limit, X none", alias="Qflg"),
    _c("ph_qual_wise", "str", "", "meta.code.qual;phot", "WISE quality",
       "AllWISE photometric quality of W1 to W4, a letter each", alias="qph"),
    _c("g_mag", "float32", "mag", "phot.mag;em.opt", "G", "Gaia G magnitude", -5, 25,
       alias="phot_g_mean_mag, Gmag, GAIAEDR3_PHOT_G_MEAN_MAG, gaiaedr3_phot_g_mean_mag, gaia_g_mean_mag",
       inverted="y", band=Band(0.5822, 3228.75), card="Photometry", places="role"),
    _c("bp_rp", "float32", "mag", "phot.color;em.opt.B;em.opt.R", "BP - RP", "Gaia colour BP - RP", -2, 12,
       alias="BP-RP", card="Photometry", places="role"),
    _c("jk", "float32", "mag", "phot.color;em.IR.J;em.IR.K", "J - Ks", "2MASS colour J - Ks, as observed", -2, 10,
       card="Photometry"),
    _c("jk0", "float32", "mag", "phot.color;em.IR.J;em.IR.K", "(J - Ks)₀", "2MASS colour J - Ks, de-reddened", -3,
       10, card="Photometry", places="table trend truth"),
    _c("k0_mag", "float32", "mag", "phot.mag;em.IR.K", "Ks,0", "2MASS Ks magnitude, de-reddened", -9, 25,
       inverted="y"),
)
"""Magnitudes and colours."""

ASTROMETRY = (
    _c("glon", "float64", "deg", "pos.galactic.lon", "l", "Galactic longitude", 0, 360,
       alias="GLON, gal_l", digits=1, period=360.0, card="Space and motion", places="ucd position"),
    _c("glat", "float64", "deg", "pos.galactic.lat", "b", "Galactic latitude", -90, 90,
       alias="GLAT, gal_b", digits=1, scale="diverging", card="Space and motion", places="trend ucd position"),
    _c("parallax", "float32", "mas", "pos.parallax", "ϖ", "Gaia parallax",
       -1000, 1000,
       alias="Plx, plx, GAIAEDR3_PARALLAX", digits=3, card="Distance", places="role ucd"),
    _c("parallax_err", "float32", "mas", "stat.error;pos.parallax", "σ(ϖ)", "Uncertainty of the parallax", 0, None,
       alias="parallax_error, e_Plx, GAIAEDR3_PARALLAX_ERROR", places="role ucd"),
    _c("pmra", "float32", "mas/yr", "pos.pm;pos.eq.ra", "μα*", "Gaia proper motion in RA, times cos(Dec)",
       -20_000, 20_000,
       alias="pmRA, GAIAEDR3_PMRA", digits=3, card="Space and motion", places="role ucd"),
    _c("pmra_err", "float32", "mas/yr", "stat.error;pos.pm;pos.eq.ra", "σ(μα*)", "Uncertainty of pmra", 0, None,
       alias="pmra_error, e_pmRA, GAIAEDR3_PMRA_ERROR", places="role ucd"),
    _c("pmdec", "float32", "mas/yr", "pos.pm;pos.eq.dec", "μδ", "Gaia proper motion in Dec",
       -20_000, 20_000,
       alias="pmDE, pmde, GAIAEDR3_PMDEC", digits=3, card="Space and motion", places="role ucd"),
    _c("pmra_pmdec_corr", "float32", "", "stat.correlation", "ρ(μ)", "Correlation of pmra and pmdec", -1, 1,
       alias="pmRApmDEcor"),
    _c("pmdec_err", "float32", "mas/yr", "stat.error;pos.pm;pos.eq.dec", "σ(μδ)", "Uncertainty of pmdec", 0, None,
       alias="pmdec_error, e_pmDE, GAIAEDR3_PMDEC_ERROR", places="role ucd"),
    _c("ruwe", "float32", "", "stat.error", "RUWE", "Gaia renormalised unit weight error", 0, None,
       alias="RUWE", card="Distance", places="role"),
    _c("rv_gaia", "float32", "km/s", "spect.dopplerVeloc.opt", "RV (Gaia)", "Gaia radial velocity", -1500, 1500,
       alias="radial_velocity, dr2_radial_velocity", digits=1, card="Space and motion", places="velocity"),
    _c("rv_gaia_err", "float32", "km/s", "stat.error;spect.dopplerVeloc.opt", "σ(RV Gaia)", "Uncertainty of rv_gaia",
       0, None,
       alias="radial_velocity_error, dr2_radial_velocity_error"),
    _c("distance_geo_16", "float32", "kpc", "stat.error;pos.distance", "d₁₆ (geo)",
       "16th percentile of distance_geo", 0, None, alias="r_lo_geo, b_rgeo, GAIAEDR3_R_LO_GEO"),
    _c("distance_geo_84", "float32", "kpc", "stat.error;pos.distance", "d₈₄ (geo)",
       "84th percentile of distance_geo", 0, None, alias="r_hi_geo, B_rgeo, GAIAEDR3_R_HI_GEO"),
    _c("distance_geo", "float32", "kpc", "pos.distance", "d (geo)", "Geometric distance from the parallax", 0, None,
       alias="r_med_geo, rgeo, GAIAEDR3_R_MED_GEO", card="Distance"),
)
"""Positions, parallaxes, proper motions and velocities from catalogues."""
# fmt: on
