"""Uploaded member lists: every form that is read, and a clear sentence for everything else."""

import base64
import gzip
import io
import random
from contextlib import suppress

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.model.members import MOST_BYTES, read_members
from explorer.model.selection import SelectionError


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


HOSTILE = {
    "too large": (b"1\n" * (MOST_BYTES // 2 + 1), "bytes; at most"),
    "empty": (b"", "The list is empty"),
    "white": (b" \n\n\t\n", "The list is empty"),
    "comments": (b"# nothing\n# more\n", "The list is empty"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "neither text nor FITS"),
    "packed": (gzip.compress(b"obsid\n1\n"), "neither text nor FITS|could not be read"),
    "other columns": (b"name,size\na,1\n", "found: name, size"),
    "no numbers": (b"obsid\none\ntwo\n", "holds no whole number"),
    "hours": (b"ra,dec\n00:42:44,+41:16:09\n", "Convert hours"),
    "ragged": (b"obsid,x\n1,2\n1,2,3,4\n", "could not be read"),
    "latin-1": ("obsid,n\u00e4me\n1,\u00e4\n".encode("latin-1"), "could not be read"),
    "cut FITS": (None, "could not be read"),
    "cut VOTable": (None, "could not be read"),
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
    st.binary(max_size=400), st.sampled_from([b"", b"SIMPLE  =", b"<?xml version='1.0'?>", b"obsid,ra\n", b"ra\tdec\n"])
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


def test_the_page_is_told_what_was_wrong_and_keeps_its_selection(page):
    page.open()
    page.send("side", open=True)
    before = page.workspace.selection
    markup = b"<img src=x onerror=alert(1)>,b\n1,2\n"
    page.run("members", size=len(markup), data=base64.b64encode(markup).decode())
    assert "found: <img src=x onerror=alert(1)>" in page.told[-1]["side"]["said"]
    page.run("members", size=10**9, data="")
    assert "1,000,000,000 bytes" in page.told[-1]["side"]["said"]
    page.run("members", size=4, data="not base64 \u00e4")
    assert page.told[-1]["side"]["said"]
    assert page.workspace.selection == before
