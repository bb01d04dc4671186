"""Declarations of columns: consequences of one entry, and refusals."""

import pytest

from pipeline.domain.column import CARD_GROUPS, Reference, declare
from pipeline.domain.columns import BY_NAME, COLUMNS, column, placed
from pipeline.domain.flags import FLAG_TEXTS, QualityFlag
from pipeline.domain.own_columns import own_column

ENTRY = ("v_test", "float32", "km/s", "phys.veloc", "V", "A velocity")


def test_errors_percentiles_and_references_are_declared_columns():
    assert column("teff").error == "teff_err"
    assert column("distance").interval == ("distance_16", "distance_84")
    assert (column("snr").error, column("teff").interval) == ("", ())
    assert column("a_k_fit").references == (Reference("a_k_ref", "reference labels"),)
    for one in COLUMNS:
        assert {one.error or one.name, *one.interval, *(other.column for other in one.references)} <= set(BY_NAME)
        assert all(BY_NAME[other.column].unit == one.unit for other in one.references), one.name


def test_columns_that_are_derived_keep_how_values_are_shown_and_nothing_else():
    assert (column("v_x_50").digits, column("v_x_50").scale) == (0, "diverging")
    assert (column("v_x_50").card, column("v_x_50").places) == ("", ())
    assert column("teff_direct").inverted == column("teff").inverted == "x"
    assert (column("teff_direct").card, column("teff_direct").references) == ("Labels by engine", ())


def test_each_section_of_the_card_and_each_place_has_columns():
    assert {one.card for one in COLUMNS} == {"", *CARD_GROUPS}
    labels = ["teff", "logg", "m_h", "alpha_m"]
    assert [one.name for one in placed("trend")][:5] == ["snr", *labels], "in the order to read them in"
    shown = [one.name for one in placed("table")]
    assert [name for name in shown if name in labels] == labels
    assert shown[-3:] == ["chi2_nu", "oddness", "quality"]
    header = [one.name for one in placed("header")]
    assert header[header.index("logg_err") + 1 :][:2] == ["m_h", "m_h_err"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"card": "Motion"}, "card='Motion' is none of Identifiers, "),
        ({"places": "table tabel"}, r"places=\['tabel'\] are none of table, "),
        ({"ref": "rv_gaia"}, "ref='rv_gaia' is not of the form NAME: ORIGIN"),
    ],
)
def test_a_declaration_that_means_nothing_is_refused(wrong, sentence):
    with pytest.raises(ValueError, match=f"Column v_test: {sentence}"):
        declare(*ENTRY, **wrong)


def test_a_column_of_the_users_own_takes_the_defaults():
    own, plain = own_column("V", "float32", "km/s", "phys.veloc", "A velocity", "mine.csv", ()), declare(*ENTRY)
    names = ("digits", "scale", "inverted", "period", "card", "error", "interval", "references", "places", "after")
    assert [getattr(own, name) for name in names] == [getattr(plain, name) for name in names]


def test_limits_of_bits_are_in_their_texts():
    assert QualityFlag.LOW_SNR.limit("snr") == 10.0
    assert FLAG_TEXTS[QualityFlag.LOW_SNR].meaning == "mean S/N of the good pixels below 10"
    assert "more than 20 % of" in FLAG_TEXTS[QualityFlag.MASKED].meaning
    with pytest.raises(KeyError):
        QualityFlag.LOW_SNR.limit("sigma")
