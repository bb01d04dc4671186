"""Reading of tables: encodings, delimiters, FITS columns, choice of a table, refusals."""

import gzip
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import from_table
from astropy.table import Table

from pipeline.domain.columns import BY_NAME
from pipeline.products.cds import cds_files
from pipeline.products.tables import annotated, parquet_bytes, votable_bytes
from pipeline.products.tables import fits_bytes as fits_table
from pipeline.sources.tables.described_tables import readme_of
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.table_file import Limits, TableError

CSV = "name,ra\n\u00e9toile,1.5\nb,2.5\n"


def read(data, *names):
    table = open_table(data, "t")
    return table.read(names or table.names)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-16-le with mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding, end):
    text = CSV.replace("\n", end)
    data = b"\xff\xfe" + text.encode("utf-16-le") if "mark" in encoding else text.encode(encoding)
    assert read(data).to_dict("list") == {"name": ["\u00e9toile", "b"], "ra": [1.5, 2.5]}


def test_chinese_text_in_its_own_encoding():
    text = "\u661f\u540d,source_id\n\u5929\u72fc\u661f,3000000000000000001\n"
    for encoding in ("gbk", "gb2312", "gb18030", "utf-8"):
        frame = read(text.encode(encoding))
        assert frame["\u661f\u540d"].tolist() == ["\u5929\u72fc\u661f"]
        assert frame["source_id"].tolist() == [3000000000000000001]


def test_a_letter_beyond_the_beginning_ruins_nothing():
    rows = [f"{number},{'x' * 50}" for number in range(6000)]
    data = "\n".join(["id,note", *rows]).encode() + b"\n6000,caf\xe9\n"
    frame = read(data)
    assert frame["id"].tolist() == list(range(6001))
    assert frame["note"].iloc[-1].startswith("caf")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b\n1,5;2\n2,5;3\n", {"a": [1.5, 2.5], "b": [2, 3]}),
        ("a;b\n1,5;2,25\n2,5;3,75\n", {"a": [1.5, 2.5], "b": [2.25, 3.75]}),
        ("a\tb\n1,5\t2\n", {"a": [1.5], "b": [2]}),
        ("a,b\n1,x;y\n2,z\n", {"a": [1, 2], "b": ["x;y", "z"]}),
        ('a,b\n1,"x, y"\n2,"say ""no"""\n', {"a": [1, 2], "b": ["x, y", 'say "no"']}),
        ('a, b\n1, "x, y"\n2, z\n', {"a": [1, 2], "b": ["x, y", "z"]}),
        ('a,b\n1,"two\nlines"\n2,z\n3,z\n', {"a": [1, 2, 3], "b": ["two\nlines", "z", "z"]}),
        ("| a | b |\n| 1 | x y |\n| 2 | z |\n", {"a": [1, 2], "b": ["x y", "z"]}),
        ("a|b\n1|x\n2|\n", {"a": [1, 2], "b": ["x", ""]}),
        (" a   b \n 1   2.5\n\t3 \t 4\n", {"a": [1, 3], "b": [2.5, 4.0]}),
        ('a b\n1 "x  y"\n2 z\n', {"a": [1, 2], "b": ["x  y", "z"]}),
        ("=== ===\n  a   b\n=== ===\n  1   2\n=== ===\n", {"a": [1], "b": [2]}),
        (" a | b\n---+---\n 1 | x\n 2 | y\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("a,b\n1,2\n# note, more\n3,4\n", {"a": [1, 3], "b": [2, 4]}),
        ("# made by, hand\n# a,b\n1,2\n", {"a": [1], "b": [2]}),
        ("#a b c\nx y 1\n", {"a": ["x"], "b": ["y"], "c": [1]}),
        ("1 2\n3 4\n", {"column1": [1, 3], "column2": [2, 4]}),
        ("a\n1\n2\n", {"a": [1, 2]}),
        ("Gaia DR3 1\nGaia DR3 2\n", {"column1": ["Gaia DR3 1", "Gaia DR3 2"]}),
        ("designation\nGaia DR3 1\n", {"designation": ["Gaia DR3 1"]}),
        ("a,a,a_2,\n1,2,3,4\n", {"a": [1], "a_3": [2], "a_2": [3], "column4": [4]}),
        ("a,b\n1.5D+02,1d-3\n", {"a": [150.0], "b": [0.001]}),
        ("a,b\n00:42:44,12:30\n1:2:3,4:5\n", {"a": ["00:42:44", "1:2:3"], "b": ["12:30", "4:5"]}),
        ("a,b\n2012-03-04,true\n2013-01-02,FALSE\n", {"a": ["2012-03-04", "2013-01-02"], "b": [True, False]}),
        ("a,b\n007,+5\n008,6\n", {"a": [7, 8], "b": [5, 6]}),
    ],
)
def test_text_of_every_layout(text, expected):
    assert read(text.encode()).to_dict("list") == expected


