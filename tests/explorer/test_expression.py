"""Expressions: meaning, errors with their positions, and no execution of code."""

import json
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.model.completion import completions
from explorer.model.expression import Matches, parse
from explorer.model.selection import Everything, HasFlag, InCone, InRange, Joined, Named, Nothing, from_dict
from explorer.model.tokens import MAX_CHARACTERS, ExpressionError
from explorer.model.vocabulary import Names

N = 500
_RNG = np.random.default_rng(11)
COLUMNS = {
    "obsid": np.arange(1, N + 1, dtype=np.int64),
    "teff": np.where(_RNG.random(N) < 0.15, np.nan, _RNG.normal(3800, 120, N)).astype(np.float32),
    "snr": _RNG.gamma(3, 25, N).astype(np.float32),
    "z_gal": _RNG.normal(0, 4, N).astype(np.float32),
    "ra": _RNG.uniform(0, 360, N),
    "dec": _RNG.uniform(-90, 90, N),
    "n_obs": _RNG.integers(1, 4, N).astype(np.int16),
    "quality": (1 << _RNG.integers(0, 16, N)).astype(np.int32),
    "selected": _RNG.random(N) < 0.6,
    "subclass": np.array(["M4", "M5", "K7", ""], object)[_RNG.integers(0, 4, N)],
}
TEFF, SNR, Z = (COLUMNS[name].astype(float) for name in ("teff", "snr", "z_gal"))
LOW_SNR = (COLUMNS["quality"] & 1) != 0
MEANINGS = {
    "teff < 3800 & snr > 50": (TEFF < 3800) & (SNR > 50),
    "teff<3800 and snr>50 or LOW_SNR": ((TEFF < 3800) & (SNR > 50)) | LOW_SNR,
    "teff < 3800 and (snr > 50 or low_snr)": (TEFF < 3800) & ((SNR > 50) | LOW_SNR),
    "not teff < 3800": ~(TEFF < 3800),
    "~(teff < 3800) ^ snr > 50": ~(TEFF < 3800) ^ (SNR > 50),
    "abs(z_gal) > 5 & !LOW_SNR": (np.abs(Z) > 5) & ~LOW_SNR,
    "between(teff, 3700, 3700 + 100)": (TEFF >= 3700) & (TEFF <= 3800),
    "between(abs(z_gal), 1, 2)": (np.abs(Z) >= 1) & (np.abs(Z) <= 2),
    "3700 < teff <= 3800": (TEFF > 3700) & (TEFF <= 3800),
    "-z_gal ** 2 > -4": -(Z**2) > -4,
    "2 ** 3 ** 2 = 512 and snr > 0": SNR > 0,
    "snr / 2 - 3 * 4 + 1 > 10": SNR / 2 - 11 > 10,
    "teff != 3800": np.isfinite(TEFF),
    "known(teff)": np.isfinite(TEFF),
    "selected and subclass == 'M4'": COLUMNS["selected"] & (COLUMNS["subclass"] == "M4"),
    'subclass != "M4"': COLUMNS["subclass"] != "M4",
    "n_obs * 100000 > 250000": COLUMNS["n_obs"] == 3,
    "n_obs < 100000": np.ones(N, bool),
    "max(snr, 50) == 50": SNR <= 50,
    "sqrt(z_gal) > 1": Z > 1,
    "snr < 1e50": np.ones(N, bool),
    "1/0 > 0": np.zeros(N, bool),
    "1/0 != 0 or -1/0 < 0 or ln(0) < 0 or exp(1e4) > 0 or 0 ** -1 > 0": np.zeros(N, bool),
    "snr / (n_obs - n_obs) > 0": np.zeros(N, bool),
    "bright & teff > 0": (SNR > 80) & (TEFF > 0),
}
SUBSETS = {"bright": InRange("snr", 80, 1e9), "none": Nothing()}


@pytest.mark.parametrize("text", MEANINGS)
def test_meanings(text):
    selection = parse(text, COLUMNS, SUBSETS)
    assert np.array_equal(selection.mask(COLUMNS), MEANINGS[text])
    assert from_dict(json.loads(json.dumps(selection.to_dict()))) == selection


