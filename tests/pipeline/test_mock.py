"""The simulated survey: declared columns, seeds, physics, readable files."""

import numpy as np
import pytest
from astropy.io import fits

from pipeline.domain.columns import BY_NAME
from pipeline.domain.frames import FRAMES, galactic_to_sagittarius, galactocentric_phase_space
from pipeline.domain.wavelength import doppler_factor, redshift_to_velocity
from pipeline.mock import simulate
from pipeline.mock.fits_layouts import write_lamost_fits
from pipeline.mock.photometry import PARALLAX_ZERO_POINT_MAS
from pipeline.mock.plates import FIBRES, SPECTROGRAPHS, draw_visits
from pipeline.mock.published import GAPS, SLOW_MAS_YR, UNKNOWN_SHARE, redshift
from pipeline.mock.reference import RV_FAIL, STAR_BAD
from pipeline.mock.spectra import Light, StarLight
from pipeline.science.spectra.indices import band_ratios
from pipeline.science.velocity.repeats import star_numbers
from pipeline.sources.lamost_fits import read_spectrum


@pytest.fixture(scope="module")
def survey():
    return simulate(400, seed=11, training=100)


@pytest.fixture(scope="module")
def starlight():
    return StarLight()


def indices_of(starlight, labels):
    labels = np.atleast_2d(np.asarray(labels, float))
    flux = starlight.received(Light.of(labels, np.zeros(len(labels))), np.zeros(len(labels)))
    return band_ratios(starlight.wavelength, flux, np.zeros(flux.shape, bool))


def test_columns_are_declared_and_within_range(survey):
    for name in survey.table.columns:
        declared = BY_NAME[name]
        values = survey.table[name]
        assert values.dtype == np.dtype(declared.dtype) or declared.dtype == "str"
        if declared.low is not None and declared.is_numeric:
            assert values.min() >= declared.low
        if declared.high is not None and declared.is_numeric:
            assert values.max() <= declared.high
    assert survey.table["obsid"].is_unique
    gaia = survey.table[survey.table["gaia_source_id"] > 0]
    assert (gaia.groupby("gaia_source_id")["ra"].nunique() == 1).all()
    assert (survey.table["obsid"] == survey.truth["obsid"]).all()
    assert (survey.table["obsid_source"] == "simulated").all()


def test_same_seed_same_bytes(survey):
    again = simulate(400, seed=11, training=100)
    assert again.table.equals(survey.table)
    assert again.truth.equals(survey.truth)
    for one, other in zip(again.observe(slice(0, 5))[1:], survey.observe(slice(0, 5))[1:], strict=True):
        assert one.tobytes() == other.tobytes()
    assert not simulate(60, seed=12, training=10).table["ra"].equals(survey.table["ra"][:60])


def test_spectra_do_not_depend_on_the_block(survey):
    wavelength, flux, ivar, mask = survey.observe(slice(0, 300))
    alone = survey.observe(np.array([7]))
    mixed = survey.observe(np.array([299, 7, 0]))
    assert alone[1][0].tobytes() == flux[7].tobytes() == mixed[1][1].tobytes()
    assert mixed[2][0].tobytes() == ivar[299].tobytes()
    assert mixed[3][2].tobytes() == mask[0].tobytes()
    streamed = next(iter(survey.spectra()))
    np.testing.assert_array_equal(streamed.flux, flux[0].astype(float))
    np.testing.assert_allclose(wavelength, 10 ** (3.5682 + 1e-4 * np.arange(3909)), rtol=1e-14)


def test_noise_is_what_ivar_says(survey):
    rows = slice(0, 60)
    _, flux, ivar, mask = survey.observe(rows)
    clean = survey.noiseless(rows)
    quiet = (survey.wavelength > 7050) & (survey.wavelength < 7500)
    pulls = []
    for n in np.flatnonzero(survey.truth["oddity"][rows] == ""):  # a false sky is more than noise
        good = quiet & ~mask[n]
        x = survey.wavelength[good]
        ratio = flux[n, good] / clean[n, good]
        smooth = np.polynomial.Polynomial.fit(x, ratio, 4)(x)
        pulls.append((ratio - smooth) * clean[n, good] * np.sqrt(ivar[n, good]))
    assert 0.93 < np.std(np.concatenate(pulls)) < 1.07
    signal = np.where(mask, np.nan, flux * np.sqrt(ivar))
    red = (survey.wavelength > 8000) & (survey.wavelength < 8950)
    ratio = np.nanmedian(signal[:, red], axis=1) / survey.truth["true_snr_red"][rows].to_numpy()
    assert 0.75 < np.median(ratio) < 1.1
    assert np.all(ivar[mask] == 0)