@pytest.mark.parametrize(
    "missing", ["", "NaN", "nan", "null", "NULL", "None", "none", "NA", "N/A", "n/a", "--", "-", "...", "<NA>"]
)
def test_words_for_missing(missing):
    frame = read(f"id,x,s,b\n1,1.5,t,true\n{missing},{missing},{missing},{missing}\n".encode())
    assert frame["id"].isna().tolist() == frame["x"].isna().tolist() == frame["b"].isna().tolist() == [False, True]
    assert frame["s"].tolist() == ["t", ""]


def test_vizier_has_units_below_the_names():
    text = (
        "#RESOURCE=yCat\n#Column\tRAJ2000\n\nRAJ2000\tDEJ2000\tSource\tGmag\ndeg\tdeg\t \tmag\n"
        "-------\t-------\t-------------------\t----\n010.5\t+41.2\t3000000000000000001\t12.5\n011.5\t-1.2\t \t \n\n"
    )
    table = open_table(text.encode(), "t")
    assert [item.unit for item in table.fields] == ["deg", "deg", "", "mag"]
    frame = table.read(table.names)
    assert frame["Source"].tolist()[0] == 3000000000000000001
    assert frame["Gmag"].isna().tolist() == [False, True]
    assert frame["DEJ2000"].tolist() == [41.2, -1.2]


def test_two_delimiters_that_fit_are_a_question():
    with pytest.raises(TableError, match="',' and ';' both separate its columns"):
        open_table(b"a,b;c\nx,y;z\nu,v;w\n", "t")


def test_whole_numbers_among_others_keep_their_digits():
    ids = ["3000000000000000001", "12.5", "9223372036854775807", "18446744073709551615"]
    table = open_table("\n".join(["id", *ids]).encode(), "t")
    assert table.read(["id"])["id"].tolist() == ids, "decimal numbers would have lost digits"
    for text in ("id x\n1 1\n3000000000000000001 2\nnan 3\n", "id,x\n1,1\n3000000000000000001,2\n,3\n"):
        assert read(text.encode())["id"].tolist()[:2] == [1, 3000000000000000001]
    assert open_table(b"id\n1.000000005e+09\n", "t").read_exact("id").tolist() == ["1.000000005e+09"]


def test_rows_that_do_not_fit_are_skipped_and_named():
    rows = [f"{number},{number}" for number in range(20)]
    rows[3], rows[11] = "3,3,3", "11"
    table = open_table("\n".join(["# about", "a,b", *rows]).encode(), "t")
    assert len(table.read(["a"])) == 18
    assert table.skipped == [
        "line 6 has 3 cells; the header names 2 columns",
        "line 14 has 1 cells; the header names 2 columns",
    ]
    table.read(["a"])
    assert len(table.skipped) == 2, "counted once"
    for number in range(0, 20, 3):
        rows[number] = "1,2,3"
    with pytest.raises(TableError, match=r"8 of 20 rows have another number of cells than its 2 columns"):
        open_table("\n".join(["a,b", *rows]).encode(), "t").read(["a"])


def test_very_many_rows_that_do_not_fit_are_summed_up():
    rows = ["1,2"] * 9000 + ["1"] * 1500
    table = open_table("\n".join(["a,b", *rows]).encode(), "t")
    table.read(["a"])
    assert len(table.skipped) == 1001
    assert table.skipped[-1] == "500 more rows have another number of cells"


