"""Refits of one star with the label model."""

import numpy as np
import pytest
from star_factory import ALL_MASKED, LABELS

from explorer.model.alike import like_by_labels, nearest_training
from explorer.model.label_model import open_label_model
from explorer.model.proposals import proposal_of
from pipeline.domain.wavelength import C_KMS, doppler_factor
from pipeline.science.star.evidence import chi2_of, chi2_windows, correlate, peaks_of, place_in_hull, posterior
from pipeline.science.star.likeness import Likeness
from pipeline.science.star.refit import RefitError, Wish, in_any, shift_between

STAR = 3


@pytest.fixture(scope="module")
def model(star_library):
    return open_label_model(star_library.products.directory)


@pytest.fixture
def star(star_library):
    table = star_library.table
    published = {name: table.value(name, STAR) for name in (*LABELS, "rv")}
    return star_library.products.spectra.get(int(table["obsid"][STAR])), published


def test_a_refit_with_nothing_changed_returns_the_published_labels(model, star):
    spectrum, published = star
    found = model.refit(spectrum, published, snr=100.0)
    formal = dict(found.formal)
    for name in LABELS:
        assert dict(found.labels)[name] == pytest.approx(published[name], abs=1e-3 * formal[name])
        assert dict(found.calibrated)[name] > 0
    assert found.fixed == ("rv",)
    assert found.published_chi2 == pytest.approx(found.chi2, rel=1e-5)
    known = np.isfinite(spectrum.model)
    np.testing.assert_allclose(found.model[known], spectrum.model[known], atol=1e-4)


def test_held_labels_keep_their_value_and_cost_chi2(model, star):
    spectrum, published = star
    wish = Wish(fixed=(("teff", published["teff"] + 40.0),))
    found = model.refit(spectrum, published, wish)
    assert dict(found.labels)["teff"] == pytest.approx(published["teff"] + 40.0)
    assert dict(found.formal)["teff"] == 0.0
    assert found.fixed == ("teff", "rv")
    assert found.chi2 > found.published_chi2


def test_masking_a_cosmic_ray_by_hand_brings_the_labels_back(model, star):
    spectrum, published = star
    clean = model.refit(spectrum, published)
    spectrum.flux[1500:1506] += 0.4
    hit = model.refit(spectrum, published)
    stretch = (float(spectrum.wavelength[1498]), float(spectrum.wavelength[1508]))
    healed = model.refit(spectrum, published, Wish(masked=(stretch,)))
    formal = dict(clean.formal)

    def off(found):
        return max(abs(dict(found.labels)[name] - dict(clean.labels)[name]) / formal[name] for name in LABELS)

    assert off(hit) > 1.0
    assert off(healed) < 0.5
    assert healed.n_pixels == clean.n_pixels - in_any(spectrum.wavelength, [stretch]).sum()


def test_a_wrong_velocity_is_found_again(model, star):
    spectrum, published = star
    wish = Wish(fixed=(("rv", published["rv"] + 25.0),), fit_rv=True)
    found = model.refit(spectrum, published, wish)
    assert "rv" not in found.fixed
    error = dict(found.formal)["rv"]
    assert 0 < error < 5
    assert dict(found.labels)["rv"] == pytest.approx(published["rv"], abs=max(4 * error, 2.0))


def test_the_model_moves_as_the_star_does(model, star):
    _, published = star
    still, moved = model.spectrum(published), model.spectrum(published, 300.0)
    line = np.abs(model.wavelength - 8544.44) < 15
    expected = 8544.44 * float(doppler_factor(300.0))
    seen = np.abs(model.wavelength - expected) < 15

    def centre(flux, window):
        depth = 1.0 - flux[window]
        return (depth * model.wavelength[window]).sum() / depth.sum()

    assert centre(moved, seen) - centre(still, line) == pytest.approx(expected - 8544.44, abs=0.6)


def test_shifts_compose_as_velocities_do():
    shift = shift_between(-200.0, 300.0)
    assert float(doppler_factor(-200.0) * doppler_factor(shift)) == pytest.approx(
        float(doppler_factor(300.0)), rel=1e-14
    )
    assert abs(shift) < 500.0 * (1 + 1e-5)
    assert shift_between(12.0, 12.0) == 0.0
    assert shift < C_KMS


def test_what_cannot_be_fitted_is_a_sentence(model, star, star_library):
    spectrum, published = star
    with pytest.raises(RefitError, match="Every pixel is masked"):
        model.refit(spectrum, published, Wish(masked=((0.0, 1e5),)))
    with pytest.raises(RefitError, match="Every pixel is masked"):
        model.refit(star_library.products.spectra.get(ALL_MASKED), published)
    with pytest.raises(RefitError, match="no label of this model"):
        model.refit(spectrum, published, Wish(fixed=(("age", 3.0),)))
    with pytest.raises(RefitError, match="at most 1500"):
        model.refit(spectrum, published, Wish(fixed=(("rv", 4000.0),)))


