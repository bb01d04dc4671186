"""Drawings of spectra: their numbers, and the page and the picture that both show them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from msgspec import UNSET
from msgspec.structs import replace as changed
from star_factory import controls, sent

from explorer import protocol
from explorer.charts import spectrum_numbers as numbers
from explorer.charts.curves import values_of
from explorer.charts.grid import default_panels
from explorer.charts.spectrum import RED_ARM_START, TELLURIC
from explorer.charts.spectrum_content import Pin, SpectrumContent
from explorer.charts.spectrum_drawing import drawing_of, trial_of
from explorer.charts.spectrum_picture import draw_spectrum
from explorer.model.line_lists import BUILT_IN, shown_lines
from explorer.rooms.channel import NOT_UNDERSTOOD
from explorer.state.workspace import Workspace
from pipeline.domain.stored_spectrum import StoredSpectrum
from pipeline.domain.wavelength import doppler_factor
from pipeline.science.star.refit import in_any
from pipeline.sources.lamost_fits import read_spectrum

STAR, OTHER = 3, 4
LABELS = {"teff": 3700.0, "logg": 0.8, "m_h": -0.2, "alpha_m": 0.1, "rv": 12.0}


def look(**changes):
    return changed(protocol.DEFAULT_LOOK, **changes)


# ---- numbers ----


def slowly_smoothed(values, sigma):
    """The sum over known pixels, one by one."""
    reach, result = math.ceil(numbers.KERNEL_REACH * sigma), np.full(len(values), np.nan)
    for at, value in enumerate(values):
        if np.isfinite(value):
            near = [k for k in range(max(at - reach, 0), min(at + reach + 1, len(values))) if np.isfinite(values[k])]
            weights = [math.exp(-0.5 * ((k - at) / sigma) ** 2) for k in near]
            result[at] = sum(w * values[k] for w, k in zip(weights, near, strict=True)) / sum(weights)
    return result


@pytest.mark.parametrize("pixels", protocol.SMOOTHINGS[1:])
def test_smoothing_is_a_gaussian_over_known_pixels(pixels):
    random = np.random.default_rng(5)
    flux = random.normal(1.0, 0.1, 400).astype(np.float32)
    flux[random.integers(0, 400, 40)] = np.nan
    np.testing.assert_allclose(numbers.smoothed(flux, pixels), slowly_smoothed(flux, pixels), rtol=1e-6)


def test_no_smoothing_changes_nothing():
    flux = np.array([1.0, np.nan, 2.0])
    assert numbers.smoothed(flux, 0) is flux


def test_the_noise_band_has_no_height_where_nothing_is_known():
    flux, noise = np.array([np.nan, 1.0, np.nan, 3.0, 4.0]), np.array([0.1, 0.5, 0.1, np.nan, 1.0])
    low, high = numbers.noise_band(flux, noise)
    assert low.tolist() == [1.0, 0.5, 1.0, 1.0, 3.0]
    assert high.tolist() == [1.0, 1.5, 1.0, 1.0, 5.0]
    assert [band.tolist() for band in numbers.noise_band(np.full(2, np.nan), np.ones(2))] == [[0.0, 0.0]] * 2


def test_residuals_are_over_noise_and_model_error_and_unknown_where_hidden():
    flux, noise, model = np.full(4, 2.0), np.array([0.5, 0.5, np.nan, 0.5]), np.ones(4)
    hidden = np.array([False, False, False, True])
    found = numbers.residuals(flux, noise, model, np.array([0.0, 0.5, 0.0, np.nan]), hidden)
    np.testing.assert_allclose(found, [2.0, math.sqrt(2.0), np.nan, np.nan])
    np.testing.assert_allclose(numbers.residuals(flux, noise, model, None, hidden)[:2], 2.0)


def test_the_axis_of_fluxes_follows_what_is_on_screen():
    w, flux = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.0, 2.0, 100.0])
    assert numbers.flux_ends(w, flux, np.array([np.nan, 1, 1, 1]), (1, 3)) == pytest.approx((-0.12, 2.44))
    assert numbers.flux_ends(w, flux, np.zeros(4), (10, 20)) == (0.0, 1.0)


def test_the_axis_of_residuals_leaves_out_the_largest():
    pull = np.full(1000, 3.5)
    pull[7] = -90.0
    assert numbers.pull_end(pull) == pytest.approx(4.55)
    assert [numbers.pull_end(np.array(values)) for values in ([np.nan], [0.1, 0.2], [1e4])] == [5.0, 4.0, 50.0]


def test_differences_and_ratios_have_an_axis_also_where_nothing_is_known():
    unknown = np.array([np.nan])
    assert numbers.compared_ends(unknown, ratio=True) == (0.0, 2.0)
    assert numbers.compared_ends(unknown, ratio=False) == (-1.0, 1.0)
    assert numbers.compared_ends(np.ones(3), ratio=True) == pytest.approx((0.98, 1.02))


def test_crowded_names_of_lines_step_down():
    assert numbers.label_steps([1, 2, 3, 4, 50], 5) == [0, 1, 2, 0, 0]


def test_runs_of_masked_pixels_reach_halfway_to_their_neighbours():
    w = np.arange(1.0, 6.0)
    assert numbers.runs(w, np.array([False, True, True, False, True])) == ((1.5, 3.5), (4.5, 5.5))
    assert numbers.runs(w, np.zeros(5, bool)) == ()


# ---- drawings ----


@pytest.fixture
def content(star_library):
    """A star with a model, and another one pinned."""
    spectra, obsid = star_library.products.spectra, star_library.table["obsid"]
    other = spectra.get(int(obsid[OTHER]))
    pin = Pin(str(other.obsid), "#e69f00", np.where(other.mask, np.nan, other.flux))
    error = np.full(other.flux.size, 0.03)
    return SpectrumContent(spectra.get(int(obsid[STAR])), 120.0, pins=(pin,), model_error=error)


def test_residuals_of_the_drawing_are_those_of_the_fit(content):
    spectrum, masked = content.spectrum, ((6500.0, 6520.0),)
    residuals = values_of(drawing_of(replace(content, masked=masked)).residuals.values)
    error = np.hypot(1.0 / np.sqrt(np.where(content.good, spectrum.ivar, np.nan)), 0.03)
    good = content.good & np.isfinite(spectrum.model) & ~in_any(spectrum.wavelength, masked)
    np.testing.assert_allclose(residuals[good], ((spectrum.flux - spectrum.model) / error)[good], atol=0.005)
    assert np.isnan(residuals[~good]).all()
    trial = drawing_of(replace(content, trial=spectrum.flux - 0.03))
    np.testing.assert_allclose(
        values_of(trial.residuals.values)[content.good], (0.03 / error)[content.good], atol=0.005
    )
    assert trial.residuals.label.startswith("trial")
    assert [text for text, _ in map(tuple_of, trial.curves)] == ["data", "published model", "trial model"]


def tuple_of(row):
    return tuple(getattr(row, name) for name in row.__struct_fields__)


def test_large_residuals_are_marked_at_the_edge(content):
    spectrum = content.spectrum
    flux = spectrum.flux.copy()
    pixel = int(np.flatnonzero(content.good & np.isfinite(spectrum.model))[500])
    flux[pixel] -= 100.0
    residuals = drawing_of(replace(content, spectrum=replace(spectrum, flux=flux))).residuals
    low, high = residuals.ends
    assert low == -high
    (mark,) = [mark for mark in residuals.beyond if mark.wavelength == spectrum.wavelength[pixel]]
    assert (mark.at, mark.upwards) == (numbers.PULL_EDGE * low, False)
    assert all(
        abs(values_of(residuals.values)[spectrum.wavelength == mark.wavelength]) > high for mark in residuals.beyond
    )


def test_the_observed_frame_moves_everything_but_telluric_bands(content):
    factor = float(doppler_factor(content.rv_kms))
    rest, seen = drawing_of(content), drawing_of(replace(content, look=look(observed=True)))
    assert (rest.stretch, seen.stretch) == (1.0, factor)
    np.testing.assert_allclose(seen.ends, factor * np.array(rest.ends))
    np.testing.assert_allclose([mark.wavelength for mark in seen.marks], [factor * m.wavelength for m in rest.marks])
    assert [(band.low, band.high) for band in seen.telluric] == [(low, high) for _, low, high in TELLURIC]
    np.testing.assert_allclose([band.low for band in rest.telluric], [low / factor for _, low, _ in TELLURIC])
    assert seen.arm_edge > RED_ARM_START
    assert rest.arm_edge == pytest.approx(seen.arm_edge / factor)
    np.testing.assert_array_equal(seen.flux.steps, rest.flux.steps)
    unknown = drawing_of(replace(content, rv_kms=np.nan, look=look(observed=True)))
    assert unknown.stretch == 1.0


def test_not_normalised_everything_takes_the_continuum(content):
    spectrum = content.spectrum
    continuum = (50.0 + np.arange(spectrum.flux.size)).astype(np.float32)
    known = replace(content, spectrum=replace(spectrum, continuum=continuum), trial=0.9 * spectrum.model)
    plain, raw = drawing_of(known), drawing_of(replace(known, look=look(raw=True)))
    for name in ("flux", "low", "high", "model", "trial"):
        good = content.good
        shown, unscaled = (values_of(getattr(drawing, name)) for drawing in (raw, plain))
        np.testing.assert_allclose(shown[good], (unscaled * continuum)[good], rtol=3e-4, atol=1e-2)
    np.testing.assert_allclose(values_of(raw.pinned[0].flux), values_of(plain.pinned[0].flux) * continuum, rtol=1e-3)
    np.testing.assert_array_equal(raw.residuals.values.steps, plain.residuals.values.steps)
    assert raw.flux_label == "flux [instrumental]"


@pytest.mark.parametrize("compare", ["difference", "ratio"])
def test_the_lower_axes_compare_with_pinned_stars(content, compare):
    drawing = drawing_of(replace(content, look=look(compare=compare, smooth=2)))
    own, theirs = numbers.smoothed(content.flux, 2), numbers.smoothed(content.pins[0].flux, 2)
    expected = own / theirs if compare == "ratio" else own - theirs
    np.testing.assert_allclose(values_of(drawing.compared.curves[0]), expected, rtol=1e-3, atol=1e-3)
    assert drawing_of(replace(content, pins=(), look=look(compare=compare))).compared is UNSET


def test_what_is_switched_off_is_not_drawn(content):
    hidden = drawing_of(replace(content, pins=(), look=look(lines=False, model=False, residual=False)))
    assert hidden.marks == ()
    assert hidden.model is UNSET
    assert not hidden.lower
    assert [tuple_of(curve) for curve in hidden.curves] == [("data", "data")]


def test_a_zoom_sets_the_axes_and_spreads_the_names(content):
    whole, zoomed = drawing_of(content), drawing_of(replace(content, zoom=(8440.0, 8720.0)))
    assert zoomed.ends == (8440.0, 8720.0)
    inside = in_any(content.spectrum.wavelength, [zoomed.ends])
    assert zoomed.flux_ends[0] < np.nanmin(values_of(zoomed.flux)[inside])
    assert whole.ends == (content.spectrum.wavelength[0], content.spectrum.wavelength[-1])
    triplet = [mark for mark in zoomed.marks if 8440 < mark.wavelength < 8720]
    assert len({mark.top for mark in triplet}) == 1
    crowded = [mark for mark in whole.marks if 8440 < mark.wavelength < 8720]
    assert len({mark.top for mark in crowded}) > 1


def test_spectra_of_any_kind_are_drawn(content):
    wavelength = np.arange(3360.0, 10200.0, 20.0)
    nothing = np.full(wavelength.size, np.nan, np.float32)
    mask = np.ones(wavelength.size, bool)
    bare = StoredSpectrum(7, wavelength, nothing, np.zeros_like(nothing), mask, nothing, nothing)
    drawing = drawing_of(replace(content, spectrum=bare, pins=(), model_error=None))
    assert (drawing.telluric, drawing.arm_edge, drawing.lower) == ((), None, False)
    assert drawing.flux_ends == (0.0, 1.0)
    assert drawing.residuals.ends == (-5.0, 5.0)
    assert drawing.masked == ((wavelength[0] - 10.0, wavelength[-1] + 10.0),)
    assert (values_of(drawing.low) == 0).all()


@pytest.mark.parametrize("number", range(0, 90, 15))
def test_observed_spectra_are_drawn(shared_data, number):
    """Fluxes as they were observed, with gaps, masked pixels and spikes."""
    path = sorted((shared_data / "spectra").glob("*.fits*"))[number]
    observed = read_spectrum(path)
    blank = np.full(observed.flux.size, np.nan, np.float32)
    level = np.float32(np.nanmedian(observed.flux[~observed.mask]))
    flux, ivar = (observed.flux / level).astype(np.float32), (observed.ivar * level**2).astype(np.float32)
    stored = StoredSpectrum(1, observed.wavelength, flux, ivar, observed.mask, blank, blank)
    content = SpectrumContent(stored, rv_kms=0.0, look=look(smooth=2))
    drawing = drawing_of(content)
    np.testing.assert_array_equal(in_any(observed.wavelength, drawing.masked), ~content.good)
    drawn, low, high = map(values_of, (drawing.flux, drawing.low, drawing.high))
    known = drawn[np.isfinite(drawn)]
    inside = (known > drawing.flux_ends[0]) & (known < drawing.flux_ends[1])
    assert inside.mean() > 0.99
    assert np.isfinite(low).all()
    assert (high >= low - drawing.low.step).all()
    assert not drawing.lower
    (axes,) = draw_spectrum(observed.wavelength, drawing, path.name, "").axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), drawn)


# ---- the picture ----


def picture(content, **changes):
    content = replace(content, **changes)
    return drawing_of(content), draw_spectrum(content.spectrum.wavelength, drawing_of(content), "a star", "a note").axes


def test_the_picture_has_the_curves_of_the_page(content):
    drawing, (top, below) = picture(content, trial=0.9 * content.spectrum.model)
    curves = {line.get_label(): line.get_ydata() for line in top.lines}
    (pin,) = drawing.pinned
    shown = {"data": drawing.flux, "published model": drawing.model, "trial model": drawing.trial, pin.obsid: pin.flux}
    for name, values in shown.items():
        np.testing.assert_array_equal(curves[name], values_of(values))
    assert top.get_ylim() == pytest.approx(drawing.flux_ends)
    np.testing.assert_array_equal(below.lines[1].get_ydata(), values_of(drawing.residuals.values))
    assert below.texts[0].get_text() == drawing.residuals.about == "(data − trial) / √(noise² + model error²)"
    assert below.get_ylabel() == drawing.residuals.label
    marks = np.concatenate([line.get_xdata() for line in below.lines[2:]])
    assert sorted(marks) == sorted(mark.wavelength for mark in drawing.residuals.beyond)
    drawing, (_, below) = picture(content, look=look(compare="ratio"))
    np.testing.assert_array_equal(below.lines[0].get_ydata(), values_of(drawing.compared.curves[0]))
    assert below.get_ylim() == pytest.approx(drawing.compared.ends)


def test_the_picture_has_lower_axes_where_the_page_has(content):
    assert len(picture(content, look=look(residual=False))[1]) == 1
    assert "published model" not in {line.get_label() for line in picture(content, look=look(model=False))[1][0].lines}


def test_every_line_of_the_picture_has_its_name(content):
    wavelength = content.spectrum.wavelength
    drawing, (axes, _) = picture(content)
    lines = [line.name for line, _ in shown_lines(BUILT_IN, wavelength[0], wavelength[-1])]
    assert [text.get_text() for text in axes.texts] == lines
    assert [text.xy for text in axes.texts] == [(mark.wavelength, mark.top) for mark in drawing.marks]


# ---- the room ----


@pytest.fixture
def room(star_library, links, make_page):
    page = make_page(star_library, links, Workspace(star_library.table, panels=default_panels(star_library, 2)))
    page.send("connect", seen=True)
    page.send("painted")
    return page


@pytest.fixture
def obsid(room, star_library):
    room.send("focus", obsid=str(star_library.table["obsid"][STAR]))
    return int(star_library.table["obsid"][STAR])


def test_controls_draw_the_star_and_those_that_follow(room, obsid, star_library):
    other = str(star_library.table["obsid"][OTHER])
    mask, pins = [[6500.0, 6520.0]], [other]
    given = controls(obsid, smooth=2, zoom=[6000.0, 7000.0], masked=mask, trial=LABELS, pins=pins, number=5)
    drawn = room.send("draw", **given)["drawn"]
    assert (drawn["obsid"], drawn["number"], tuple(drawn["ends"])) == (str(obsid), 5, (6000.0, 7000.0))
    spectrum = star_library.products.spectra.get(obsid)
    flux = np.where(spectrum.mask, np.nan, spectrum.flux)
    np.testing.assert_allclose(sent(drawn["flux"]), numbers.smoothed(flux, 2), atol=1e-4)
    assert drawn["own"] == [[6500.0, 6520.0]]
    assert [pin["obsid"] for pin in drawn["pinned"]] == [other]
    assert np.isfinite(sent(drawn["trial"])).any()
    room.room.star.send_ahead()
    ahead = room.sent[-1]["ahead"][0]["spectrum"]
    assert (ahead["number"], ahead["own"], "trial" in ahead) == (5, [], False)
    assert tuple(ahead["ends"]) == (6000.0, 7000.0)
    following = room.send("star_step", by=1)["star"]["spectrum"]
    assert (following["own"], "trial" in following, following["pinned"]) == ([], False, [])


def test_a_mask_of_a_star_that_was_left_is_dropped(room, obsid, star_library):
    other = int(star_library.table["obsid"][OTHER])
    drawn = room.send("draw", **controls(other, masked=[[6500.0, 6520.0]], smooth=4))["drawn"]
    assert (drawn["obsid"], drawn["own"]) == (str(obsid), [])
    assert room.room.star.spectrum.controls.look.smooth == 4


def test_a_zoom_is_kept_for_the_next_star_and_the_picture(room, obsid):
    assert room.send("spectrum_zoom", ends=[8440.0, 8440.0], number=8)["message"] == NOT_UNDERSTOOD
    answer = room.send("spectrum_zoom", ends=[8440.0, 8720.0], number=9)
    assert "drawn" not in answer
    assert (answer["frame"]["obsid"], answer["frame"]["number"]) == (str(obsid), 9)
    following = room.send("star_step", by=1)["star"]["spectrum"]
    assert (tuple(following["ends"]), following["number"]) == ((8440.0, 8720.0), 9)
    room.send("star_step", by=-1)
    assert room.room.star.spectrum.controls.obsid == str(obsid)


def test_sliders_stay_when_the_controls_change(room, obsid):
    room.send("slide", labels=LABELS, number=1)
    assert room.room.star.spectrum.trial(STAR) is not None
    drawn = room.send("draw", **controls(obsid, trial=LABELS))["drawn"]
    content = room.room.star.spectrum.content(STAR, room.room.star.context.spectrum(obsid))
    trial = trial_of(content, room.room.star.spectrum.trial(STAR).flux)
    np.testing.assert_array_equal(sent(drawn["trial"]), values_of(trial.flux))
    assert "trial" not in room.send("draw", **controls(obsid))["drawn"]


def test_controls_wait_for_a_star(room):
    assert "drawn" not in room.send("draw", **controls("", smooth=8))
    assert "click one first" in room.send("slide", labels=LABELS, number=1)["message"]
    assert room.send("star_step", by=1)["star"]["spectrum"]["number"] == 1


def test_a_new_page_has_the_first_look(room, obsid):
    room.send("draw", **controls(obsid, smooth=8, number=4))
    room.room.star.connect()
    assert room.sent[-1]["star"]["spectrum"]["number"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"smooth": 3},
        {"smooth": 1e9},
        {"compare": "both"},
        {"masked": [[1.0, 2.0]] * 201},
        {"pins": ["1"] * 5},
        {"pins": ["x"]},
        {"trial": LABELS | {"teff": None}},
        {"trial": {"teff": 4000.0}},
        {"zoom": [np.inf, 1.0]},
        {"zoom": [6000.0, 6000.0]},
        {"zoom": [-1.7e308, 1.7e308]},
        {"measured": [8500.0, 8500.0]},
        {"continuum": "none"},
    ],
    ids=repr,
)
def test_nonsense_changes_no_drawing(room, obsid, wrong):
    before = room.room.star.spectrum.controls
    assert room.send("draw", **controls(obsid, **wrong))["message"] == NOT_UNDERSTOOD
    assert room.room.star.spectrum.controls == before