def test_tio5_follows_temperature(starlight):
    teff = np.arange(3250.0, 4300.0, 50.0)
    labels = np.stack([teff, 0.8 + 0 * teff, -0.2 + 0 * teff, 0.05 + 0 * teff], axis=1)
    tio5 = indices_of(starlight, labels)["tio5"]
    assert np.all(np.diff(tio5) > 0)
    assert 0.2 < np.interp(3400, teff, tio5) < 0.38
    assert 0.88 < np.interp(4200, teff, tio5) < 1.0


def test_giants_lie_above_the_dwarfs(starlight):
    teff = np.array([3400.0, 3600.0, 3800.0, 3950.0])
    ratios = indices_of(starlight, np.stack([teff, 0.7 + 0 * teff, -0.2 + 0 * teff, 0.05 + 0 * teff], axis=1))
    total = ratios["cah2"] + ratios["cah3"]
    grid = np.linspace(0.8, 1.95, 200)
    dwarf = -0.164 * grid**3 + 0.670 * grid**2 - 0.118 * grid - 0.050  # Lepine et al. (2007), solar metallicity
    assert np.all(total > np.interp(ratios["tio5"], dwarf, grid) + 0.03)
    assert np.all(total < np.interp(ratios["tio5"], dwarf, grid) + 0.45)


@pytest.mark.parametrize(("label", "step"), [(0, 60.0), (1, 0.3), (2, 0.15), (3, 0.1)])
def test_every_label_moves_the_spectrum(starlight, label, step):
    base = np.array([3850.0, 1.0, -0.2, 0.05])
    moved = base.copy()
    moved[label] += step
    flux = starlight.rest_flux(Light.of(np.stack([base, moved]), np.zeros(2)))
    change = np.abs(np.log(flux[1] / flux[0]))
    assert change.max() > 0.02
    assert change.mean() > 5e-4


def test_velocity_shifts_the_calcium_triplet(starlight):
    labels = np.tile([3800.0, 1.0, -0.3, 0.0], (2, 1))
    rest, moved = starlight.received(Light.of(labels, np.array([0.0, 300.0])), np.zeros(2))
    near = (starlight.wavelength > 8520) & (starlight.wavelength < 8570)
    line = starlight.wavelength[near][[rest[near].argmin(), moved[near].argmin()]]
    assert line[1] / line[0] == pytest.approx(float(doppler_factor(300.0)), abs=2.4e-4)


def test_components_and_kinematics(survey):
    truth, stars = survey.truth, survey.stars
    counts = truth["component"].value_counts(normalize=True)
    assert 0.07 < counts["sagittarius"] < 0.11
    assert counts["thin disc"] > 0.5
    x, y = truth["true_x_gal"], truth["true_y_gal"]
    radius = np.hypot(x, y)
    v_phi = (y * truth["true_v_x"] - x * truth["true_v_y"]) / radius
    for component, low, high in (("thin disc", 205, 235), ("thick disc", 160, 200)):
        chosen = (truth["component"] == component) & (radius > 4)
        assert low < np.median(v_phi[chosen]) < high
        assert np.std(v_phi[chosen]) > 10
    for name in ("true_m_h", "true_alpha_m"):
        means = truth.groupby("component")[name].median()
        assert (means["thin disc"] > means["thick disc"]) == (name == "true_m_h")
    position, velocity = galactocentric_phase_space(
        stars.ra, stars.dec, stars.distance, stars.pmra, stars.pmdec, stars.rv, FRAMES["paper"]
    )
    np.testing.assert_allclose(position, stars.position, atol=1e-6)
    np.testing.assert_allclose(velocity, stars.velocity, atol=1e-4)