def test_expressions_become_the_algebra_of_gestures():
    assert parse("between(teff, 3600, 3800)", COLUMNS) == InRange("teff", 3600, 3800)
    assert parse("low_snr", COLUMNS) == parse("LOW_SNR", COLUMNS)
    assert isinstance(parse("LOW_SNR", COLUMNS), HasFlag)
    assert parse("cone(10, 20, 3)", COLUMNS) == InCone(10, 20, 3)
    assert parse("bright", COLUMNS, SUBSETS) == Named("bright", SUBSETS["bright"])
    assert isinstance(parse("teff < 1 & bright", COLUMNS, SUBSETS), Joined)
    assert parse("TEFF < 1", COLUMNS).mask(COLUMNS).sum() == 0


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("350, 10", 350, 370),
        ("10, -340", 10, 20),
        ("10, 350", 10, 350),
        ("-10, 10", -10, 10),
        ("730, 10", 730, 730),
    ],
)
def test_between_runs_on_round_the_circle(text, low, high):
    selection = parse(f"between(ra, {text})", COLUMNS)
    assert selection == InRange("ra", low, high)
    turned = (COLUMNS["ra"] - low) % 360
    assert np.array_equal(selection.mask(COLUMNS), turned <= high - low)
    assert parse("between(dec, 10, -10)", COLUMNS).mask(COLUMNS).sum() == 0, "this runs round no circle"
    assert parse("between(ra, 1e999, 10)", COLUMNS).mask(COLUMNS).sum() == 0


def test_cone_is_a_circle_on_the_sphere():
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    stars = SkyCoord(COLUMNS["ra"], COLUMNS["dec"], unit="deg")
    for centre in ((0.5, 10.0), (359.9, -85.0), (120.0, 90.0)):
        inside = stars.separation(SkyCoord(*centre, unit="deg")) < 25 * u.deg
        assert np.array_equal(InCone(*centre, 25.0).mask(COLUMNS), inside)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("Tefff < 3800", "Tefff", "Did you mean 'teff'"),
        ("teff", "teff", "is a value"),
        ("snr > 3 & teff", "teff", "The part after '&'"),
        ("teff & snr > 3", "teff", "The part before '&'"),
        ("teff < ", None, "found the end"),
        ("(teff < 3", None, "Expected ')'"),
        ("teff < 3 snr > 4", "snr", "leave 'snr' out"),
        ("teff < (snr > 3) ", "(", "must be a value"),
        ("abs(teff, 2) < 3", "abs", "takes 1 argument"),
        ("abs < 3", "abs", "write abs(...)"),
        ("rv < 3", "rv", "no values of rv"),
        ("subclass < 'M4'", "<", "Text can be equal"),
        ("subclass == 4", "==", "quotation marks"),
        ("1 + 'a' < 3", "'a'", "must be a number"),
        ("teff < 'abc", "'", "Close the quotation"),
        ("teff $ 3", "$", "no meaning"),
        ("cone(ra, 1, 2)", "ra", "not a column"),
        ("cone(NaN, NaN, NaN)", "NaN", "NaN is no number"),
        ("between(teff, 1/0, 3)", "1", "has no value"),
        ("cone(1, 100, 2)", "cone", "declination of -90 to 90"),
        ("(" * 40 + "teff < 3" + ")" * 40, "(", "nested"),
        ("snr > 3 and " * 400, None, "at most"),
        ("", None, "found the end"),
    ],
)
def test_errors_point_at_the_place(text, place, words):
    with pytest.raises(ExpressionError, match=None) as caught:
        parse(text, COLUMNS, SUBSETS)
    assert words in str(caught.value)
    if place is not None:
        assert text[caught.value.start : caught.value.end] == place
    assert 0 <= caught.value.start < caught.value.end <= max(len(text), MAX_CHARACTERS) + 1


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('true')", "().__class__", "teff.__class__ > 1", "lambda: 1", "exec('x')", "[1][0] > 0",
     "open('/etc/passwd')", "{teff}", "teff if 1 else 2", "f'{teff}' == 'x'", "@teff > 1", "`te x` > 1"],
)  # fmt: skip
def test_python_is_no_expression(text):
    with pytest.raises(ExpressionError):
        parse(text, COLUMNS)


def test_a_stored_comparison_is_checked_when_it_is_read():
    for text in ("teff", "teff < 3 & snr > 4", "import os", "nonsense < 3"):
        with pytest.raises(ValueError, match=r"\S"):
            from_dict({"kind": "matches", "text": text})
    assert Matches("teff < 3").mask(COLUMNS).sum() == 0


OLD_TEXTS = {
    "(teff) == (teff)": np.isfinite(TEFF),
    "(1) <= (abs(z_gal)) <= (2)": (np.abs(Z) >= 1) & (np.abs(Z) <= 2),
    "TEFF<3800": TEFF < 3800,
    "selected == 1": COLUMNS["selected"],
    "0 < snr != 50": SNR != 50,
    "sin(z_gal) > 0.01": np.sin(np.radians(Z)) > 0.01,
    'subclass != "M4"': COLUMNS["subclass"] != "M4",
    "-z_gal ** 2 > -4": -(Z**2) > -4,
}
"""Comparisons as links of earlier versions store them."""


