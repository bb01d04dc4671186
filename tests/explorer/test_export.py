"""Tables to take away: every form holds the selected stars, what the columns mean, and where they come from."""

import io
import json
import warnings

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from explorer.model import export as module
from explorer.model.export import FORMS
from explorer.model.export import export as written
from explorer.model.expression import parse
from explorer.model.selection import InRange, Nothing, SelectionError, from_dict


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
    if form == "csv":
        return Table.read(found.data.decode(), format="ascii.csv", comment="#")
    return Table.read(io.BytesIO(found.data), format=READ_AS[form])


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_every_column_of_the_selected_stars(library, table, cool, form):
    found = export(library, COOL, cool, form)
    assert found.name == f"invented_{cool.sum()}.{FORMS[form].ending}"
    back = read(found, form)
    assert set(back.colnames) == {declared.name for declared in table.columns}
    for name in table:
        if table[name].dtype == np.bool_ and form == "csv":
            written = np.asarray(back[name].astype(str) == "True", np.float64)
        else:
            written = np.ma.filled(np.ma.asarray(back[name]).astype(np.float64), np.nan)
        np.testing.assert_allclose(written, table[name][cool].astype(np.float64), rtol=1e-6, err_msg=name)
    for name in table.text_names:
        told = np.ma.filled(np.ma.asarray(back[name]), "").astype(str)
        assert [text.strip() for text in told] == [str(text) for text in table.texts(name)[cool]], name


@pytest.mark.parametrize("form", [form for form in FORMS if form != "csv"])
def test_units_and_descriptions_come_along(library, table, cool, form):
    found = export(library, COOL, cool, form)
    if form == "parquet":
        fields = pq.read_schema(io.BytesIO(found.data))
        told = {field.name: [field.metadata[key].decode() for key in (b"unit", b"description")] for field in fields}
        ucds = {field.name: field.metadata[b"ucd"].decode() for field in fields}
        assert ucds == {declared.name: declared.ucd for declared in table.columns}
    else:
        back = read(found, form)
        told = {name: [str(back[name].unit or ""), back[name].description or ""] for name in back.colnames}
    assert told["teff"][0] == "K"
    assert told["j_phi"][0].replace(" ", "") in ("kpckm/s", "kmkpc/s", "kpckms-1", "kpc.km/s", "km.kpc.s-1")
    if form != "fits":  # which has a place for them that astropy does not read
        for declared in table.columns:
            assert told[declared.name][1].split() == declared.description.split()


@pytest.mark.parametrize("form", FORMS)
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
    monkeypatch.setattr(module, "MOST_STARS", 10)
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


def test_a_csv_says_what_each_column_is(library, table, cool):
    lines = export(library, COOL, cool, "csv").data.decode().splitlines()
    assert "# column teff [K]: Effective temperature from SLAM" in lines
    told = [line.split()[2].rstrip(":") for line in lines if line.startswith("# column ")]
    assert told == [declared.name for declared in table.columns]
