"""Results of TAP services: what is accepted, what is refused, and with which words."""

import io
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.archives.profile import Query, QueryColumn, QueryTable, Service
from pipeline.sources.archives.queries import begins_with, delimited, delimited_table, identifier_query, is_any_of
from pipeline.sources.archives.tap_answers import AnswerError, CutAnswerError, read_answer, rows_of_identifiers
from pipeline.sources.archives.tap_files import join_results, packed, unpacked, write_result

BIG = 3_000_000_000_000_000_001
QUERY = Query(
    "test",
    ("a",),
    (
        QueryTable("s.stars", "g", "g.star = u.star", {"ra": QueryColumn("deg"), "first": QueryColumn()}),
        QueryTable("s.other", "o", "o.star = g.star", {"name": QueryColumn(alias="second"), "far": QueryColumn()}),
    ),
    identifier="star",
    present="ra",
    same=("first", "second"),
    nearest="far",
)


def document(table, status='<INFO name="QUERY_STATUS" value="OK"/>', after=""):
    stream = io.BytesIO()
    table.write(stream, format="votable")
    text = stream.getvalue().decode()
    text = re.sub(r"<RESOURCE[^>]*>", f'<RESOURCE type="results">{status}', text, count=1)
    return text.replace("</RESOURCE>", f"{after}</RESOURCE>").encode()


def stars():
    table = Table()
    table["star"] = np.array([BIG, BIG + 2], np.int64)
    table["n"] = MaskedColumn([1, 0], mask=[False, True], dtype="int16")
    table["ra"] = MaskedColumn([10.5, np.nan], mask=[False, True], unit="deg")
    table["pm"] = MaskedColumn(np.array([1.25, 2.5], np.float32), unit="mas/yr")
    table["name"] = MaskedColumn(["a b", ""], mask=[False, True])
    table["good"] = np.array([True, False])
    return table


def test_values_are_exact_and_missing_ones_stay_missing():
    table = read_answer(document(stars()), 10)
    assert table.to_pylist() == [
        {"star": BIG, "n": 1, "ra": 10.5, "pm": 1.25, "name": "a b", "good": True},
        {"star": BIG + 2, "n": None, "ra": None, "pm": 2.5, "name": None, "good": False},
    ]
    assert table.schema.field("pm").type == pa.float32()
    assert table.schema.field("pm").metadata[b"unit"] == b"mas/yr"