def test_every_kind_has_its_share_and_dwarfs_are_near(survey):
    truth = survey.truth
    counts = truth["kind"].value_counts(normalize=True)
    assert counts["M giant"] > 0.96
    assert {"K giant", "M dwarf", "carbon star"} <= set(counts.index)
    assert (truth["true_distance"][truth["kind"] == "M dwarf"] < 0.5).all()
    assert (truth["true_logg"][truth["kind"] == "M dwarf"] > 4).all()
    assert (truth["true_teff"][truth["kind"] == "K giant"] >= 4300).all()


def test_repeats_are_one_star_on_other_plates(survey):
    table, truth = survey.table, survey.truth
    star = star_numbers(table["ra"].to_numpy(), table["dec"].to_numpy(), table["gaia_source_id"].to_numpy())
    assert len(np.unique(star)) == truth["true_star"].nunique() == 400 - round(0.07 * 400)
    for _, rows in table.groupby(star):
        assert rows["plan_id"].is_unique
        assert rows["obsid"].is_unique
        assert rows["parallax"].nunique(dropna=False) == 1


def test_a_fibre_sees_one_star_and_a_spectrograph_has_one_zero_point(survey):
    table, truth = survey.table, survey.truth
    assert not table.duplicated(["plan_id", "spectrograph_id", "fiber_id"]).any()
    assert table.groupby("plan_id")["lmjd"].nunique().eq(1).all()
    offsets = truth.groupby(table["spectrograph_id"])["true_rv_zero_point"]
    assert offsets.nunique().eq(1).all()
    assert 1.0 < offsets.first().std() < 6.0
    alone = (truth["oddity"] == "").to_numpy()  # galaxies are odd
    moved = survey.light.rv_kms - truth["true_rv"].to_numpy()
    expected = truth["true_rv_zero_point"] + truth["true_rv_orbit"] + truth["true_rv_wrong_arm"]
    expected += truth["true_rv_wavelength"]
    np.testing.assert_allclose(moved[alone], expected[alone], atol=1e-9)


def test_observations_are_numbered_as_they_were_made(survey):
    keys = survey.table[["lmjd", "plan_id", "spectrograph_id", "fiber_id"]]
    assert keys.equals(keys.sort_values(list(keys)))
    assert survey.table["obsid"].is_monotonic_increasing
    swapped = survey.truth[survey.truth["oddity"] == "swapped fibres"].set_index("obsid")
    assert len(swapped) > 0
    assert (swapped.loc[swapped["oddity_partner"], "oddity_partner"] == swapped.index).all()
    assert (survey.truth.loc[survey.truth["oddity"] == "", "oddity_partner"] == 0).all()


def test_a_spectrograph_of_250_fibres_takes_no_more_stars():
    rng = np.random.default_rng(2)
    same = np.full(6000, 50.0)
    with pytest.raises(ValueError, match=f"one spectrograph of {FIBRES} fibres"):
        draw_visits(same, same, np.full(6000, 13.0), 6000, rng)
    visits = draw_visits(rng.uniform(0, 360, 500), rng.uniform(0, 60, 500), rng.uniform(9, 17, 500), 560, rng)
    assert set(visits.spectrograph_id) <= set(range(1, SPECTROGRAPHS + 1))
    assert set(visits.star) == set(range(500))


def test_stream_stars_lie_on_the_stream(survey):
    chosen = (survey.truth["component"] == "sagittarius").to_numpy()
    _, beta = galactic_to_sagittarius(survey.stars.glon[chosen], survey.stars.glat[chosen])
    assert np.median(np.abs(beta)) < 10
    assert 20 < survey.truth["true_distance"][chosen].median() < 60
    assert survey.truth["true_m_h"][chosen].between(-0.95, -0.05).all()


