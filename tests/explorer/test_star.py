"""The star panel without a browser, with all kinds of missing data."""

import io

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from products_factory import make_products
from star_factory import ALL_MASKED, DOUBTFUL, WITHOUT_MODEL, controls, sent

from explorer.charts.grid import default_panels
from explorer.charts.spectrum import is_from_lamost
from explorer.model.library import open_library
from explorer.model.photometry import energy_distribution
from explorer.model.proposals import Proposal
from explorer.model.selection import InIds, Nothing
from explorer.model.star import error_text, facts_of
from explorer.model.table import StarTable
from explorer.state.workspace import Workspace
from pipeline.domain.columns import COLUMNS, column
from pipeline.domain.flags import ALL_BITS, FLAG_TEXTS, QualityFlag


@pytest.fixture
def room(star_library, links, make_page):
    page = make_page(star_library, links, Workspace(star_library.table, panels=default_panels(star_library, 2)))
    page.send("connect", seen=True)
    page.send("painted")
    return page


def wait(page, part):
    """The last value of a field, once the work in the background is done."""
    parts = [message[part] for message in page.sent if part in message]
    assert parts, f"nothing was parts of {part}"
    return parts[-1]


def ask(page, kind, part, **message):
    page.run(kind, **message)
    return wait(page, part)


def test_a_star_comes_with_everything_and_its_neighbours_ahead(room, star_library):
    obsid = star_library.table["obsid"]
    star = room.send("focus", obsid=str(obsid[3]))["star"]
    assert star["obsid"] == str(obsid[3])
    assert star["spectrum"]["obsid"] == star["obsid"]
    assert star["spectrum"]["flux"]["steps"].dtype == np.uint16
    assert star["sentence"] == ""
    assert (star["next"], star["previous"]) == (str(obsid[4]), str(obsid[2]))
    room.room.star.send_ahead()
    assert [one["obsid"] for one in wait(room, "ahead")] == [star["next"], star["previous"]]
    assert room.send("star_step", by=1)["star"]["obsid"] == star["next"]


def test_next_follows_the_order_of_the_table(room, star_library):
    room.send("sort", column="teff")
    order = np.argsort(star_library.table["teff"], kind="stable")
    obsid = star_library.table["obsid"]
    room.send("focus", obsid=str(obsid[order[0]]))
    assert room.send("star_step", by=1)["star"]["obsid"] == str(obsid[order[1]])


def test_steps_stay_in_the_selection_and_wrap(room, star_library):
    obsid = star_library.table["obsid"]
    room.change(selection=InIds(tuple(int(one) for one in obsid[[4, 9, 30]])))
    seen = [room.send("star_step", by=by)["star"]["obsid"] for by in (1, 1, -1, -1, 1)]
    assert seen == [str(obsid[row]) for row in (4, 9, 4, 30, 4)]
    room.change(focus=int(obsid[0]))
    assert room.send("star_step", by=-1)["star"]["obsid"] == str(obsid[30])
    room.change(selection=Nothing())
    assert "No star is selected" in room.send("star_step", by=1)["message"]


@pytest.mark.parametrize(("obsid", "words"), [(ALL_MASKED, "are masked"), (WITHOUT_MODEL, "")])
def test_a_star_that_lacks_something_says_so(room, obsid, words):
    star = room.send("focus", obsid=str(obsid))["star"]
    assert words in star["sentence"]
    if obsid == WITHOUT_MODEL:
        assert "no model of this star" in star["note"]


def test_unknown_stars_and_nonsense_are_sentences(room):
    assert "no star with obsid 12" in room.send("star_find", text="12")["message"]
    assert "not an obsid" in room.send("star_find", text="<b>")["message"]
    assert room.send("star_find", text="9" * 30)["message"]


def test_catalogues_without_spectra_or_model_say_so(tmp_path, links, make_page):
    bare = open_library(make_products(tmp_path / "bare", 60, spectra=False))
    page = make_page(bare, links, Workspace(bare.table, panels=default_panels(bare, 2)))
    page.send("connect", seen=True)
    page.send("painted")
    assert "tables only" in page.send("focus", obsid=str(bare.table["obsid"][0]))["star"]["sentence"]
    assert "tables only" in ask(page, "evidence", "evidence")["sentence"]
    few = open_library(make_products(tmp_path / "few", 60, n_spectra=10))
    page = make_page(few, links, Workspace(few.table, panels=default_panels(few, 2)))
    page.send("connect", seen=True)
    setup = page.send("painted")["star_setup"]
    assert "no label model" in setup["refit"]["sentence"]
    assert "10 stars do" in page.send("focus", obsid=str(few.table["obsid"][20]))["star"]["sentence"]
    page.send("focus", obsid=str(few.table["obsid"][2]))
    answer = ask(page, "refit", "refit", fixed={}, fit_rv=False, masked=[])
    assert "no label model" in answer["sentence"]
    assert ask(page, "evidence", "evidence")["windows"]


