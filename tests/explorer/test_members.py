"""Uploaded member lists: all accepted forms, and clear errors for others."""

import base64
import gzip
import io
import random
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.model.export import export
from explorer.model.members import MAX_BYTES, read_members
from explorer.model.selection import InRange, SelectionError
from explorer.model.table import StarTable


def written(table, form):
    stream = io.BytesIO()
    if form in ("fits", "votable"):
        table.write(stream, format=form)
        return stream.getvalue()
    text = io.StringIO()
    table.write(text, format=form)
    return text.getvalue().encode()


@pytest.fixture
def wanted(library):
    return np.asarray(library.table["obsid"][3:40:3])


@pytest.mark.parametrize("form", ["fits", "votable", "ascii.csv", "ascii.ecsv", "ascii.tab"])
def test_lists_of_any_form_are_matched_by_id(library, wanted, form):
    members = read_members(written(Table({"OBSID": wanted, "note": ["x"] * wanted.size}), form), library.table)
    assert set(members.selection.obsids) == set(wanted.tolist())
    assert members.sentence.startswith(f"{wanted.size:,} of {wanted.size:,} identifiers")


def test_doubles_and_strangers_are_counted(library, wanted):
    text = "\n".join(map(str, [*wanted, *wanted, 1, 2])).encode()
    members = read_members(text, library.table)
    assert set(members.selection.obsids) == set(wanted.tolist())
    assert members.sentence.startswith(f"{wanted.size:,} of {wanted.size + 2:,}")


@pytest.mark.parametrize("form", ["fits", "votable", "ascii.csv"])
def test_positions_match_within_an_arcsecond_and_gaps_match_nothing(library, form):
    ra, dec = (np.array(library.table[name][:4]) for name in ("ra", "dec"))
    dec[1] += 5.0 / 3600
    gap = [False, False, True, False]
    table = Table({"ra": MaskedColumn(ra, mask=gap), "dec": MaskedColumn(dec, mask=gap)})
    members = read_members(written(table, form), library.table)
    assert set(members.selection.obsids) == set(library.table["obsid"][[0, 3]].tolist())


@pytest.mark.parametrize("ending", [".0", ".", ".000"])
def test_identifiers_that_a_program_took_for_decimal_numbers_are_read(library, wanted, ending):
    lines = [f"{obsid}{ending}" for obsid in wanted]
    for text in ("\n".join(["obsid", *lines]), "\n".join(lines)):
        assert set(read_members(text.encode(), library.table).selection.obsids) == set(wanted.tolist())
    floats = written(Table({"obsid": wanted.astype(float)}), "fits")
    assert set(read_members(floats, library.table).selection.obsids) == set(wanted.tolist())


def test_a_gap_among_ids_is_no_id(library):
    table = Table({"obsid": MaskedColumn(library.table["obsid"][:3], mask=[False, True, False])})
    for form in ("fits", "votable"):
        assert "of 2 identifiers" in read_members(written(table, form), library.table).sentence


@pytest.fixture
def gaia(library):
    """The catalogue with Gaia source ids of 19 digits, to the largest that there can be, and one unmatched star."""
    ids = 2**63 - 1 - 977 * np.arange(library.table.n_stars, dtype=np.int64)
    ids[-1] = 0
    return StarTable({**library.table, "gaia_source_id": ids})


@pytest.mark.parametrize("form", ["fits", "votable", "ascii.csv"])
@pytest.mark.parametrize("dtype", [np.int64, "S19", "U19"])
def test_identifiers_of_19_digits_are_read_as_numbers_and_as_text(gaia, form, dtype):
    ids = np.array([*gaia["gaia_source_id"][:5], 8000], np.int64).astype(dtype)
    members = read_members(written(Table({"source_id": ids}), form), gaia)
    assert set(members.selection.obsids) == set(gaia["obsid"][:5].tolist())
    assert members.sentence == "5 of 6 identifiers (source_id) are in the catalogue."


def test_text_of_fits_is_text_with_gaps_and_without(library, wanted):
    ids = wanted.astype("S10")
    for column in (ids, MaskedColumn(ids, mask=np.arange(ids.size) == 1)):
        members = read_members(written(Table({"obsid": column}), "fits"), library.table)
        assert set(members.selection.obsids) == {int(one) for one in np.ma.masked_array(column).compressed()}
    at = [library.table[name][:3].astype("S24") for name in ("ra", "dec")]
    assert len(read_members(written(Table(at, names=["ra", "dec"]), "fits"), library.table).selection.obsids) == 3