def test_selection_and_errors(survey):
    table, truth = survey.table, survey.truth
    assert table["dec"].min() > -10
    assert table["j_mag"].max() < 14.6
    assert truth["true_teff"][truth["kind"] == "M giant"].between(3200, 4300).all()
    sound = table["ruwe"] < 1.4
    pulls = (table["parallax"] - PARALLAX_ZERO_POINT_MAS - truth["true_parallax"]) / table["parallax_err"]
    assert 0.85 < np.std(pulls[sound]) < 1.15
    moves = [(table[name] - truth[f"true_{name}"]) / table[f"{name}_err"] for name in ("pmra", "pmdec")]
    expected = np.mean(table["pmra_pmdec_corr"] ** 2)
    assert np.mean((moves[0] * moves[1] * table["pmra_pmdec_corr"])[sound]) == pytest.approx(expected, rel=0.5)
    labelled = table["teff_ref"].notna()
    assert table["gaia_source_id"][labelled].nunique() == 150
    right = labelled & (truth["oddity"] != "mislabelled")
    error = (table["teff_ref"] - truth["true_teff"])[right]
    assert 8 < error.std() < 25
    geometric = table["distance_geo"].notna()
    assert 0.1 < geometric.mean() < 0.9
    assert abs(np.median((table["distance_geo"] / truth["true_distance"])[geometric]) - 1) < 0.05


def test_archives_lack_some_stars_and_leave_the_rest_alone(survey):
    table, truth = survey.table, survey.truth
    stars = table[~truth["true_star"].duplicated()]
    no_source = stars["gaia_source_id"] == 0
    for name, share, missing in (
        ("gaia", GAPS["gaia"], no_source),
        ("astrometry", GAPS["astrometry"], stars["parallax"].isna() & ~no_source),
        ("tmass", GAPS["tmass"], (stars["tmass_id"] == "") & ~no_source),
        ("h", GAPS["h"], stars["h_mag"].isna() & (stars["tmass_id"] != "")),
        ("allwise", GAPS["allwise"], stars["allwise_id"] == ""),
    ):
        assert missing.sum() == round(share * len(stars)), name
    assert (stars["g_mag"].isna() == no_source).all()
    assert (stars["distance_geo"].isna() | stars["parallax"].notna()).all()
    assert (table["ph_qual"].str[1:2].eq("X") == (table["h_mag"].isna() & table["j_mag"].notna())).all()
    assert table.loc[table["ph_qual_wise"] != "", "w1_mag"].notna().all()
    for name in ("w1_mag", "w1_mag_err", "w2_mag", "w2_mag_err"):
        assert (table[name].isna() == (table["allwise_id"] == "")).all(), name
    labelled = table[table["teff_ref"].notna()]
    assert labelled[["h_mag", "parallax"]].notna().all().all()
    slow = np.hypot(survey.stars.pmra, survey.stars.pmdec) < SLOW_MAS_YR
    assert slow[table["pmra"].isna()].all()


def test_values_are_those_that_an_archive_file_can_hold(survey):
    table = survey.table
    for name in ("ra", "dec"):
        np.testing.assert_array_equal(table[name], np.round(table[name], 6))
    for name in ("j_mag", "h_mag_err", "w2_mag"):
        text = table[name].map("{:.3f}".format).astype(float).astype(np.float32)
        np.testing.assert_array_equal(text, table[name])
    z = redshift(table["rv_input"].to_numpy(float))
    np.testing.assert_array_equal(redshift_to_velocity(z).astype(np.float32), table["rv_input"])
    colour = table["bp_rp"].to_numpy()
    red = np.float32(12.0 + 1.0 / 1024.0)
    np.testing.assert_array_equal((red + colour) - red, colour)


def test_apogee_saw_some_stars_without_labels_and_says_why(survey):
    table = survey.table
    observed = table["apogee_id"] != ""
    labelled = table["teff_ref"].notna()
    assert (labelled <= observed).all()
    assert (table["snr_ref"].notna() == observed).all()
    star_bad = (table["ref_label_flags"] & STAR_BAD) > 0
    failed = (table["ref_star_flags"] & RV_FAIL) > 0
    assert (star_bad == (observed & ~labelled)).all()
    assert star_bad.any()
    assert failed.any()
    assert (table["ref_bad"] == (star_bad | failed)).all()
    assert (table["rv_ref"].isna() == (~observed | failed)).all()
    assert (table.loc[~observed, ["ref_label_flags", "ref_star_flags"]] == 0).all().all()
    single = observed & (table["rv_ref_scatter"] < 0.4)
    difference = (table["rv_ref"] - survey.truth["true_rv"])[single]
    assert np.mean(np.abs(difference) < 1.0) > 0.85, "slow companions move one in ten by more, but not between visits"
    assert (table["apogee_id"][observed] == "2M" + table["tmass_id"][observed]).all()
    extinction = table["a_k_ref"].notna()
    assert 0.9 < extinction[observed].mean() < 1.0
    true_a_k = survey.truth["true_a_k"][extinction & observed]
    assert np.median(table["a_k_ref"][extinction & observed] / true_a_k) == pytest.approx(1.0, abs=0.1)


