"""Expressions as astronomers type them: they mean what an independent computation says, or are refused."""

import json
import math

import numpy as np
import pytest

from explorer.model.expression import Matches, parse, read, read_value
from explorer.model.selection import InRange, from_dict
from explorer.model.tokens import ExpressionError
from explorer.model.units import spelled
from explorer.model.vocabulary import Names, Vocabulary

N = 2_000
_RNG = np.random.default_rng(25)


def normal(mean, width, missing=0.0):
    values = _RNG.normal(mean, width, N)
    return np.where(_RNG.random(N) < missing, np.nan, values).astype(np.float32)


T = {
    "obsid": 8_000_000_000 + np.arange(1, N + 1, dtype=np.int64),
    "teff": normal(3800, 150, 0.1),
    "logg": normal(0.8, 0.4),
    "m_h": normal(-0.6, 0.4, 0.1),
    "snr": _RNG.gamma(3, 25, N).astype(np.float32),
    "rv": normal(0, 120),
    "rv_err": np.abs(normal(4, 2)),
    "rv_gaia": normal(0, 120, 0.2),
    "distance": _RNG.gamma(2, 5, N).astype(np.float32),
    "x_gal": normal(-8, 5),
    "y_gal": normal(0, 5),
    "z_gal": normal(0, 4),
    "ra": _RNG.uniform(0, 360, N),
    "dec": _RNG.uniform(-90, 90, N),
    "glon": _RNG.uniform(0, 360, N),
    "glat": _RNG.uniform(-90, 90, N),
    "eccentricity": _RNG.random(N).astype(np.float32),
    "energy": normal(-1e5, 3e4),
    "j_phi": normal(500, 1500),
    "sgr_probability": _RNG.random(N).astype(np.float32),
    "sgr_lambda": np.round(_RNG.uniform(0, 360, N)).astype(np.float32),
    "sgr_beta": normal(0, 20),
    "oddness": _RNG.gamma(2, 1, N).astype(np.float32),
    "parallax": normal(0.2, 0.1),
    "parallax_err": np.abs(normal(0.05, 0.02)) + np.float32(0.01),
    "quality": (1 << _RNG.integers(0, 8, N)).astype(np.int32) * _RNG.integers(0, 2, N).astype(np.int32),
    "in_training": _RNG.random(N) < 0.4,
    "subclass": np.array(["M4", "M5", "K7", "M giant", ""], object)[_RNG.integers(0, 5, N)],
    "object_class": np.array(["STAR"] * N, object),
    "e_jk": normal(0.1, 0.05),
}
D = {name: values.astype(float) if values.dtype.kind == "f" else values for name, values in T.items()}
SGR = InRange("sgr_probability", 0.5, 1.0)
SUBSETS = {"Sgr by eye": SGR, "disc": InRange("z_gal", -1, 1), "Sgr": SGR}
CLASS = T["subclass"].astype(str)


def vocabulary(subsets=None, selection=SGR):
    return Vocabulary(Names(list(T)), SUBSETS if subsets is None else subsets, T, selection)


def single(value):
    """A number as single precision has it, in which columns of float32 are compared with numbers."""
    return float(np.float32(value))


def inside_cone(ra, dec, radius):
    from astropy.coordinates import SkyCoord

    stars = SkyCoord(T["ra"], T["dec"], unit="deg")
    return stars.separation(SkyCoord(ra, dec, unit="deg")).deg <= radius


def percentile(name, percent, rows=slice(None)):
    return single(np.percentile(D[name][rows][np.isfinite(D[name][rows])], percent))