def test_long_headers_are_read_whole():
    names = [f"a_rather_long_name_of_a_column_that_is_number_{number}" for number in range(12_000)]
    data = "\n".join([",".join(names), ",".join(map(str, range(12_000)))]).encode()
    table = open_table(data, "t")
    assert table.names == tuple(names)
    assert table.read([names[-1]])[names[-1]].tolist() == [11_999]
    with pytest.raises(TableError, match="has 25,000 columns; at most 20,000"):
        open_table(b",".join([b"a"] * 25_000) + b"\n", "t")


def test_a_parquet_column_of_any_type_is_read():
    from decimal import Decimal

    columns = {
        "u8": pa.array([2**64 - 1, 2**63 - 1, None], pa.uint64()),
        "i1": pa.array([1, None, -3], pa.int8()),
        "half": pa.array(np.array([1.5, 2, 3], np.float16)),
        "decimal": pa.array([Decimal(2**63 - 1), Decimal(10**20), None], pa.decimal128(22)),
        "fraction": pa.array([Decimal("1.25"), None, Decimal("-3.50")], pa.decimal128(6, 2)),
        "bytes": pa.array([b"ab", b"\xff", None]),
        "kind": pa.array(["x", "y", None]).dictionary_encode(),
        "day": pa.array([0, 1, None], pa.date32()),
        "list": pa.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        "a.b": pa.array([1, 2, 3]),
        "a": pa.array([4, 5, 6]),
        "empty": pa.nulls(3),
    }
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    for limits in (None, Limits(10**7, 10, 20)):
        table = open_table(stream.getvalue(), "t", limits)
        frame = table.read([item.name for item in table.fields if item.kind != "array"])
        found = {name: [None if pd.isna(one) else one for one in values] for name, values in frame.items()}
        assert found["u8"] == [None, 2**63 - 1, None]
        assert found["i1"] == [1, None, -3]
        assert found["half"] == [1.5, 2.0, 3.0]
        assert found["decimal"] == [2**63 - 1, None, None]
        assert found["fraction"] == [1.25, None, -3.5]
        assert found["bytes"] == ["ab", "\ufffd", ""]
        assert found["kind"] == ["x", "y", ""]
        assert found["day"] == ["1970-01-01", "1970-01-02", ""]
        assert found["a.b"] == [1, 2, 3]
        assert found["a"] == [4, 5, 6]
        assert table.by_name["list"].kind == "array"
    arrays = open_table(stream.getvalue(), "t").arrays("list")
    np.testing.assert_array_equal(np.concatenate(list(arrays)), [[1, 2], [3, 4], [5, 6]])


def test_the_index_of_pandas_is_no_column_unless_it_has_a_name(tmp_path):
    frame = pd.DataFrame({"x": [1.5, 2.5]}, index=pd.Index([7, 8], name="obsid"))
    frame.to_parquet(tmp_path / "named.parquet")
    frame.rename_axis(None).to_parquet(tmp_path / "unnamed.parquet")
    assert open_table(tmp_path / "named.parquet").names == ("x", "obsid")
    assert open_table(tmp_path / "unnamed.parquet").names == ("x",)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \r\n\t", "is empty"),
        (b"# a comment\n", "it holds no row"),
        (b"PK\x03\x04xl/workbook", "Excel workbook"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x93NUMPY\1", "numpy array"),
        (b"SQLite format 3\0", "SQLite"),
        (b"<!DOCTYPE html><html></html>", "a web page, not a table"),
        (b"<html><body>login</body></html>", "a web page, not a table"),
        (b'{"error":"x"}', "JSON"),
        (b'[{"a":1}]', "JSON"),
        (b"\x00\x01\x02\x03", "neither text nor"),
        (gzip.compress(gzip.compress(b"a\n1\n", mtime=0), mtime=0), "compressed twice"),
        (gzip.compress(b"PAR1", mtime=0), "Parquet inside gzip"),
        (b"<?xml version='1.0'?><x/>", "damaged VOTable|holds no table"),
        (b"SIMPLE  =                    T", "damaged FITS"),
        (b"PAR1PAR1", "damaged or cut-short Parquet"),
    ],
)
def test_what_is_no_table_is_named(data, words):
    with pytest.raises(TableError, match=words) as refused:
        open_table(data, "the file")
    assert str(refused.value).startswith("the file")


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(TableError, match=r"none\.csv does not exist"):
        open_table(tmp_path / "none.csv")
    with pytest.raises(TableError, match="is a folder"):
        open_table(tmp_path)