def test_what_is_no_identifier_is_counted(gaia):
    known = gaia["gaia_source_id"][:2]
    text = "\n".join(["source_id", *map(str, known), "-9999", "0", "none", str(2**63), "12.5"]).encode()
    members = read_members(text, gaia)
    assert members.sentence == "2 of 2 identifiers (source_id) are in the catalogue. Left out as no identifiers: 5."
    assert set(members.selection.obsids) == set(gaia["obsid"][:2].tolist()), "0 is of stars that Gaia lacks"
    for ids in ([*known, -9999, 0], np.array([*known, 2**63, 0], np.uint64)):
        assert read_members(written(Table({"source_id": ids}), "fits"), gaia).sentence.endswith("identifiers: 2.")
    floats = read_members(written(Table({"obsid": [8000.0, np.nan, np.inf, 0.5]}), "fits"), gaia)
    assert floats.sentence.endswith("Left out as no identifiers: 3.")


@pytest.mark.parametrize("form", ["fits", "votable", "ascii.csv"])
def test_floats_that_lost_digits_are_reported_with_the_remedy(gaia, form):
    floats = gaia["gaia_source_id"][1:5].astype(np.float64)
    with pytest.raises(
        SelectionError, match=r"source_id holds .* lost .* \(4 of 4 values\)\. Save it as integers or as"
    ):
        read_members(written(Table({"source_id": floats}), form), gaia)
    members = read_members(written(Table({"source_id": [*floats, 2.0**53 - 1]}), form), gaia)
    assert members.sentence.startswith("0 of 1 identifiers")
    assert members.sentence.endswith("lost their last digits: 4; save the column as integers or as text.")


def test_decimal_numbers_with_an_exponent_are_read_if_every_digit_is_there(library, wanted):
    exact = "\n".join(f"{obsid:.18e}" for obsid in wanted)
    for text in (exact, f"obsid\n{exact}"):
        assert set(read_members(text.encode(), library.table).selection.obsids) == set(wanted.tolist())
    cut = "\n".join(["obsid", *(f"{obsid:.3e}" for obsid in wanted)]).encode()
    with pytest.raises(SelectionError, match="lost their last digits"):
        read_members(cut, library.table)


def test_single_precision_holds_fewer_digits(gaia):
    members = read_members(written(Table({"obsid": np.array([2**24 - 1, 2**24 + 2], np.float32)}), "fits"), gaia)
    assert members.sentence.startswith("0 of 1 identifiers")
    assert "lost their last digits: 1;" in members.sentence


def packed(columns, **look):
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, **look)
    return target.getvalue()


def test_our_own_parquet_tables_are_lists(library):
    rows = library.table["teff"] > 3500.0
    exported = export(library, InRange("teff", 3500.0, 9999.0), rows, "parquet")
    assert set(read_members(exported.data, library.table).selection.obsids) == set(
        library.table["obsid"][rows].tolist()
    )


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.string(), pa.binary(), pa.decimal128(20), "categories"])
def test_parquet_of_any_kind_is_matched_and_gaps_are_left_out(gaia, kind):
    ids = [*gaia["gaia_source_id"][:3].tolist(), None]
    asked = pa.array(ids).dictionary_encode() if kind == "categories" else pa.array(ids).cast(pa.string()).cast(kind)
    members = read_members(packed({"Source_ID": asked, "other": [[1]] * 4}), gaia)
    assert set(members.selection.obsids) == set(gaia["obsid"][:3].tolist())
    assert members.sentence.endswith(
        "3 of 3 identifiers (Source_ID) are in the catalogue. Left out as no identifiers: 1."
    )


def test_positions_are_read_from_parquet(library):
    ra, dec = (library.table[name][:4].astype(float).tolist() for name in ("ra", "dec"))
    members = read_members(packed({"RA": [*ra, None], "Dec": [*map(str, dec), "x"]}), library.table)
    assert set(members.selection.obsids) == set(library.table["obsid"][:4].tolist())