M_H = D["m_h"]
LOW_SNR = (T["quality"] & 1) != 0
ACCEPTED = {
    "teff < 3800 K": D["teff"] < 3800,
    "rv > 100 km/s": D["rv"] > 100,
    "dist > 20": D["distance"] > 20,
    "distance > 20kpc": D["distance"] > 20,
    "m_h between -1 and -0.5": (M_H >= -1) & (M_H <= -0.5),
    "between(m_h,-1,-0.5)": (M_H >= -1) & (M_H <= -0.5),
    "-1 < m_h < -0.5": (M_H > -1) & (M_H < -0.5),
    "feh < -1": M_H < -1,
    "[M/H] < -0.5": M_H < -0.5,
    "log10(snr) > 1.5": np.log10(D["snr"]) > 1.5,
    "log(snr) > 2": np.log10(D["snr"]) > 2,
    "abs(b) > 30": np.abs(D["glat"]) > 30,
    "abs(glat) > 30": np.abs(D["glat"]) > 30,
    "sqrt(x_gal^2+y_gal^2) > 10": np.hypot(D["x_gal"], D["y_gal"]) > 10,
    "sqrt(x_gal**2 + y_gal**2) > 10": np.hypot(D["x_gal"], D["y_gal"]) > 10,
    "j_phi < 0 && e_tot < 0": (D["j_phi"] < 0) & (D["energy"] < 0),
    "teff > 3800 and logg < 1": (D["teff"] > 3800) & (D["logg"] < 1),
    "rv_gaia - rv > 10": D["rv_gaia"] - D["rv"] > 10,
    "abs(rv - rv_gaia) > 5*rv_error": np.abs(D["rv"] - D["rv_gaia"]) > 5 * D["rv_err"],
    "class == 'M giant'": CLASS == "M giant",
    "class = 'giant'": CLASS == "giant",
    "isnan(m_h)": np.isnan(M_H),
    "m_h == NaN": np.isnan(M_H),
    "not known(m_h)": np.isnan(M_H),
    "known(dist)": np.isfinite(D["distance"]),
    "quality == 0": T["quality"] == 0,
    "quality & 8 == 0": (T["quality"] & 8) == 0,
    "quality & LOW_SNR": LOW_SNR,
    "not (LOW_SNR or BAD_CHI2)": "not LOW_SNR and not BAD_CHI2",
    "~LOW_SNR": ~LOW_SNR,
    "!LOW_SNR": ~LOW_SNR,
    "TEFF<3800": D["teff"] < 3800,
    "Teff < 3800": D["teff"] < 3800,
    "p_sgr > 0.8": D["sgr_probability"] > single(0.8),
    "ecc > 0.8": D["eccentricity"] > single(0.8),
    "eccentricity > 0.8": D["eccentricity"] > single(0.8),
    "oddness > 3": D["oddness"] > 3,
    "sgr_lambda in (100,150)": (T["sgr_lambda"] == 100) | (T["sgr_lambda"] == 150),
    "cone(180,20,5)": inside_cone(180, 20, 5),
    "cone('12:00:00','+20:00:00', 300 arcmin)": inside_cone(180, 20, 5),
    "obsid in [8000000001,8000000002]": T["obsid"] <= 8_000_000_002,
    "obsid == 8000000001": T["obsid"] == 8_000_000_001,
    "dist*sin(radians(glat)) > 5": D["distance"] * np.sin(np.radians(D["glat"])) > 5,
    "sin(glat) > 0.5": np.sin(np.radians(D["glat"])) > 0.5,
    "sin(glat*pi/180)>0.5": np.sin(D["glat"] * math.pi / 180) > 0.5,
    "teff < 3.8e3": D["teff"] < 3800,
    "snr > 50 % 2": D["snr"] > 0,
    "min(snr, 50) < 20": np.minimum(D["snr"], 50) < 20,
    "exp(m_h) > 1": M_H > 0,
    "10^m_h > 1": M_H > 0,
    "m_h > mean(m_h)": single(np.nanmean(M_H)) < M_H,
    "top(oddness,20)": D["oddness"] >= np.sort(D["oddness"])[-20],
    "percentile(oddness) > 99": D["oddness"] > percentile("oddness", 99),
    "in_training == True": T["in_training"],
    "in_training": T["in_training"],
    "like(class,'M%')": np.char.startswith(CLASS, "M"),
    "teff/logg > 5000": D["teff"] / D["logg"] > 5000,
    "1 kpc < distance": D["distance"] > 1,
    "parallax/parallax_error > 5": D["parallax"] / D["parallax_err"] > 5,
    "plx > 0": D["parallax"] > 0,
    "ra > 12h": T["ra"] > 180,
    "snr > 50 # comment": D["snr"] > 50,
    "Sgr": D["sgr_probability"] >= 0.5,
}
_SOME = D["teff"] < 3800
FURTHER = {
    "e > 0.8 || E > -1e5": (D["eccentricity"] > single(0.8)) | (D["energy"] > -1e5),
    "b > 30 and l < 90": (D["glat"] > 30) & (D["glon"] < 90),
    "`Sgr by eye` & teff > 3800": (D["sgr_probability"] >= 0.5) & (D["teff"] > 3800),
    "`[M/H]` < -0.5": M_H < -0.5,
    "p(Sgr) > 0.5": D["sgr_probability"] > 0.5,
    "E(J-Ks) > 0.1": D["e_jk"] > single(0.1),
    "x_gal^2 + y_gal^2 < 25": D["x_gal"] ** 2 + D["y_gal"] ** 2 < 25,
    "teff < 3800 xor logg < 1": (D["teff"] < 3800) ^ (D["logg"] < 1),
    "(teff < 3800) ^ (logg < 1)": (D["teff"] < 3800) ^ (D["logg"] < 1),
    "in_training ^ LOW_SNR": T["in_training"] ^ LOW_SNR,
    "in_training == False": ~T["in_training"],
    "not in_training and True": ~T["in_training"],
    "(teff < 3800) == false": ~(D["teff"] < 3800),
    "LOW_SNR == 0": ~LOW_SNR,
    "quality & 6 != 0 & snr > 20": ((T["quality"] & 6) != 0) & (D["snr"] > 20),
    "(quality & 12) = 4": (T["quality"] & 12) == 4,
    "m_h != NaN": np.isfinite(M_H),
    "m_h is null": np.isnan(M_H),
    "m_h is not null": np.isfinite(M_H),
    "isfinite(m_h)": np.isfinite(M_H),
    "known(class)": CLASS != "",
    "class in ('M4', 'M5')": (CLASS == "M4") | (CLASS == "M5"),
    "class not in ('M4', 'M5')": (CLASS != "M4") & (CLASS != "M5"),
    "class like 'M_'": (CLASS == "M4") | (CLASS == "M5"),
    "class not like 'M%'": ~np.char.startswith(CLASS, "M"),
    "m_h not between -1 and 0": ~((M_H >= -1) & (M_H <= 0)),
    "ra between 23h and 1h": (T["ra"] >= 345) | (T["ra"] <= 15),
    "ra > 12:30:00": T["ra"] > 187.5,
    "dec < -05:30:00": T["dec"] < -5.5,
    "dec > -5d30m": T["dec"] > -5.5,
    "distance > 5000 pc": D["distance"] > 5,
    "distance > 5000 parsecs and glat > 30 degrees": (D["distance"] > 5) & (D["glat"] > 30),
    "x_gal + 500 pc > -3 kpc": D["x_gal"] + 0.5 > -3,
    "rv_gaia - rv > 10000 m/s": D["rv_gaia"] - D["rv"] > 10,
    "sqrt(x_gal^2 + y_gal^2) > 10 kpc": np.hypot(D["x_gal"], D["y_gal"]) > 10,
    "x_gal^2 < 4 kpc^2": D["x_gal"] ** 2 < 4,
    "distance / 1000 pc > 5": D["distance"] > 5,
    "5 kpc / distance < 1": 5 / D["distance"] < 1,
    "distance between 1 kpc and 5000 pc": (D["distance"] >= 1) & (D["distance"] <= 5),
    "max(distance, 5000 pc) == 5": np.maximum(D["distance"], 5) == 5,
    "glat > 30°": D["glat"] > 30,
    "sin(30 deg) < snr": D["snr"] > 0.5,
    "cos(60 arcmin) > 0.9 & sin(pi/2) > 0.9 & snr > 0": D["snr"] > 0,
    "asin(0.5) > 29.9 and atan2(1, 1) == 45 and snr > 50": D["snr"] > 50,
    "tan(atan(2)) > 1.99 & snr > 50": D["snr"] > 50,
    "sin(parallax / 1000) * 1e11 > 0.5": np.sin(D["parallax"] / 1000 * math.pi / 180 / 3.6e6) * 1e11 > 0.5,
    "pow(snr, 0.5) > 7": np.sqrt(D["snr"]) > 7,
    "snr ≥ 50 && teff ≠ 0": (D["snr"] >= 50) & np.isfinite(D["teff"]),
    "snr > −5": D["snr"] > -5,
    "ABS(z_gal) > 2 AND SQRT(snr) > 6": (np.abs(D["z_gal"]) > 2) & (np.sqrt(D["snr"]) > 6),
    "m_h > median(m_h, disc)": single(np.nanmedian(M_H[np.abs(D["z_gal"]) <= 1])) < M_H,
    "m_h > median(m_h, selection)": single(np.nanmedian(M_H[D["sgr_probability"] >= 0.5])) < M_H,
    "oddness >= percentile(oddness, 90, `Sgr by eye`)": D["oddness"]
    >= percentile("oddness", 90, D["sgr_probability"] >= 0.5),
    "5 < percentile(oddness)": D["oddness"] > percentile("oddness", 5),
    "snr == max(snr)": D["snr"] == D["snr"].max(),
    "bottom(snr, 5)": D["snr"] <= np.sort(D["snr"])[4],
    "snr > 50 # good\nand teff > 0": (D["snr"] > 50) & (D["teff"] > 0),
    "vlos > 3 and Lz > 0": (D["rv"] > 3) & (D["j_phi"] > 0),
    "snr > 50 and (not (teff < 3800))": (D["snr"] > 50) & ~(D["teff"] < 3800),
    "quality & (LOW_SNR | BAD_CHI2) == 0": "not (LOW_SNR or BAD_CHI2)",
    "m_h < mean(m_h, teff < 3800) - 2*std(m_h, teff < 3800)": single(np.nanmean(M_H[_SOME]))
    - 2 * single(np.nanstd(M_H[_SOME]))
    > M_H,
    "snr == min(snr, in_training and teff > 0)": D["snr"] == D["snr"][T["in_training"] & np.isfinite(D["teff"])].min(),
    "top(snr, 5, disc)": (np.abs(D["z_gal"]) <= 1) & (D["snr"] >= np.sort(D["snr"][np.abs(D["z_gal"]) <= 1])[-5]),
}