@pytest.mark.parametrize("text", OLD_TEXTS)
def test_a_comparison_that_an_earlier_version_stored_keeps_its_meaning(text):
    stored = from_dict({"kind": "matches", "text": text, "own": []})
    assert np.array_equal(stored.mask(COLUMNS), OLD_TEXTS[text])


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused_with_a_place(text):
    start, end = 0, 1
    try:
        parse(text, COLUMNS, SUBSETS).mask(COLUMNS)
    except ExpressionError as error:
        start, end = error.start, error.end
    assert start < end


def test_fuzzed_words_neither_crash_nor_hang():
    rng = random.Random(5)
    begun = time.perf_counter()
    valid = 0
    for _ in range(8_000):
        text = fuzzed(rng)
        try:
            mask = parse(text, COLUMNS, SUBSETS).mask(COLUMNS)
        except ExpressionError:
            continue
        valid += 1
        assert mask.shape == (N,)
        assert mask.dtype == np.bool_
    assert valid > 300
    assert time.perf_counter() - begun < 60


def fuzzed(rng):
    """Half of the strings grow from the grammar, so that many are valid; the rest are heaps of words."""
    if rng.random() < 0.5:
        return condition(rng, rng.randint(1, 4))
    words = ["teff", "snr", "LOW_SNR", "bright", "abs(", "between(", "cone(", "(", ")", ",", "<", ">=", "==", "!=", "&",
             "|", "~", "not", "and", "xor", "+", "-", "*", "/", "**", "3", "1e5", ".5", "'M4'", "subclass", " ", "\x00",
             "é", "__import__", "9" * 40, "1e999", "\n", "."]  # fmt: skip
    return "".join(rng.choice(words) for _ in range(rng.randint(1, 14)))


def condition(rng, depth):
    if depth == 0:
        return rng.choice(["LOW_SNR", "bright", "selected", "subclass == 'M4'", "known(teff)", "cone(10, 20, 30)"])
    pick = rng.randint(0, 4)
    if pick == 0:
        return f"{condition(rng, depth - 1)} {rng.choice(['and', '|', '&', 'xor'])} {condition(rng, depth - 1)}"
    if pick == 1:
        return f"not ({condition(rng, depth - 1)})"
    return f"{value(rng, depth)} {rng.choice(['<', '<=', '>', '==', '!='])} {value(rng, depth)}"


def value(rng, depth):
    if depth == 0:
        return rng.choice(["teff", "snr", "z_gal", "n_obs", "3", "-2.5e3", "0", "1e400"])
    pick = rng.randint(0, 3)
    if pick == 0:
        return f"({value(rng, depth - 1)} {rng.choice(['+', '-', '*', '/', '**'])} {value(rng, depth - 1)})"
    return f"{rng.choice(['abs', 'sqrt', 'ln', 'exp'])}({value(rng, depth - 1)})" if pick == 1 else value(rng, 0)


def test_completion_shows_units_and_replaces_the_word_before_the_cursor():
    columns = Names(["teff", "teff_err", "snr"])
    start, found = completions("snr > 3 & te", 12, columns, ["telescope"])
    assert start == 10
    assert [one.word for one in found][:3] == ["teff", "teff_err", "telescope"]
    assert "[K]" in found[0].help
    assert completions("snr > 3", 7, columns, [])[1] == ()
    assert "LOW_SNR" in [one.word for one in completions("low", 3, columns, [])[1]]
    assert completions("teff_err", 8, columns, [])[1] == (), "nothing is left to complete"
    assert completions("x < temper", 10, columns, [])[1][0].word == "teff"
    start, found = completions("snr > 3 & `by e", 15, Names(["m_h", "snr"]), ["Sgr by eye"])
    assert (start, [one.word for one in found]) == (10, ["`Sgr by eye`"])
    assert completions("`Sgr by eye`", 12, columns, ["Sgr by eye"])[1] == ()
    assert completions("distance > 20 kp", 16, Names(["distance", "x_gal"]), [])[1] == (), "a unit follows a number"
    assert completions("kpc", 3, Names(["distance", "x_gal"]), [])[1] == (), "a unit is no meaning"
    start, found = completions("3 < [M", 6, Names(["m_h", "snr"]), [])
    assert (start, [one.word for one in found][:1]) == (4, ["m_h"])
    assert "m_h" in [one.word for one in completions("metal", 5, Names(["m_h", "snr"]), [])[1]]


def test_everything_is_the_selection_of_no_filter():
    assert Everything().mask(COLUMNS).all()