def test_sliders_refit_and_proposal(room, star_library):
    obsid = int(star_library.table["obsid"][3])
    published = room.send("focus", obsid=str(obsid))["star"]["published"]
    slid = room.send("slide", labels=published, number=7)["trial"]
    assert slid["number"] == 7
    spectrum = star_library.products.spectra.get(obsid)
    known = np.isfinite(spectrum.model)
    np.testing.assert_allclose(sent(slid["trial"]["flux"])[known], spectrum.model[known], atol=1e-4)
    assert "Fit this star first" in room.send("propose", reason="")["message"]
    wish = {"fixed": {"rv": published["rv"]}, "fit_rv": False, "masked": [[6500.0, 6510.0]]}
    answer = ask(room, "refit", "refit", **wish)
    assert answer["obsid"] == str(obsid)
    assert answer["reason"] == "converged"
    assert answer["trial"]["residuals"]["label"].startswith("trial")
    assert room.send("propose", reason="because")["proposed"] == {"obsid": str(obsid), "reason": "because"}
    stored = room.workspace.proposals[obsid]
    assert Proposal.from_json(stored.to_json()) == stored
    assert stored.masked == ((6500.0, 6510.0),)
    assert stored.catalogue.startswith("invented")
    everything = ask(room, "refit", "refit", **{**wish, "masked": [[0.0, 1e5]]})
    assert "Every pixel is masked" in everything["sentence"]


def test_evidence_of_a_doubtful_star(room):
    room.send("focus", obsid=str(DOUBTFUL))
    found = ask(room, "evidence", "evidence")
    kept, own = found["ccf"]
    assert kept["template"].endswith("as published")
    assert [round(peak[0]) for peak in kept["peaks"]] == [0, 500]
    assert own["template"] == "its own model"
    assert found["lines"][0][0] == "RV (8542)"
    assert len(found["nearest"]) == 8
    assert len(wait(room, "posterior")["draws"]) == 4


@pytest.mark.parametrize("by", ["labels", "spectrum", "training"])
def test_stars_alike_become_a_selection(room, star_library, by):
    obsid = int(star_library.table["obsid"][3])
    room.send("focus", obsid=str(obsid))
    shown = ask(room, "alike", "alike", by=by)["similar"]
    assert len(shown) == 8
    room.run("alike_select", by=by, count=5)
    picked = set(star_library.table["obsid"][room.workspace.rows].tolist())
    assert picked == {obsid, *map(int, shown[:5])}


def test_files_of_a_star(room, star_library):
    obsid, other = (int(one) for one in star_library.table["obsid"][[3, 4]])
    room.send("focus", obsid=str(obsid))
    trial = {"teff": 3700.0, "logg": 0.8, "m_h": -0.2, "alpha_m": 0.1, "rv": 12.0}
    room.send("draw", **controls(obsid, masked=[[6500.0, 6520.0]], trial=trial, pins=[str(other)]))
    made = ask(room, "star_file", "download", form="fits")
    assert made["name"] == f"star_{obsid}.fits"
    with fits.open(io.BytesIO(made["data"])) as units:
        star = units["STAR"]
        spectrum = star_library.products.spectra.get(obsid)
        np.testing.assert_array_equal(star.data["FLUX"], spectrum.flux)
        np.testing.assert_array_equal(star.data["MODEL"], spectrum.model)
        inside = star.data["MASK_USER"]
        assert ((star.data["WAVELENGTH"] > 6500) & (star.data["WAVELENGTH"] < 6520) == inside).all()
        assert star.header["OBSID"] == obsid
        assert star.header["SIMULATD"]
        assert star.columns["WAVELENGTH"].unit == "Angstrom"
        assert star.header["TRIAL TEFF"] == 3700.0
        comments = [star.header.comments[name] for name in ("RA", "DEC", "SNR", "TEFF", "ALPHA_M_ERR", "TRIAL TEFF")]
        assert comments[0] == "[deg] Right ascension, ICRS"
        assert [words[:5] for words in comments] == ["[deg]", "[deg]", "Mean ", "[K] E", "[dex]", "[K] o"]
        assert star.header["TEFF"] == pytest.approx(float(star_library.table["teff"][3]), rel=1e-6)
        descriptions = [star.header[f"TCOMM{number}"] for number in range(1, len(star.columns) + 1)]
        assert len(set(descriptions)) == len(star.columns)
        np.testing.assert_array_equal(star.data["MODEL_TRIAL"], room.room.star.spectrum.trial(3).flux)
    assert ask(room, "star_file", "download", form="pdf")["data"].startswith(b"%PDF")
    assert ask(room, "star_file", "download", form="png")["data"].startswith(b"\x89PNG")


