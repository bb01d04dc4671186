"""The paper's numbers in the Validate room: rows, filters, figures, files, reasons."""

import json
import shutil

import pytest
from products_factory import make_products

from explorer.model.library import open_library
from explorer.model.reproduced import report_of, rows_of
from explorer.rooms.reproduction import ReproductionView, figure_html, rows_html, validate_room
from explorer.state.workspace import Workspace
from pipeline.domain.reproduction import Agreement, ReproducedRow
from pipeline.reproduction.report import reproduce


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    """An invented product with its report."""
    folder = tmp_path_factory.mktemp("reproduced")
    directory = make_products(folder / "invented", 500, spectra=False)
    reproduce(directory, folder / "report")
    return open_library(directory)


@pytest.fixture
def room(reproduced):
    return ReproductionView(Workspace(reproduced.table), reproduced)


def test_every_row_and_figure_is_shown_as_simulated(room, reproduced):
    report = report_of(reproduced)
    text = room.rows.object
    assert text.count("<tr>") == len(report.rows) + 1
    assert text.count('class="simulated"') == len(report.rows)
    assert room.picture.object == ""
    for figure in report.figures:
        room.figure = figure.number
        assert room.picture.object.count("<h2>SIMULATED: Figure") == 1
        assert room.picture.object.count("data:image/png;base64,") == bool(figure.files)
    assert sum(bool(figure.files) for figure in report.figures) > 3
    assert "28,610" in text
    assert "python -m pipeline reproduce" in text


def test_rows_are_chosen_by_verdict_and_figure(room, reproduced):
    report = report_of(reproduced)
    for verdict in Agreement:
        room.verdict = str(verdict)
        shown = [row for row in report.rows if row.verdict == verdict]
        assert room.rows.object.count("<tr>") == (len(shown) + 1 if shown else 0)
    room.verdict, room.figure = "", "11"
    assert "Sagittarius" in room.picture.object
    assert "No statement" in room.rows.object
    room.figure = "3"
    assert len(rows_of(report, figure="3")) == 6


def test_files_are_those_of_the_product(room, reproduced):
    folder = reproduced.products.directory / "reproduction"
    assert room.file("report.pdf").read() == (folder / "report.pdf").read_bytes()
    assert json.loads(room.file("report.json").read())["simulated"] is True


def test_a_product_without_a_report_says_how_to_make_one(library):
    room = ReproductionView(Workspace(library.table), library)
    assert "python -m pipeline reproduce" in room.body().object
    assert validate_room(Workspace(library.table), library) is not None


def test_a_damaged_report_is_a_sentence(reproduced, tmp_path):
    directory = tmp_path / "damaged"
    shutil.copytree(reproduced.products.directory, directory)
    library = open_library(directory)
    (directory / "reproduction" / "report.json").write_text('{"paper": 3}', "utf-8")
    assert "reproduce DIR` again" in ReproductionView(Workspace(library.table), library).body().object
    figure = next(figure for figure in report_of(reproduced).figures if figure.files)
    (directory / "reproduction" / figure.file(".png")).unlink()
    assert "is missing" in figure_html(library, figure)


def test_texts_of_a_row_are_escaped():
    row = ReproducedRow(
        *("key", "2.1", "1", "<b>quantity", "57 K", "K", 1, 56.5, 57.5, 60.0, 1.0, 30, 3.0, 3.0, Agreement.AGREES),
        *("<i>reason", "<u>how", "python -m pipeline reproduce 'a<b>'", False),
    )
    text = rows_html([row])
    assert "60.0 ± 1.0 K" in text
    assert "+3.0" in text
    assert 'class="real"' in text
    for tag in ("<b>quantity", "<i>", "<u>", "a<b>"):
        assert tag not in text