def test_a_refit_on_almost_nothing_is_refused_or_says_so(model, star):
    spectrum, published = star
    first, last = float(spectrum.wavelength[0]), float(spectrum.wavelength[-1])

    def left(count):
        return Wish(masked=((float(spectrum.wavelength[count]), last),))

    with pytest.raises(RefitError, match="100 are the least for 4 free labels"):
        model.refit(spectrum, published, left(60))
    few = model.refit(spectrum, published, left(300), snr=100.0)
    assert "of the pixels: do not trust it far" in few.reason
    formal = dict(few.formal)
    for name, error in few.calibrated:
        assert name == "rv" or error >= formal[name]
    with pytest.raises(RefitError, match="Every pixel"):
        model.refit(spectrum, published, Wish(masked=((first, last),)))


def test_no_model_is_none(library):
    assert open_label_model(library.products.directory) is None


def test_a_refit_becomes_a_proposal(model, star):
    spectrum, published = star
    wish = Wish(fixed=(("logg", 1.0),), masked=((6500.0, 6520.0),))
    found = model.refit(spectrum, published, wish)
    proposal = proposal_of(model, spectrum.obsid, wish, found, "invented", " Hα emission ")
    assert proposal.label("logg") == 1.0
    assert proposal.fixed == ("logg", "rv")
    assert proposal.why == "Hα emission"
    assert proposal.model == model.version


def test_the_sum_of_squares_is_that_of_the_fit(model, star):
    spectrum, published = star
    found = model.refit(spectrum, published)
    labels = np.array([[dict(found.labels)[name] for name in LABELS]])
    assert chi2_of(model, spectrum, labels)[0] == pytest.approx(found.chi2, rel=1e-4)


def test_the_posterior_has_the_formal_width(model, star):
    spectrum, published = star
    found = model.refit(spectrum, published)
    drawn = posterior(model, spectrum, found)
    assert drawn.effective > 100
    width = drawn.draws.std(axis=0)
    formal = np.array([dict(found.formal)[name] for name in LABELS])
    assert ((width > 0.6 * formal) & (width < 1.6 * formal)).all()
    assert (np.abs(drawn.draws.mean(axis=0) - [dict(found.labels)[name] for name in LABELS]) < formal).all()


def test_windows_see_where_the_fit_is_poor(model, star):
    spectrum, _ = star
    spectrum.flux[np.abs(spectrum.wavelength - 7000.0) < 60] += 0.1
    windows = chi2_windows(spectrum, spectrum.model, model.total_variance(spectrum.ivar))
    worst = max((one for one in windows if np.isfinite(one.chi2_nu)), key=lambda one: one.chi2_nu)
    assert worst.low <= 7000.0 <= worst.high
    assert worst.chi2_nu > 5


def test_the_correlation_peaks_at_the_velocity(star):
    spectrum, _ = star
    found = correlate(spectrum, spectrum.model, 40.0)
    assert found.peaks[0][0] == pytest.approx(40.0, abs=15.0)
    assert found.peaks[0][1] > 0.9
    spectrum.mask[:] = True
    assert correlate(spectrum, spectrum.model, 40.0) is None


def test_peaks_come_highest_first_and_low_ones_not_at_all():
    x = np.arange(9.0)
    assert peaks_of(x, np.array([0, 0.6, 0, 1.0, 0, 0.2, 0, 0.9, 0])) == ((3.0, 1.0), (7.0, 0.9), (1.0, 0.6))


def test_place_among_the_training_stars(model, star_library):
    table = star_library.table
    training = np.array([table.value(f"{name}_ref", 40) for name in LABELS])
    inside = place_in_hull(model, training)
    assert inside.distance < 1e-3 < inside.limit
    assert place_in_hull(model, training + 9 * model.slam.label_std_).distance > inside.limit
    assert nearest_training(table, model, training, 3)[0] == table["obsid"][40]


def test_stars_alike_by_labels_and_by_spectrum(star_library):
    table, store = star_library.table, star_library.products.spectra
    obsid = int(table["obsid"][STAR])
    alike = like_by_labels(table, STAR, 10)
    assert obsid not in alike
    assert len(alike) == 10
    likeness = Likeness(store.obsid, store.wavelength.size, store.block)
    found = likeness.nearest(obsid, 10)
    assert obsid not in found
    assert ALL_MASKED not in likeness.nearest(obsid, 1000)
    # The order is that of the plain sum over pixels, but for the resolution.
    mine = store.get(obsid)
    distance = {}
    for other in table["obsid"]:
        one = store.get(int(other))
        good = ~mine.mask & ~one.mask
        if good.sum() > 100 and other != obsid:
            distance[int(other)] = ((mine.flux - one.flux)[good] ** 2).mean()
    plain = sorted(distance, key=distance.get)[:10]
    assert len(set(plain) & set(found)) >= 6
