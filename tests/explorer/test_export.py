"""Exported tables: selected stars, column descriptions and provenance in all formats."""

import io
import json
import re
import shutil
import subprocess
import warnings
from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from explorer.model import export as module
from explorer.model.export import FORMS
from explorer.model.export import export as written
from explorer.model.expression import parse
from explorer.model.selection import Everything, InRange, Nothing, SelectionError, from_dict
from pipeline.domain.own_columns import own_column
from pipeline.products.tables import annotated
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import recognise
from pipeline.sources.tables.star_columns import read_stars


def export(*args):
    """What is exported may not warn: a warning is a line in the server's log."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return written(*args)


READ_AS = {"fits": "fits", "votable": "votable", "ecsv": "ascii.ecsv", "parquet": "parquet", "csv": "ascii.csv"}
COOL = InRange("teff", 3500.0, 3700.0)


@pytest.fixture
def cool(table):
    return COOL.mask(table)


def read(found, form):
    if form.startswith("csv"):
        return Table.read(found.data.decode(), format="ascii.csv", comment="#" if form == "csv_notes" else "~")
    return Table.read(io.BytesIO(found.data), format=READ_AS[form])


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_every_column_of_the_selected_stars(library, table, cool, form):
    found = export(library, COOL, cool, form)
    assert found.name == f"invented_{cool.sum()}.{FORMS[form].ending}"
    back = read(found, form)
    also = {"simulated"} if form == "csv" else set()
    assert set(back.colnames) == {declared.name for declared in table.columns} | also
    for name in table:
        if table[name].dtype == np.bool_ and form.startswith("csv"):
            written = np.asarray(back[name].astype(str) == "True", np.float64)
        else:
            written = np.ma.filled(np.ma.asarray(back[name]).astype(np.float64), np.nan)
        np.testing.assert_allclose(written, table[name][cool].astype(np.float64), rtol=1e-6, err_msg=name)
    for name in table.text_names:
        texts = np.ma.filled(np.ma.asarray(back[name]), "").astype(str)
        assert [text.strip() for text in texts] == [str(text) for text in table.texts(name)[cool]], name


@pytest.mark.parametrize("form", [form for form in FORMS if not form.startswith("csv")])
def test_units_and_descriptions_come_along(library, table, cool, form):
    found = export(library, COOL, cool, form)
    if form == "parquet":
        fields = pq.read_schema(io.BytesIO(found.data))
        described = {
            field.name: [field.metadata[key].decode() for key in (b"unit", b"description")] for field in fields
        }
        ucds = {field.name: field.metadata[b"ucd"].decode() for field in fields}
        assert ucds == {declared.name: declared.ucd for declared in table.columns}
    else:
        back = read(found, form)
        described = {name: [str(back[name].unit or ""), back[name].description or ""] for name in back.colnames}
    assert described["teff"][0] == "K"
    assert described["j_phi"][0].replace(" ", "") in ("kpckm/s", "kmkpc/s", "kpckms-1", "kpc.km/s", "km.kpc.s-1")
    if form != "fits":  # which has a place for them that astropy does not read
        for declared in table.columns:
            assert described[declared.name][1].split() == declared.description.split()


@pytest.mark.parametrize("form", [form for form in FORMS if form != "csv"])
def test_the_header_says_where_it_comes_from(library, cool, form):
    data = export(library, COOL, cool, form).data
    if form == "fits":
        with fits.open(io.BytesIO(data)) as hdus:
            text = " ".join(str(line) for line in hdus[1].header["COMMENT"])
    elif form == "parquet":
        stored = pq.read_schema(io.BytesIO(data)).metadata
        text = str({key.decode(): value.decode() for key, value in stored.items()})
        assert from_dict(json.loads(stored[b"selection_json"])) == COOL
    else:
        text = data.decode()
    for words in ("SIMULATED", library.products.manifest.simulated_note, f"{cool.sum()} of {cool.size}"):
        assert words in text


@pytest.mark.parametrize("form", FORMS)
def test_a_selection_written_on_several_lines_is_no_trap(library, table, form):
    """Comments of a CSV and cards of FITS know one line only."""
    text = "teff > 3500\nand teff < 3700"
    selection = parse(text, table)
    rows = selection.mask(table)
    assert len(read(export(library, selection, rows, form), form)) == rows.sum()


def test_no_star_or_too_many_is_a_sentence(library, table, monkeypatch):
    with pytest.raises(SelectionError, match="No star is selected"):
        export(library, Nothing(), np.zeros(table.n_stars, bool), "fits")
    monkeypatch.setattr(module, "MAX_STARS", 10)
    with pytest.raises(SelectionError, match=r"a table takes 10\. Select fewer"):
        export(library, COOL, table.every, "csv")


def test_a_fits_table_has_a_name_and_comments_that_can_be_read(library, cool):
    with fits.open(io.BytesIO(export(library, COOL, cool, "fits").data)) as hdus:
        header = hdus["STARS"].header
        lines = [str(line) for line in header["COMMENT"]]
        names = hdus["STARS"].columns.names
    note = " ".join(library.products.manifest.simulated_note.split())
    assert f"SIMULATED: {note}" in " ".join(lines)
    words = set(note.split())
    assert all(line.split()[-1] in words for line in lines if line.split()[0] in words), "cut between words"
    number = names.index("m_h") + 1
    assert header[f"TUNIT{number}"] == "dex"
    assert header[f"TCOMM{number}"] == "Metallicity from SLAM"


def test_a_csv_with_notes_says_what_each_column_is(library, table, cool):
    lines = export(library, COOL, cool, "csv_notes").data.decode().splitlines()
    assert "# column teff [K]: Effective temperature from SLAM" in lines
    names = [line.split()[2].rstrip(":") for line in lines if line.startswith("# column ")]
    assert names == [declared.name for declared in table.columns]


def test_a_plain_csv_begins_with_names_and_says_that_it_is_simulated(library, table, cool):
    found = export(library, COOL, cool, "csv")
    lines = found.data.decode().splitlines()
    assert lines[0].split(",") == [*(declared.name for declared in table.columns), "simulated"]
    assert len(lines) == cool.sum() + 1
    assert all(line.endswith(",True") for line in lines[1:])
    frame = pd.read_csv(io.BytesIO(found.data))
    assert frame["obsid"].tolist() == table["obsid"][cool].tolist()


@pytest.mark.parametrize("form", FORMS)
def test_the_reader_of_tables_knows_our_own_tables(library, table, cool, form):
    """Every export opens again with its values, units and the mark of simulated stars."""
    found = export(library, COOL, cool, form)
    opened = open_table(found.data, found.name)
    assert opened.simulated, "what is simulated stays so"
    recognised = recognise(opened)
    assert {declared.name for declared in table.columns} <= set(recognised.recipes)
    frame = read_stars(opened, recognised).frame
    for declared in table.columns:
        if declared.dtype == "str":
            assert frame[declared.name].tolist() == [str(text) for text in table.texts(declared.name)[cool]]
        else:
            np.testing.assert_allclose(
                frame[declared.name].to_numpy(np.float64), table[declared.name][cool].astype(np.float64), rtol=1e-6
            )


def test_every_id_of_a_votable_comes_once(library, cool):
    data = export(library, COOL, cool, "votable").data
    counts = Counter(re.findall(rb'\bID="([^"]+)"', data))
    assert counts
    assert max(counts.values()) == 1


@pytest.mark.skipif(shutil.which("stilts") is None, reason="STILTS is not installed (apt-get install stilts)")
def test_stilts_accepts_what_is_exported(library, cool, tmp_path):
    for form in ("votable", "csv", "fits", "ecsv"):
        path = tmp_path / f"t.{form}"
        path.write_bytes(export(library, COOL, cool, form).data)
        command = ["stilts", "tpipe", f"in={path}", f"ifmt={form}", "omode=count"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert f"rows: {cool.sum()}" in done.stdout, done.stderr
    done = subprocess.run(
        ["stilts", "votlint", f"votable={tmp_path / 't.votable'}"], capture_output=True, text=True, check=False
    )
    assert done.stdout + done.stderr == ""


UNUSUAL = (
    "\r",
    "a\r\nb",
    "\ufffe",
    "\uffff",
    "\ud800",
    "a\x00b",
    "]]> <x>&amp;",
    'q"uote',
    "line\nbreak",
    "a,b",
    "#c",
    "",
)


@pytest.mark.parametrize("form", ["votable", "fits", "ecsv", "csv"])
def test_text_that_no_format_can_hold_is_written_so_that_all_rows_are_read(tmp_path, form):
    column = own_column("Note", "str", "", 'no "ucd" <>', "", "list.csv", ())
    identifiers = own_column("Number", "int64", "", "meta.id", "", "list.csv", ())
    values = {identifiers: np.arange(len(UNUSUAL)), column: np.array(UNUSUAL, object)}
    path = tmp_path / "t"
    path.write_bytes(FORMS[form].write(annotated(values), {}))
    read = Table.read(path, format={"csv": "ascii.csv", "ecsv": "ascii.ecsv"}.get(form, form))
    assert list(read["number"]) == list(range(len(UNUSUAL)))
    texts = [str(one) for one in np.ma.filled(np.ma.asarray(read["note"]).astype(str), "")]
    assert texts[1:6] == ["a\nb", "\\ufffe", "\\uffff", "\\ud800", "a\\x00b"]
    if form == "votable":
        ET.fromstring(path.read_bytes())
        assert b"<>" not in path.read_bytes()
    if shutil.which("stilts"):
        done = subprocess.run(
            ["stilts", "tpipe", f"in={path}", f"ifmt={form}", "omode=count"], capture_output=True, text=True, check=True
        )
        assert done.stdout.split()[-1] == str(len(UNUSUAL))


HOSTILE = ("=cmd|' /C calc'!A0", "@SUM(1)", "+1+cmd", "-2+3", "\tx", "=1")
HARMLESS = ("-", "+", "-12.5", "+3e5", "M5III", "a=b", "")


@pytest.mark.parametrize("form", ["csv", "csv_notes"])
def test_a_text_is_no_formula_for_a_spreadsheet_and_numbers_stay_numbers(form):
    texts = [*HOSTILE, *HARMLESS]
    table = Table({"obsid": np.arange(len(texts)), "kind": np.array(texts), "v": np.linspace(-1, 1, len(texts))})
    for column in table.itercols():
        column.meta["ucd"] = ""
    written = FORMS[form].write(table, {}).decode()
    again = Table.read(written, format="ascii.csv", comment="#")
    shown = ["" if value is np.ma.masked else str(value) for value in again["kind"]]
    assert shown[: len(HOSTILE)] == [f"'{text}" for text in HOSTILE]
    assert shown[len(HOSTILE) :] == list(HARMLESS)
    assert np.array_equal(again["v"], np.linspace(-1, 1, len(texts)))
    assert ("are prefixed with an apostrophe: kind" in written) == (form == "csv_notes")


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a\nb", ""])
def test_a_foreign_name_leads_to_no_other_folder(library, table, name):
    manifest = replace(library.products.manifest, name=name)
    other = replace(library, products=replace(library.products, manifest=manifest), place=None)
    assert re.fullmatch(r"\w[\w .-]*_400\.fits", export(other, Everything(), table.every, "fits").name)