REFUSED = {
    "error": (
        lambda: document(stars(), '<INFO name="QUERY_STATUS" value="ERROR">No such field</INFO>'),
        "No such field",
    ),
    "overflow before": (lambda: document(stars(), '<INFO name="QUERY_STATUS" value="OVERFLOW"/>'), "OVERFLOW"),
    "overflow after": (
        lambda: document(stars(), after='<INFO name="QUERY_STATUS" value="OVERFLOW"/>'),
        "OVERFLOW",
    ),
    "page": (lambda: b"<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
    "JSON": (lambda: b'{"error": "the table is not there"}', "the table is not there"),
    "no table": (lambda: b'<VOTABLE><RESOURCE type="results"></RESOURCE></VOTABLE>', "without a table"),
    "entities": (lambda: b'<!DOCTYPE a [<!ENTITY b "c">]><VOTABLE></VOTABLE>', "unsafe"),
    "outside data": (
        lambda: (
            b'<VOTABLE><RESOURCE type="results"><TABLE><FIELD name="a" datatype="int"/><DATA><BINARY2>'
            b'<STREAM href="file:///etc/passwd"/></BINARY2></DATA></TABLE></RESOURCE></VOTABLE>'
        ),
        "unsafe",
    ),
    "arrays": (lambda: document(Table({"flux": np.zeros((2, 3))})), "'flux'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_whole_result_is_refused(name):
    content, words = REFUSED[name]
    with pytest.raises(AnswerError, match=words):
        read_answer(content(), 10)


def test_as_many_rows_as_were_allowed_are_too_many():
    with pytest.raises(AnswerError, match="2 rows, where fewer than 2"):
        read_answer(document(stars()), 2)


@given(st.floats(0.0, 0.999))
def test_a_result_cut_anywhere_is_never_taken(fraction):
    whole = document(stars())
    with pytest.raises(CutAnswerError):
        read_answer(whole[: int(fraction * len(whole.rstrip()))], 10)


def rows(*values):
    names = ("star", "ra", "first", "second", "far")
    return pa.table({name: pa.array([value[n] for value in values]) for n, name in enumerate(names)})


def test_the_row_of_the_best_neighbour_then_the_nearest_is_kept():
    result = rows(
        (3, 1.0, "a", "b", 0.1),
        (3, 1.0, "a", "a", 0.9),
        (1, 2.0, "c", "c", 0.5),
        (1, 2.0, "c", "c", 0.2),
        (2, 3.0, None, None, None),
        (4, None, None, None, None),
    )
    table, counts = rows_of_identifiers(result, QUERY, np.array([1, 2, 3, 4]))
    assert table["star"].to_pylist() == [1, 2, 3]
    assert table["far"].to_pylist() == [0.2, None, 0.9]
    assert counts == {"absent": 1, "several": 2, "undecided": 0}


@given(st.permutations(range(4)))
def test_the_choice_does_not_depend_on_the_order_of_the_rows(order):
    values = [(1, 1.0, "a", "b", 0.5), (1, 1.0, "a", "c", 0.5), (2, 1.0, None, "x", None), (2, 1.0, None, "y", None)]
    table, counts = rows_of_identifiers(rows(*(values[n] for n in order)), QUERY, np.array([1, 2]))
    assert table["second"].to_pylist() == ["b", "x"]
    assert (counts["several"], counts["undecided"]) == (2, 2)


def stated(name, unit, kind=None):
    """A right result whose column has this unit, or this type."""
    table = rows((1, 1.0, "a", "a", 0.1), (2, 1.0, "a", "a", 0.1))
    place = table.column_names.index(name)
    column = table.column(name).cast(kind) if kind else table.column(name)
    return table.set_column(place, pa.field(name, column.type, metadata={"unit": unit}), column)


def repeated(spelled, values):
    """A right result with one more column."""
    return rows((1, 1.0, "a", "a", 0.1), (2, 1.0, "a", "a", 0.1)).append_column(spelled, pa.array(values))


WRONG = {
    "a column twice": (repeated("ra", [5.0, 5.0]), "sent 2 columns 'ra'"),
    "the identifier twice": (repeated("star", [1, 2]), "sent 2 columns 'star'"),
    "a column in another unit": (stated("ra", "rad"), "sent 'ra' in rad, where the profile has deg"),
    "a column in a unit of something else": (stated("ra", "mag"), "sent 'ra' in mag"),
    "text in a column with a unit": (stated("ra", "deg", pa.string()), "sent 'ra' as string, not as numbers in deg"),
    "text as the distance that decides": (stated("far", "", pa.string()), "sent 'far', which is not a number"),
    "an identifier that was not asked for": (rows((1, 1.0, "a", "a", 0.1), (5, 1.0, "a", "a", 0.1)), "not asked for"),
    "an identifier without a row": (rows((2, 1.0, "a", "a", 0.1)), "no row for 1 of 2"),
    "a column that is missing": (rows((1, 1.0, "a", "a", 0.1)).drop_columns(["second"]), "without the column 'second'"),
    "identifiers as decimal numbers": (rows((1.0, 1.0, "a", "a", 0.1)), "as double"),
    "a row without an identifier": (rows((None, 1.0, "a", "a", 0.1), (1, 1.0, "a", "a", 0.1)), "1 rows without star"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_result_that_does_not_fit_the_question_is_refused(name):
    table, words = WRONG[name]
    with pytest.raises(AnswerError, match=words):
        rows_of_identifiers(table, QUERY, np.array([1, 2]))


@pytest.mark.parametrize(("unit", "kept"), [("", "deg"), ("degree", "degree"), ("some angle", "some angle")])
def test_a_unit_that_is_stated_in_another_spelling_or_not_is_accepted(unit, kept):
    result = stated("ra", unit) if unit else rows((1, 1.0, "a", "a", 0.1), (2, 1.0, "a", "a", 0.1))
    table, _ = rows_of_identifiers(result, QUERY, np.array([1, 2]))
    assert table.schema.field("ra").metadata[b"unit"].decode() == kept


def test_a_column_is_taken_by_its_exact_name_first():
    result = repeated("RA", [5.0, 5.0])
    table, _ = rows_of_identifiers(result, QUERY, np.array([1, 2]))
    assert table["ra"].to_pylist() == [1.0, 1.0]


def test_names_of_the_best_neighbour_may_be_numbers():
    result = rows((1, 1.0, 7, "8", 0.1), (1, 2.0, 7, "7", 0.2))
    table, counts = rows_of_identifiers(result, QUERY, np.array([1]))
    assert table["ra"].to_pylist() == [2.0]
    assert counts["undecided"] == 0


def test_parts_of_services_that_state_other_types_are_joined(tmp_path):
    parts = []
    for number, (flag, value, name) in enumerate(((True, 1, "a"), (0, 2.5, "b"), (1, 3, 7))):
        table = pa.table({"star": [number], "flag": [flag], "value": [value], "name": [name]})
        write_result(tmp_path / f"{number}.parquet", table, {"service": number})
        parts.append(tmp_path / f"{number}.parquet")
    assert join_results(parts, tmp_path / "all.parquet") == 3
    joined = pq.read_table(tmp_path / "all.parquet")
    assert joined.to_pydict() == {
        "star": [0, 1, 2],
        "flag": [1, 0, 1],
        "value": [1.0, 2.5, 3.0],
        "name": ["a", "b", "7"],
    }


def test_a_part_that_cannot_be_joined_is_named(tmp_path):
    for number, value in enumerate((BIG, 0.5)):
        write_result(tmp_path / f"{number}.parquet", pa.table({"star": [value]}), {})
    with pytest.raises(ValueError, match=r"0\.parquet has columns of another type .* Remove it and repeat"):
        join_results([tmp_path / "0.parquet", tmp_path / "1.parquet"], tmp_path / "all.parquet")


def test_names_are_written_as_adql_needs_them():
    plain, moved = Service(address=""), Service(address="", tables={"s.other": '"external".other'})
    assert identifier_query(QUERY, plain) == (
        "SELECT u.star, g.ra, g.first, o.name AS second, o.far\nFROM TAP_UPLOAD.ids AS u\n"
        "LEFT OUTER JOIN s.stars AS g ON g.star = u.star\nLEFT OUTER JOIN s.other AS o ON o.star = g.star"
    )
    assert 'JOIN "external".other AS o' in identifier_query(QUERY, moved)
    assert delimited('B"x') == '"B""x"'
    assert delimited('"b_rgeo"') == '"b_rgeo"'
    assert delimited_table("J/ApJS/266/4/table1") == '"J/ApJS/266/4/table1"'
    assert delimited_table("gaiadr3.gaia_source") == "gaiadr3.gaia_source"
    assert is_any_of(["external.d"]) == "table_name IN ('\"external\".d', 'external.d')"
    assert begins_with("J/x'") == "table_name LIKE 'J/x''%' OR table_name LIKE '\"J/x''%'"


@given(st.sets(st.integers(1, 2**63 - 1), min_size=1, max_size=50))
def test_packed_identifiers_are_exact(numbers):
    ids = np.array(sorted(numbers), np.int64)
    np.testing.assert_array_equal(unpacked(packed(ids)), ids)