def test_the_card_has_both_errors_and_words(library):
    row = int(np.flatnonzero(library.table["quality"] == int(QualityFlag.LOW_SNR))[0])
    facts = facts_of(library.table, row, simulated=True)
    teff = facts.labels[0]
    assert (teff.calibrated, teff.formal) == ("55", "18")
    assert any("mean S/N of the good pixels below 10" in bit for bit in facts.bits)
    assert facts.links == ()
    shown = {entry.name for _, entries in facts.groups for entry in entries}
    assert {"obsid", "distance", "rv", "sgr_lambda"} <= shown


def test_the_card_shows_repeats_values_of_bits_and_links(star_library):
    table = star_library.table
    facts = facts_of(table, 4, simulated=False)
    assert facts.repeats == (int(table["obsid"][5]),)
    addresses = dict(facts.links)
    assert str(table["gaia_source_id"][4]) in addresses["Gaia"]
    assert f"{table['ra'][4]:.6f}" in addresses["SIMBAD"]
    distance = dict(facts.groups)["Distance"][0]
    assert " to " in distance.text


def test_the_card_leaves_out_what_is_unknown_and_raises_squares(library):
    frame = library.products.catalog.table.copy()
    for name in ("gaia_source_id", "spectrograph_id", "fiber_id", "lmjd"):
        frame[name] = np.int64(0)
    frame["distance_roots"] = np.int16(-1)
    frame["energy"] = np.float32(-51234.0)
    table = StarTable.from_frame(frame)
    facts = {entry.name: entry.text for _, entries in facts_of(table, 3, simulated=True).groups for entry in entries}
    assert not {"gaia_source_id", "spectrograph_id", "fiber_id", "lmjd", "distance_roots"} & set(facts)
    assert facts["energy"] == "-51234 km²/s²"
    assert "obsid" in facts
    for declared in COLUMNS:
        if "0 unknown" in declared.description or "0 when none" in declared.description:
            assert declared.unknown == 0, declared.name


def test_each_bit_shows_its_own_evidence(library):
    frame = library.products.catalog.table.copy()
    for name in {name for text in FLAG_TEXTS.values() for name in text.evidence if column(name).is_float}:
        frame[name] = np.float32(1.0)
    frame["quality"] = np.int32(ALL_BITS)
    frame["label_reason"], frame["distance_roots"] = "converged", np.int16(1)
    facts = facts_of(StarTable.from_frame(frame), 0, simulated=True)
    for text, sentence in zip(FLAG_TEXTS.values(), facts.bits, strict=True):
        assert sentence.startswith(text.meaning)
        assert [name for name in text.evidence if f"{column(name).label} = " not in sentence] == []
    assert "RV (blue arm) = 1.0 km/s" in facts.bits[list(FLAG_TEXTS).index(QualityFlag.ARMS_DISAGREE)]


def test_values_that_a_bit_makes_doubtful_say_so(library):
    frame = library.products.catalog.table.copy()
    frame["quality"] = np.int32(int(QualityFlag.UNBOUND | QualityFlag.LABEL_AT_BOUND | QualityFlag.ASTROMETRY))
    frame["v_phi"] = np.float32(-15873.0)
    facts = facts_of(StarTable.from_frame(frame), 0, simulated=True)
    doubts = {entry.name: entry.doubt for _, entries in facts.groups for entry in entries}
    assert doubts["v_phi"] == "unbound, astrometry"
    assert {doubts[name] for name in ("obsid", "ra", "rv", "k_mag")} == {""}
    assert {label.doubt for label in facts.labels} == {"at bound"}
    frame["quality"] = np.int32(0)
    good = facts_of(StarTable.from_frame(frame), 0, simulated=True)
    assert {entry.doubt for _, entries in good.groups for entry in entries} == {""}