def test_answers_of_services_that_are_not_the_whole_are_refused():
    for status in ("ERROR", "OVERFLOW"):
        stream = io.BytesIO()
        from_table(Table({"a": [1]})).to_xml(stream)
        info = f'<RESOURCE type="results"><INFO name="QUERY_STATUS" value="{status}"/>'.encode()
        data = stream.getvalue().replace(b'<RESOURCE type="results">', info).replace(b"<RESOURCE>", info)
        with pytest.raises(TableError, match=f"QUERY_STATUS {status}"):
            open_table(data, "t")


def test_a_cds_table_is_read_with_the_readme_beside_it_and_no_other(tmp_path):
    columns = {
        BY_NAME["gaia_source_id"]: np.array([3000000000000000001, 0, 17]),
        BY_NAME["ra"]: np.array([1.5, 2.5, np.nan]),
        BY_NAME["subclass"]: np.array(["M0", "", "gM1"]),
    }
    for name, content in cds_files(columns, "t.dat", "A title", []).items():
        (tmp_path / name).write_bytes(content)
    table = open_table(tmp_path / "t.dat")
    assert table.form == "CDS table"
    assert table.by_name["ra"].unit == "deg"
    assert not table.simulated
    frame = table.read(table.names)
    assert frame["gaia_source_id"].tolist()[::2] == [3000000000000000001, 17]
    np.testing.assert_allclose(frame["ra"], [1.5, 2.5, np.nan])
    assert frame["subclass"].tolist() == ["M0", "", "gM1"]
    (tmp_path / "t.dat.gz").write_bytes(gzip.compress((tmp_path / "t.dat").read_bytes()))
    assert open_table(tmp_path / "t.dat.gz").form == "CDS table"
    (tmp_path / "other.dat").write_text("1 2\n3 4\n")
    assert readme_of(tmp_path / "other.dat") is None
    assert open_table(tmp_path / "other.dat").form == "text"
    assert open_table((tmp_path / "t.dat").read_bytes(), "t").form == "text", "bytes have no folder"


@pytest.mark.parametrize("word", ["true", "All stars are invented.", "T", "yes"])
def test_files_that_say_they_are_simulated_stay_so(word):
    table = annotated({BY_NAME["obsid"]: np.array([1, 2])})

    words = {"SIMULATED": word}
    assert open_table(fits_table(table, words), "t").simulated
    assert open_table(votable_bytes(table, words), "t").simulated
    assert open_table(parquet_bytes(table, words), "t").simulated
    assert open_table(f"# SIMULATED: {word}\nobsid\n1\n".encode(), "t").simulated
    assert open_table(b"obsid,simulated\n1,true\n2,True\n", "t").simulated
    for real in (f"# note: {word}\nobsid\n1\n", "# SIMULATED: false\nobsid\n1\n", "obsid,simulated\n1,false\n"):
        assert not open_table(real.encode(), "t").simulated
    assert not open_table(fits_table(table, {"catalogue": word}), "t").simulated


@pytest.mark.shared
def test_the_real_tables_are_read_as_pandas_and_astropy_read_them(shared_data):
    for path in sorted(shared_data.glob("*.csv")):
        frame = pd.read_csv(path, comment="#", nrows=2000)
        frame = frame[[name for name in frame if not name.startswith("Unnamed")]]
        ours = open_table(path).read(list(frame.columns)).head(len(frame))
        for name in frame.select_dtypes("number"):
            np.testing.assert_allclose(
                ours[name].astype("Float64").to_numpy(float, na_value=np.nan), frame[name].astype(float), rtol=1e-12
            )
    for path in sorted(shared_data.glob("**/*.fits")):
        if path.parent.name not in ("gaia_archive", shared_data.name):
            continue
        theirs, ours = Table.read(path, unit_parse_strict="silent"), open_table(path)
        assert set(ours.names) == set(theirs.colnames)
        for item in ours.fields:
            if item.kind in ("int", "float"):
                found = ours.read([item.name])[item.name].astype("Float64").to_numpy(float, na_value=np.nan)
                right = np.ma.filled(np.ma.asarray(theirs[item.name]).astype(float), np.nan)
                np.testing.assert_array_equal(found, right)
