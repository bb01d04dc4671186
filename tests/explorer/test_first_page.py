"""The first page: its star, and the catalogue in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from products_factory import make_products

from explorer.app import build_page
from explorer.model.catalogue_words import catalogue_words
from explorer.model.first_star import best_star, first_star, first_with_spectrum
from explorer.model.library import Library, open_library
from explorer.model.table import StarTable
from explorer.rooms.about import AboutView
from explorer.rooms.explore import ExploreRoom


def with_columns(library, **columns):
    """A library with other values of some columns."""
    arrays = {name: library.table[name] for name in library.table} | columns
    return Library(library.products, StarTable.from_frame(pd.DataFrame(arrays)))


def star(library, row):
    return int(library.table["obsid"][row])


def test_without_members_the_star_with_most_values_and_the_best_snr_is_first(library):
    n = library.table.n_stars
    snr, m_h, teff = (np.full(n, value, np.float32) for value in (50.0, -0.3, 3800.0))
    snr[[7, 9]] = 90.0, 80.0
    columns = {"obsid": library.table["obsid"], "snr": snr, "m_h": m_h, "teff": teff}
    assert first_star(Library(library.products, StarTable(columns))) == star(library, 7)
    gap = m_h.copy()
    gap[7] = np.nan
    assert first_star(Library(library.products, StarTable(columns | {"m_h": gap}))) == star(library, 9)
    assert first_star(Library(library.products, StarTable({"obsid": columns["obsid"]}))) == star(library, 0)


def test_a_member_of_the_stream_is_preferred_unless_it_is_doubtful(library):
    n = library.table.n_stars
    probability, snr, quality = np.zeros(n, np.float32), np.full(n, 50.0, np.float32), np.zeros(n, np.int32)
    probability[[3, 4]], snr[[3, 4, 8]] = 0.9, (60.0, 70.0, 500.0)
    members = with_columns(library, sgr_probability=probability, snr=snr, quality=quality)
    assert first_star(members) == star(library, 4)
    quality = quality.copy()
    quality[4] = 1
    assert first_star(with_columns(members, quality=quality)) == star(library, 3)


def test_only_the_most_probable_members_are_considered(library):
    n = library.table.n_stars
    probability, snr = np.zeros(n, np.float32), np.full(n, 50.0, np.float32)
    probability[:31], probability[40], snr[40] = 0.99, 0.81, 900.0
    members = with_columns(library, sgr_probability=probability, snr=snr, quality=np.zeros(n, np.int32))
    assert first_star(members) in {star(library, row) for row in range(31)}


def test_the_first_star_has_a_spectrum_where_there_are_any(tmp_path):
    some = open_library(make_products(tmp_path / "some", 60, n_spectra=5))
    assert first_star(some) in some.products.spectra
    rows = np.array([59, 4, 2])
    assert first_with_spectrum(some, rows) == star(some, 4)
    none = open_library(make_products(tmp_path / "none", 60, spectra=False))
    assert first_with_spectrum(none, rows) == star(none, 59)
    assert none.table.row_of(first_star(none)) is not None
    assert best_star(none, np.arange(0)) is None


def test_a_catalogue_with_positions_alone_opens_with_a_star(foreign_library):
    assert foreign_library.table.row_of(first_star(foreign_library)) is not None


@pytest.mark.parametrize(
    ("arguments", "chosen"), [({}, True), ({"star": [b"100000007"]}, False), ({"link": [b"unknown"]}, False)]
)
def test_a_star_is_chosen_on_a_new_page_alone(library, links, monkeypatch, arguments, chosen):
    made = []
    create = ExploreRoom.__init__

    def remember(room, workspace, *args, **options):
        made.append(workspace.focus)
        create(room, workspace, *args, **options)

    monkeypatch.setattr(ExploreRoom, "__init__", remember)
    build_page(library, links, arguments)
    assert (made == [first_star(library)]) == chosen


def described(library, **manifest):
    other = replace(library.products, manifest=replace(library.products.manifest, **manifest))
    return catalogue_words(replace(library, products=other))


def test_a_simulated_survey_says_so_and_names_the_paper(library):
    words = described(library, configuration={"input": {"kind": "mock"}})
    assert words.title == "A simulated survey of M giants"
    assert words.sentence == (
        "This is a simulated survey: 400 observations of M giants, each with a spectrum, made in the likeness of the "
        "catalogue of LAMOST DR9 M giants by Qiu et al. (2023); none of its stars is real."
    )
    other = described(library, simulated_note="Two of 400 spectra are simulated.")
    assert other.sentence.endswith("is simulated, wholly or in part: Two of 400 spectra are simulated.")


def test_the_papers_catalogue_is_named(library):
    words = described(library, simulated=False, configuration={"input": {"fetch": "qiu2023"}})
    assert "catalogue of LAMOST DR9 M giants by Qiu et al. (2023)" in words.sentence
    assert "400 stars, each with a spectrum" in words.sentence


def test_a_table_is_named_with_what_was_recognised(library):
    columns = [{"ours": name, "theirs": name} for name in ("obsid", "ra", "dec", "pmra_err", "m_h", "teff")]
    table = {"file": "mine.csv", "rows": 400, "schema": "M giants", "columns": columns, "own": ["a", "b"]}
    bare = replace(library, products=replace(library.products, spectra=None))
    words = described(bare, simulated=False, tables=(table, {"file": "gaia.vot", "rows": 9, "columns": []}))
    assert words.title == "The stars of mine.csv"
    assert words.sentence == (
        "This is the table mine.csv (M giants), joined with gaia.vot: 400 stars; 6 of its columns were recognised, "
        "among them RA, Dec, [M/H], Teff; 2 more are kept as columns of your own."
    )


def test_many_inputs_are_counted(library):
    inputs = {f"/data/{number}.fits": "" for number in range(9)}
    words = described(library, simulated=False, inputs=inputs)
    assert words.sentence == (
        "This catalogue has 400 stars, each with a spectrum, measured from 0.fits, 1.fits, 2.fits, 3.fits and "
        "5 more files."
    )
    assert described(library, simulated=False, inputs={"a/one.fits": ""}).sentence.endswith("measured from one.fits.")


def test_about_begins_with_what_the_catalogue_is(library):
    text = AboutView(library).text()
    words = catalogue_words(library)
    assert text.startswith(
        f'<article class="about" tabindex="0" aria-label="About"><section><h2>{words.title}</h2><p>{words.sentence}</p>'
    )
    assert "<td>name</td>" not in text