def test_identifiers_and_coordinates_can_be_copied(star_library):
    table = star_library.table
    copies = dict(facts_of(table, 4, simulated=False).copies)
    assert copies["obsid"] == str(table["obsid"][4])
    assert copies["Gaia source id"] == str(table["gaia_source_id"][4])
    assert SkyCoord(copies["coordinates"], unit="deg").ra.deg == pytest.approx(table["ra"][4], abs=1e-6)


def test_a_star_without_a_spectrum_has_its_photometry(tmp_path, links, make_page):
    bare = open_library(make_products(tmp_path / "bare", 60, spectra=False))
    page = make_page(bare, links, Workspace(bare.table, panels=default_panels(bare, 2)))
    page.send("connect", seen=True)
    setup = page.send("painted")["star_setup"]
    assert "wavelength" not in setup
    star = page.send("focus", obsid=str(bare.table["obsid"][0]))["star"]
    (point,) = star["photometry"]["points"]
    assert point[:2] == ["Ks", 2.159]
    frequency = 299792458.0 / 2.159e-6
    expected = frequency * 666.7e-26 * 10 ** (-0.4 * float(bare.table["k_mag"][0]))
    assert point[2] == pytest.approx(np.log10(expected), abs=1e-6)
    low, high = star["photometry"]["y_ends"]
    assert low < point[2] < high
    answer = page.send("draw", **controls(bare.table["obsid"][0]))
    assert "drawn" not in answer
    assert "frame" not in page.send("spectrum_zoom", ends=[8440.0, 8720.0], number=9)


def test_fluxes_are_those_of_known_magnitudes_in_order(library):
    frame = library.products.catalog.table.iloc[:2].copy()
    frame["w1_mag"], frame["w1_mag_err"] = np.float32([9.0, np.nan]), np.float32([0.1, np.nan])
    frame["g_mag"] = np.float32(12.0)
    table = StarTable.from_frame(frame)
    assert [point.label for point in energy_distribution(table, 0)] == ["G", "Ks", "W1"]
    assert [point.label for point in energy_distribution(table, 1)] == ["G", "Ks"]
    assert [round(point.error_dex, 3) for point in energy_distribution(table, 0)] == [0.0, 0.0, 0.04]
    vega = {item.name: item.band for item in COLUMNS if item.band is not None}
    assert {item.unit for item in COLUMNS if item.band} == {"mag"}
    assert set(vega) == {"g_mag", "j_mag", "h_mag", "k_mag", "w1_mag", "w2_mag"}


def test_a_link_restores_the_star_alone(room, star_library):
    room.workspace.look_at(int(star_library.table["obsid"][3]))
    assert room.send("star_page", on=True)["star_page"] is True
    other = Workspace(star_library.table)
    other.restore(room.workspace.to_dict())
    assert other.star_alone
    older = {key: value for key, value in room.workspace.to_dict().items() if key != "star_alone"}
    other.restore(older)
    assert not other.star_alone


def test_a_link_to_a_star_shows_no_welcome(star_library, links, make_page):
    for alone in (False, True):
        workspace = Workspace(star_library.table, focus=int(star_library.table["obsid"][3]), star_alone=alone)
        page = make_page(star_library, links, workspace)
        assert page.send("connect", seen=False).get("star_page", False) is alone
        assert ("welcome" in page.send("painted")) == (not alone)


def test_only_spectra_from_the_ground_have_telluric_bands(room, star_library):
    assert is_from_lamost(star_library.products.spectra.wavelength)
    assert not is_from_lamost(np.arange(3360.0, 10200.0, 20.0))
    obsid = int(star_library.table["obsid"][3])
    assert room.send("focus", obsid=str(obsid))["star"]["spectrum"]["telluric"]


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("teff", 28.4, "28"),
        ("teff", 0.31, "0.3"),
        ("m_h", 0.0712, "0.07"),
        ("m_h", 0.0042, "0.004"),
        ("m_h", np.nan, "-"),
    ],
)
def test_an_error_is_never_shown_as_zero(name, error, text):
    assert error_text(name, error) == text