@pytest.mark.parametrize("text", [*ACCEPTED, *FURTHER])
def test_typed_expressions_select_what_an_independent_computation_does(text):
    expected = {**ACCEPTED, **FURTHER}[text]
    if isinstance(expected, str):
        expected = parse(expected, list(T)).mask(T)
    selection = read(text, vocabulary()).selection
    with np.errstate(all="ignore"):
        assert np.array_equal(selection.mask(T), expected)
    stored = from_dict(json.loads(json.dumps(selection.to_dict())))
    assert stored == selection
    assert np.array_equal(stored.mask(T), expected), "what is stored means the same without units and synonyms"


REFUSED = {
    "tef < 3800": "Did you mean 'teff'",
    "class": "`subclass == 'M5'`",
    "class.startswith('M')": "like(class, 'M%')",
    "snr>50;snr<100": "joined by `and` or `&`",
    "Sgr by eye": "in backticks: `Sgr by eye`",
    '"Sgr by eye"': "in backticks: `Sgr by eye`",
    "teff < 20 kpc": "20 kpc does not fit teff, which is in K",
    "rv > 3 K": "3 K does not fit rv, which is in km/s",
    "distance < 5 parsnips": "'parsnips' is no unit",
    "snr > 3 5": "Expected the end",
    "snr > 5 kpc": "5 kpc does not fit snr, which has no unit",
    "5 > 3 kpc": "5 has no unit",
    "snr ^ 3 kpc > 2": "exponent has no unit",
    "sin(3 kpc) > 0": "3 kpc cannot be converted to deg",
    "cone(180, 20, 5 kpc)": "5 kpc cannot be converted to deg",
    "cone('noon', 20, 5)": "no angle such as '12:30:00'",
    "ra > 12:99:00": "no angle",
    "teff < 4000 ^ snr > 50": "runs in one direction",
    "teff < NaN": "neither larger nor smaller",
    "teff == True": "columns of yes and no",
    "quality & snr > 5": "Bits of quality",
    "quality & (LOW_SNR & BAD_CHI2)": "Bits of quality",
    "teff & 8 == 0": "The part before '&'",
    "subclass in (1, 2)": "subclass is text",
    "snr in ('a', 'b')": "snr is a number",
    "snr in 5": "or '(': a set of values",
    "snr in ()": "Expected a column",
    "teff between 3 or 4": "Expected 'and'",
    "teff like 'M%'": "teff is none",
    "subclass like M": "no column",
    "top(oddness)": "a number of stars",
    "top(oddness, 0)": "whole number from 1",
    "top(oddness, 2.5)": "whole number from 1",
    "percentile(oddness, 101) < snr": "from 0 to 100",
    "percentile(oddness) + 1 > 99": "compared with a number",
    "percentile(oddness) > snr": "compared with a number",
    "mean(m_h, teff < 0) > m_h": "No star of these",
    "mean(m_h, teff) > m_h": "must be true or false",
    "mean(subclass) > 1": "must be a number",
    "pi > mean": "no column, bit, subset or function 'mean'",
    "exp > 3": "exp is a function",
    "d(Sgr) > 3": "no column",
    "jk > 0.3": "no values of jk",
    "B_phi > 3": "no column",
    "snr is 3": "Expected `null`",
    "+".join(["snr"] * 300) + " > 3": "More than 200 parts",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_has_no_meaning_is_refused_with_a_remedy(text):
    with pytest.raises(ExpressionError) as caught:
        read(text, vocabulary({"Sgr by eye": SGR}))
    assert REFUSED[text] in str(caught.value)
    assert 0 <= caught.value.start < caught.value.end <= len(text) + 1


NOTES = {
    "sin(glat) > 0.5": "sin of degrees",
    "sin(radians(glat)) > 0.5": "sin of radians",
    "log(snr) > 2": "log is log10; ln is the natural logarithm",
    "cone(180, 20, 5 arcmin)": "5 arcmin = 0.0833333 deg",
    "ra > 12h": "12 h = 180 deg",
    "cone('12:00:00', 20, 5)": "12:00:00 = 180 deg",
    "e > 0.5": "e is eccentricity",
    "[M/H] < 0": "[M/H] is m_h",
    "sgr_lambda in (100, 150)": "in (…) is a set: one of 2 values; write between for a range",
    "snr ^ 2 > 9": "^ is a power; exclusive or is xor",
    "m_h == NaN": "== NaN: has no value",
    "oddness > percentile(oddness, 90)": f"percentile(oddness, 90) = {percentile('oddness', 90):.6g}, of 2,000 stars",
    "snr > 3": None,
    "teff < 3800 K": None,
}


@pytest.mark.parametrize("text", NOTES)
def test_notes_say_how_an_expression_was_understood(text):
    assert read(text, vocabulary()).notes == (() if NOTES[text] is None else (NOTES[text],))


def test_aggregates_are_recorded_as_numbers():
    selection = read("m_h > mean(m_h, disc) and snr < 3", vocabulary()).selection
    value = single(np.nanmean(M_H[np.abs(D["z_gal"]) <= 1]))
    assert selection.first == Matches(f"m_h > -{float(str(np.float32(-value)))}")
    with pytest.raises(ExpressionError, match="needs the stars of a catalogue"):
        parse("m_h > mean(m_h)", list(T))


def test_names_of_columns_and_subsets_win_over_synonyms():
    import dataclasses

    from pipeline.domain.own_columns import own_column

    own = [own_column(name, "float32", "pc", "", "", "mine.csv", []) for name in ("dist", "e", "pi", "mean")]
    table = T | {item.name: np.full(N, number, np.float32) for number, item in enumerate(own)}
    names = Names([*T, *own])
    assert read("dist == 0 and e == 1 and pi == 2 and mean == 3", Vocabulary(names)).selection.mask(table).all()
    reading = read("dist < 2 * distance", Vocabulary(names))
    assert reading.notes == ("dist is in pc, 2 * distance in kpc: the numbers are taken as they are",)
    assert read("dist < 1 kpc", Vocabulary(names)).selection == Matches("dist < 1000", (("dist", "float32"),))
    with pytest.raises(ExpressionError):
        read("ecc > 2", Vocabulary(Names(list(T)), {"ecc": SGR}, T))  # the subset is meant, which is no number
    twice = dataclasses.replace(own[0], name="other_dist", label="[M/H]")
    with pytest.raises(ExpressionError, match=r"can mean m_h or other_dist\. Use one of these names"):
        read("[M/H] < 0", Vocabulary(Names([*T, twice])))


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("sqrt(x_gal^2 + y_gal^2)", "kpc"),
        ("rv / distance", "km/(kpc s)"),
        ("2 * abs(rv - rv_gaia)", "km/s"),
        ("teff - 3800", "K"),
        ("atan2(y_gal, x_gal)", "deg"),
        ("log(snr)", ""),
        ("rv + distance", ""),
        ("parallax / parallax_err", ""),
        ("distance * 1000 pc", "kpc pc"),
    ],
)
def test_values_carry_the_unit_of_their_parts(text, unit):
    from astropy import units as u

    reading = read_value(text, vocabulary())
    assert spelled(reading.unit) == spelled(u.Unit(unit)) if unit else spelled(reading.unit) == ""