def test_identifiers_belong_to_stars(survey):
    table, star = survey.table, survey.truth["true_star"]
    for name in ("uid", "tmass_id", "allwise_id", "apogee_id", "gaia_dr2_source_id"):
        known = table[name].ne(0 if name.startswith("gaia") else "")
        assert (table[known].groupby(name)["ra"].nunique() == 1).all(), name
        assert (star[known].groupby(table[name][known]).nunique() == 1).all(), name
    known = table["gaia_source_id"] > 0
    renumbered = table["gaia_source_id"] != table["gaia_dr2_source_id"]
    assert renumbered.any()
    assert not renumbered[~known].any()
    unknown = table["object_class"] == "Unknown"
    assert unknown.sum() == round(UNKNOWN_SHARE * len(table))
    galaxy = table["object_class"] == "GALAXY"
    assert (galaxy <= (survey.truth["kind"] == "galaxy")).all()
    assert (table["rv_input"].isna() == (unknown | (survey.truth["kind"] == "galaxy"))).all()
    assert set(table["object_class"]) == {"STAR", "Unknown", "GALAXY"}


def test_a_geometric_distance_has_its_bounds(survey):
    table = survey.table[survey.table["distance_geo"].notna()]
    assert (table["distance_geo_16"] < table["distance_geo"]).all()
    assert (table["distance_geo"] < table["distance_geo_84"]).all()
    parsec = (table["distance_geo"].to_numpy(float) * 1000.0).astype(np.float32).astype(float)
    np.testing.assert_array_equal((parsec / 1000.0).astype(np.float32), table["distance_geo"])
    corrected = table["parallax"].to_numpy(float) - PARALLAX_ZERO_POINT_MAS
    np.testing.assert_allclose(table["distance_geo"], 1.0 / corrected, rtol=1e-5)


def test_reddening_reddens(survey):
    table, truth = survey.table, survey.truth
    excess = table["j_mag"] - table["k_mag"] - truth["true_jk0"]
    assert np.nanmedian(excess - (0.7927 - 0.3026) * truth["true_ebv"]) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("layout", ["dr5", "dr9"])
def test_fits_layouts_are_read_as_real_ones(survey, tmp_path, layout):
    rows = np.array([3, 0, 11])
    paths = write_lamost_fits(survey, tmp_path / layout, layout, rows)
    _, flux, _, mask = survey.observe(rows)
    for n, path in enumerate(paths):
        with fits.open(path) as hdus:
            assert hdus[0].header["SIMULATD"] is True
            assert "Not an observation" in str(hdus[0].header["HISTORY"])
            assert hdus[0].header["VACUUM"] is True
        spectrum = read_spectrum(path)
        record = survey.table.iloc[rows[n]]
        assert spectrum.obsid == record["obsid"]
        assert spectrum.meta["simulated"] is True
        assert spectrum.meta["plan_id"] == record["plan_id"]
        assert spectrum.meta["rv_input"] == pytest.approx(record["rv_input"], abs=0.5)
        np.testing.assert_allclose(spectrum.wavelength, survey.wavelength, rtol=1e-9)
        np.testing.assert_array_equal(spectrum.mask[~mask[n]].any(), False)
        np.testing.assert_allclose(spectrum.flux[~mask[n]], flux[n][~mask[n]], rtol=1e-6)


def test_wishes_that_cannot_be_met(survey, tmp_path):
    with pytest.raises(ValueError, match="at least 20"):
        simulate(5)
    with pytest.raises(ValueError, match="training"):
        simulate(50, training=60)
    with pytest.raises(ValueError, match="layout"):
        write_lamost_fits(survey, tmp_path, "dr99")