def test_a_parquet_list_that_is_large_unpacked_is_refused(library):
    for columns, words in (
        ({"obsid": np.zeros(MAX_BYTES // 8 + 1, np.int64)}, "more than 2,000,000 rows"),
        ({"obsid": [[1], [2]]}, "among its 1 columns"),
        ({"name": ["a"], "size": [1]}, "among its 2 columns"),
    ):
        with pytest.raises(SelectionError, match=words):
            read_members(packed(columns, compression="zstd"), library.table)
    long = pa.DictionaryArray.from_arrays(np.zeros(100_000, np.int32), ["1" * (MAX_BYTES // 2)])
    small = packed({"obsid": long}, compression="zstd", dictionary_pagesize_limit=MAX_BYTES)
    assert len(small) < 10_000
    with pytest.raises(SelectionError, match="unpacks to more than"):
        read_members(small, library.table)


HOSTILE = {
    "too large": (b"1\n" * (MAX_BYTES // 2 + 1), "bytes; at most"),
    "empty": (b"", "The list is empty"),
    "white": (b" \n\n\t\n", "The list is empty"),
    "comments": (b"# nothing\n# more\n", "The list is empty"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "neither text nor FITS"),
    "other columns": (b"name,size\na,1\n", "among its 2 columns"),
    "no numbers": (b"obsid\none\ntwo\n", "holds no whole number. Write one"),
    "no rows": (b"obsid,ra\n", "holds no whole number because it is empty"),
    "no degrees": (b"ra,dec\nnorth,south\n", "Write RA and Dec in degrees"),
    "two positions": (b"ra_a,dec_a,ra_b,dec_b\n1,2,3,4\n", "in one pair of columns"),
    "ragged": (b"obsid,x\n1,2\n1,2,3,4\n1,2,3\n", "rows have another number of cells"),
    "cut Parquet": (b"PAR1" + bytes(range(256)) * 4, "damaged or cut-short Parquet"),
    "cut FITS": (None, "cut short"),
    "cut VOTable": (None, "not well-formed XML"),
    "cut gzip": (gzip.compress(b"obsid\n" + bytes(range(48, 58)) * 9000)[:-90], "damaged or cut short|cannot be read"),
    "gzip in gzip": (gzip.compress(gzip.compress(b"obsid\n1\n")), "compressed twice"),
    "a workbook": (b"PK\x03\x04" + bytes(100), "an Excel workbook"),
    "JSON": (b'{"error": "no such table"}', "JSON"),
    "entities": (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><VOTABLE>&a;</VOTABLE>', "entities"),
    "a page": (b"<html><script>alert(1)</script></html>", "web page, not a table"),
    "a page with a type": (
        b"\xef\xbb\xbf\n<!DOCTYPE html>\n<html><p>Sign in</p>",
        "web page, not a table",
    ),
    "a page of XML": (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html></html>', "web page, not a table"),
    "half an id": (b"obsid\n8000000001.5\n", "holds no whole number"),
    "huge ids": (b"obsid\n" + b"9" * 400 + b"\n", "holds no whole number"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_is_refused_in_a_sentence(library, wanted, name):
    data, words = HOSTILE[name]
    if data is None:
        whole = written(Table({"obsid": np.repeat(wanted, 500)}), "fits" if name == "cut FITS" else "votable")
        data = whole[: len(whole) * 2 // 3]
    with pytest.raises(SelectionError, match=words):
        read_members(data, library.table)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"SIMPLE  =", b"PAR1", b"<?xml version='1.0'?>", b"obsid,ra\n", b"ra\tdec\n"]),
)
def test_any_bytes_are_read_or_refused(library, data, begin):
    with suppress(SelectionError):
        assert read_members(begin + data, library.table).sentence


def test_damaged_files_are_read_or_refused(library, wanted):
    rng = random.Random(3)
    for form in ("fits", "votable"):
        whole = written(Table({"obsid": wanted}), form)
        for _ in range(60):
            damaged = bytearray(whole)
            for _ in range(rng.randrange(1, 30)):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            with suppress(SelectionError):
                assert read_members(bytes(damaged), library.table).sentence


def test_damaged_parquet_ends_no_process(library, wanted):
    rng, whole = random.Random(3), packed({"obsid": wanted})
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for start in (4, footer):
        for _ in range(1000):
            damaged = bytearray(whole)
            for _ in range(rng.randrange(1, 5)):
                damaged[rng.randrange(start, len(whole) - 8)] = rng.randrange(256)
            with suppress(SelectionError):
                assert read_members(bytes(damaged), library.table).sentence


def test_errors_are_reported_and_the_selection_is_kept(page):
    page.open()
    page.send("side", open=True)
    before = page.workspace.selection
    markup = b"<img src=x onerror=alert(1)>,b\n1,2\n"
    page.run("members", size=len(markup), data=base64.b64encode(markup).decode())
    assert "among its" in page.sent[-1]["side"]["report"]
    page.run("members", size=10**9, data="")
    assert "1,000,000,000 bytes" in page.sent[-1]["side"]["report"]
    page.run("members", size=4, data="not base64 \u00e4")
    assert page.sent[-1]["side"]["report"]
    assert page.workspace.selection == before


def test_a_list_of_identifiers_alone_is_of_the_kind_that_fits(gaia):
    members = read_members("\n".join(map(str, gaia["gaia_source_id"][:5])).encode(), gaia)
    assert set(members.selection.obsids) == set(gaia["obsid"][:5].tolist())
    assert "(gaia_source_id)" in members.sentence
    members = read_members("\n".join(map(str, gaia["obsid"][:5])).encode(), gaia)
    assert "5 of 5 identifiers (obsid)" in members.sentence
    assert "0 of 1 identifiers (obsid)" in read_members(b"17\n", gaia).sentence


@pytest.mark.parametrize("form", ["utf-16", "utf-16-be"])
def test_text_as_excel_writes_it_is_read(table, form):
    text = "obsid\tname\n" + "\n".join(f"{one}\tα" for one in table["obsid"][:3])
    data = text.encode(form)
    data = data if form == "utf-16" else b"\xfe\xff" + data
    assert len(read_members(data, table).selection.obsids) == 3


def test_damaged_utf16_is_reported(table):
    with pytest.raises(SelectionError, match="damaged UTF-16"):
        read_members(b"\xff\xfe\x00\xd8\x00", table)


def _votable_stream(stream: str, kind: str = "BINARY") -> bytes:
    return (
        '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3" '
        'xmlns:xlink="http://www.w3.org/1999/xlink"><RESOURCE><TABLE>'
        f'<FIELD name="obsid" datatype="char" arraysize="8"/><DATA><{kind}>{stream}</{kind}></DATA>'
        "</TABLE></RESOURCE></VOTABLE>"
    ).encode()


@pytest.mark.parametrize("kind", ["BINARY", "BINARY2", "FITS", "PARQUET"])
@pytest.mark.parametrize("attribute", ["href", "xlink:href", "HREF"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_votable_reaches_no_other_file_and_no_address(table, tmp_path, kind, attribute, encoding, monkeypatch):
    def reached(*_, **__):
        pytest.fail("the reader opened an address")

    monkeypatch.setattr("urllib.request.urlopen", reached)
    secret = tmp_path / "secret"
    secret.write_text("SECRET77")
    for address in (secret.as_uri(), str(secret), "http://127.0.0.1:1/health", "ftp://127.0.0.1/x"):
        data = _votable_stream(f'<STREAM {attribute}="{address}"/>', kind).decode().encode(encoding)
        with pytest.raises(SelectionError) as refused:
            read_members(data, table)
        assert "SECRET" not in str(refused.value)
        assert str(tmp_path) not in str(refused.value)


def test_a_refusal_quotes_no_content(table):
    for data in (
        *(b"obsid\nSECRET77\n", b"SECRET77,more\n1,2\n", b"obsid,x\n1,2\n1,SECRET77,3,4\n1,2,3\n"),
        *(b"ra,dec\nSECRET77,SECRET77\n", b"ra_SECRET77,dec_SECRET77,ra_b,dec_b\n1,2,3,4\n"),
        *(b"# %ECSV 1.0\n# ---\n# datatype: [SECRET77\n", b"Title: SECRET77\nByte-by-byte Description of file: x\n"),
        *(b"|SECRET77|\n|int|\n 1 \n", b"SIMPLE  = SECRET77", b"PAR1SECRET77PAR1", b"<VOTABLE>SECRET77"),
    ):
        with pytest.raises(SelectionError) as refused:
            read_members(data, table)
        assert "SECRET77" not in str(refused.value)