@pytest.mark.parametrize("text", [text for text in [*ACCEPTED, *FURTHER] if " " in text][:40])
def test_what_was_understood_is_an_expression_with_the_same_meaning(text):
    def texts(selection):
        parts = [selection, getattr(selection, "inner", None), getattr(selection, "first", None)]
        return [part.text for part in parts if isinstance(part, Matches)]

    for written in texts(read(text, vocabulary()).selection):
        assert read(written, vocabulary()).selection == Matches(written)


WORDS = [
    "teff", "snr", "[M/H]", "e", "b", "dist", "class", "`disc`", "Sgr", "LOW_SNR", "quality", "in_training",
    "pi", "True", "NaN", "selection", "kpc", "K", "km/s", "12h", "deg", "in", "like", "between", "and", "or",
    "not", "xor", "is", "null", "(", ")", "[", "]", ",", "<", "<=", ">", "==", "!=", "=", "&&", "|", "^", "**",
    "%", "+", "-", "*", "/", "3", "-2.5", "1e400", "'M%'", "'12:00:00'", "12:30:00", "5d30m", "mean(",
    "median(", "percentile(", "top(", "bottom(", "std(", "min(", "max(", "sin(", "radians(", "atan2(", "cone(",
    "like(", "known(", "isnan(", "sqrt(", "log(", "8", "&", "#", ";", "`", "°", "≥", "𝛼",
]  # fmt: skip


