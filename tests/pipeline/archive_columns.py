"""Columns of the archives as they list them, and the columns of ours whose values they hold."""

GENERAL = (
    "obsid uid gp_id designation obsdate lmjd mjd planid spid fiberid ra_obs dec_obs snru snrg snrr snri snrz class "
    "subclass z z_err ps_id mag_ps_g mag_ps_r mag_ps_i mag_ps_z mag_ps_y gaia_source_id gaia_g_mean_mag fibertype "
    "offsets offsets_v ra dec"
)
M_STARS = (
    "teff teff_err logg logg_err m_h m_h_err ewha ewha_err tio5 tio5_err cah2 cah2_err cah3 cah3_err tio1 tio1_err "
    "tio2 tio2_err tio3 tio3_err tio4 tio4_err cah1 cah1_err caoh caoh_err zeta zeta_err type na"
)
APOGEE = (
    "APOGEE_ID TARGET_ID APSTAR_ID ASPCAP_ID FILE TELESCOPE FIELD LOCATION_ID RA DEC GLON GLAT J J_ERR H H_ERR K K_ERR "
    "AK_TARG AK_TARG_METHOD AK_WISE SFD_EBV NVISITS SNR SNREV STARFLAG STARFLAGS ANDFLAG VHELIO_AVG VSCATTER VERR "
    "RV_TEFF RV_LOGG RV_FEH RV_CHI2 RV_FLAG N_COMPONENTS GAIAEDR3_SOURCE_ID GAIAEDR3_PARALLAX GAIAEDR3_PARALLAX_ERROR "
    "GAIAEDR3_PMRA GAIAEDR3_PMRA_ERROR GAIAEDR3_PMDEC GAIAEDR3_PMDEC_ERROR GAIAEDR3_PHOT_G_MEAN_MAG "
    "GAIAEDR3_PHOT_BP_MEAN_MAG GAIAEDR3_PHOT_RP_MEAN_MAG GAIAEDR3_DR2_RADIAL_VELOCITY "
    "GAIAEDR3_DR2_RADIAL_VELOCITY_ERROR GAIAEDR3_R_MED_GEO GAIAEDR3_R_LO_GEO GAIAEDR3_R_HI_GEO "
    "GAIAEDR3_R_MED_PHOTOGEO EXTRATARG MEMBERFLAG ASPCAPFLAG ASPCAPFLAGS PARAMFLAG ASPCAP_CHI2 ASPCAP_GRID "
    "FRAC_BADPIX FRAC_LOWSNR TEFF TEFF_ERR LOGG LOGG_ERR VMICRO M_H M_H_ERR ALPHA_M ALPHA_M_ERR VSINI FE_H FE_H_ERR "
    "FE_H_FLAG TEFF_SPEC LOGG_SPEC FPARAM X_H"
)
GAIA = (
    "source_id ra dec ref_epoch parallax parallax_error pmra pmra_error pmdec pmdec_error pmra_pmdec_corr "
    "parallax_pmra_corr parallax_pmdec_corr ruwe astrometric_params_solved nu_eff_used_in_astrometry pseudocolour "
    "ecl_lat duplicated_source phot_g_mean_mag phot_bp_mean_mag phot_rp_mean_mag bp_rp phot_bp_rp_excess_factor "
    "radial_velocity radial_velocity_error rv_nb_transits rv_template_teff grvs_mag has_xp_continuous"
)
TMASS = "designation j_m j_msigcom h_m h_msigcom ks_m ks_msigcom ph_qual"
GAIA_VALUES = {
    "gaia_source_id": "source_id",
    "parallax": "parallax",
    "parallax_err": "parallax_error",
    "pmra": "pmra",
    "pmra_err": "pmra_error",
    "pmdec": "pmdec",
    "pmdec_err": "pmdec_error",
    "pmra_pmdec_corr": "pmra_pmdec_corr",
    "ruwe": "ruwe",
    "g_mag": "phot_g_mean_mag",
    "bp_rp": "bp_rp",
    "rv_gaia": "radial_velocity",
    "rv_gaia_err": "radial_velocity_error",
}
TMASS_VALUES = {
    "ph_qual": "ph_qual",
    **{
        f"{ours}_mag{end}": f"{theirs}_m{'sigcom' if end else ''}"
        for ours, theirs in (("j", "j"), ("h", "h"), ("k", "ks"))
        for end in ("", "_err")
    },
}
ALLWISE_VALUES = {
    "allwise_id": "designation",
    "ph_qual_wise": "ph_qual",
    "w1_mag": "w1mpro",
    "w1_mag_err": "w1mpro_error",
    "w2_mag": "w2mpro",
    "w2_mag_err": "w2mpro_error",
}
APOGEE_VALUES = {
    "apogee_id": "APOGEE_ID",
    "gaia_source_id": "GAIAEDR3_SOURCE_ID",
    **{f"{name.lower()}_ref": name for name in ("TEFF", "LOGG", "M_H", "ALPHA_M")},
    **{f"{name.lower()}_ref_err": f"{name}_ERR" for name in ("TEFF", "LOGG", "M_H", "ALPHA_M")},
    "rv_ref": "VHELIO_AVG",
    "rv_ref_err": "VERR",
    "rv_ref_scatter": "VSCATTER",
    "snr_ref": "SNR",
    "ref_label_flags": "ASPCAPFLAG",
    "ref_star_flags": "STARFLAG",
    "parallax": "GAIAEDR3_PARALLAX",
    "pmra": "GAIAEDR3_PMRA",
    "pmdec_err": "GAIAEDR3_PMDEC_ERROR",
    "g_mag": "GAIAEDR3_PHOT_G_MEAN_MAG",
}
