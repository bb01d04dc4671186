"""Constants that Python declares for the scripts: current, complete, and drawn with alike in both languages."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from explorer.charts import spectrum_numbers as numbers
from explorer.charts.journal import FORMATS
from explorer.rooms import star
from explorer.rooms.channel import asset
from explorer.rooms.declared import key_names, script
from explorer.rooms.help import SHORTCUTS
from explorer.rooms.shortcuts import PAGE_HELP, PAGE_KEYS, STAR_KEYS, VERDICT_KEYS, help_rows, vetting_help, written
from explorer.vetting.rules import FLAG_KEYS
from tests.javascript import run

PROGRAM = """
import * as numbers from "./figures/spectrum_numbers.js"
const [name, given] = JSON.parse(await new Response(Deno.stdin.readable).text())
const known = (one) => one === null ? NaN : one
const revived = given.map((one) => Array.isArray(one) && one.length > 2 ? Float32Array.from(one, known) : one)
if (name === "fluxEnds") revived.splice(0, 3, { w: revived[0], flux: revived[1], model: revived[2] })
console.log(JSON.stringify(Array.from(numbers[name](...revived))))
"""


def on_page(name, *given):
    """Result of a function of the page, as an array."""
    plain = [
        [None if np.isnan(one) else float(one) for one in value] if isinstance(value, np.ndarray) else value
        for value in given
    ]
    done = run("eval", "--ext=js", PROGRAM, text=json.dumps([name, plain]))
    assert done.returncode == 0, done.stderr
    return np.array([np.nan if one is None else one for one in json.loads(done.stdout)])


@pytest.fixture(scope="module")
def spectrum():
    """Wavelengths, fluxes and models with unknown pixels and a few outliers."""
    random = np.random.default_rng(5)
    wavelength = 4000.0 * 10 ** (1e-4 * np.arange(1500)).astype(np.float32)
    flux = random.normal(1.0, 0.1, 1500).astype(np.float32)
    flux[random.integers(0, 1500, 60)] = np.nan
    flux[[10, 700]] = 9.0, -7.0
    return wavelength, flux, random.normal(1.0, 0.02, 1500).astype(np.float32)


def test_the_module_of_the_scripts_is_current():
    assert asset("js", "base/declared.js") == script(), "python -m explorer.rooms.declared"


@pytest.mark.parametrize("pixels", numbers.SMOOTHINGS)
def test_smoothing_is_the_same_in_both_languages(spectrum, pixels):
    _, flux, _ = spectrum
    np.testing.assert_allclose(numbers.smoothed(flux, pixels), on_page("smooth", flux, pixels), rtol=1e-5)


@pytest.mark.parametrize("ends", [[4000.0, 9000.0], [4200.0, 4300.0], [1.0, 2.0]])
def test_the_axis_of_fluxes_is_the_same_in_both_languages(spectrum, ends):
    expected = numbers.flux_ends(*spectrum, tuple(ends))
    np.testing.assert_allclose(expected, on_page("fluxEnds", *spectrum, ends), rtol=1e-5)


@pytest.mark.parametrize("scale", [0.0, 1.0, 20.0, 1e4])
def test_the_axis_of_residuals_is_the_same_in_both_languages(spectrum, scale):
    pull = scale * (spectrum[1] - 1.0)
    end = numbers.pull_end(pull)
    np.testing.assert_allclose([-end, end], on_page("pulled", pull), rtol=1e-5)


@pytest.mark.parametrize("ratio", [True, False])
def test_the_axis_of_comparisons_is_the_same_in_both_languages(spectrum, ratio):
    _, flux, model = spectrum
    for values in (flux - model, np.full(5, np.nan)):
        np.testing.assert_allclose(
            numbers.compared_ends(values, ratio=ratio), on_page("spread", values, ratio), rtol=1e-5
        )


def test_names_of_lines_are_placed_alike_in_both_languages():
    lines = np.array([5000.0, 5010.0, 5020.0, 5030.0, 5100.0, 5101.0])
    assert numbers.label_steps(lines.tolist(), 15.0) == on_page("labelSteps", lines, 15.0).tolist()


def test_no_key_has_two_meanings_on_a_page():
    star_keys = [key for keys in STAR_KEYS.values() for key in keys]
    shared = {key for key, count in Counter([*PAGE_KEYS, *star_keys]).items() if count > 1}
    assert shared == {"x"}, "x resets the zoom of views and spectrum"
    vetting = Counter([*VERDICT_KEYS.values(), *FLAG_KEYS, *"0123456789", *star_keys])
    assert max(vetting.values()) == 1


def test_help_explains_every_key():
    letters = {key for keys in STAR_KEYS.values() for key in keys if not key.startswith("Shift+")}
    explained = {key for row in PAGE_HELP for key in row.keys}
    assert explained == letters | set(PAGE_KEYS)
    assert dict(SHORTCUTS)["Shift+U"] == "redo"
    vetting = {key for row in vetting_help() for key in row.keys}
    assert set(VERDICT_KEYS.values()) - vetting == {"?"}


def test_keys_are_written_as_printed():
    assert [written(key) for key in ("u", "U", "/", "ArrowLeft")] == ["u", "Shift+U", "/", "←"]
    assert key_names()["redo"] == "Shift+U"
    assert help_rows(PAGE_HELP) == SHORTCUTS


def test_forms_that_the_page_offers_can_be_written():
    assert set(star.FORMS) <= {"fits", *FORMATS}
    assert len(numbers.PIN_COLOURS) == star.MAX_PINS