def test_random_words_are_refused_with_a_place_or_stored_with_their_meaning():
    import random

    rng = random.Random(7)
    small = {name: values[:40] for name, values in T.items()}
    known, understood = Vocabulary(Names(list(T)), SUBSETS, small, SGR), 0
    valid, places = [*ACCEPTED, *FURTHER], []
    for _ in range(4_000):
        words = rng.choice(valid).split()
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(words) + 1)
            words[at : at + rng.randint(0, 1)] = [rng.choice(WORDS)] if rng.random() < 0.7 else []
        text = " ".join(words)
        try:
            selection = read(text, known).selection
        except ExpressionError as error:
            places.append((error.start, error.end, len(text)))
            continue
        understood += 1
        stored = from_dict(json.loads(json.dumps(selection.to_dict())))
        assert np.array_equal(stored.mask(small), selection.mask(small)), text
    assert understood > 400
    assert all(0 <= start < end <= length + 1 for start, end, length in places)


def test_a_real_table_with_names_of_its_own(shared_data):
    import pandas as pd

    from explorer.model.table import StarTable
    from pipeline.domain.own_columns import own_column

    frame = pd.read_csv(shared_data / "lamost_dr4_mgiants.csv")
    arrays = {"obsid": np.arange(1, len(frame) + 1)} | {name: frame[name].to_numpy() for name in ("ra", "dec", "rv")}
    units = {"dist": "kpc", "j": "mag", "k": "mag", "sn": "", "feh": "dex"}
    own = [own_column(name, "float64", unit, "", "", "lamost_dr4_mgiants.csv", ()) for name, unit in units.items()]
    table = StarTable(arrays | {item.name: frame[item.name].to_numpy() for item in own}, own=own)
    words = Vocabulary(Names(table.columns), {}, table)
    icrs = frame.query("feh < -1 and dist > 20 and feh > -50")
    rows = read("[Fe/H] < -1 && dist > 20000 pc && feh > -50", words).selection.mask(table)
    assert len(icrs) == rows.sum() > 0
    assert np.array_equal(table["obsid"][rows], icrs.index + 1)
    rows = read("j - k > percentile(j - k, 90) and rv > 0.1 km/s", words).selection.mask(table)
    colour = frame.j - frame.k
    assert np.array_equal(rows, (colour > np.percentile(colour[np.isfinite(colour)], 90)) & (frame.rv > 0.1))
    rows = read("top(sn, 7, dec > 30 and ra < 12h)", words).selection.mask(table)
    assert set(frame.sn[rows]) == set(frame[(frame.dec > 30) & (frame.ra < 180)].sn.nlargest(7))
