"""Lists of lines, measured lines, air and vacuum, and the frame that follows a zoom."""

import base64
import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
from msgspec import UNSET
from msgspec.structs import replace as changed
from star_factory import controls

from explorer import protocol
from explorer.charts import curves
from explorer.charts.grid import default_panels
from explorer.charts.spectrum_content import SpectrumContent
from explorer.charts.spectrum_drawing import MAX_NAMES, drawing_of, frame_of
from explorer.charts.spectrum_picture import draw_spectrum
from explorer.model.line_file import MAX_BYTES, read_lines
from explorer.model.line_lists import (
    BUILT_IN,
    MAX_LINES,
    MAX_LISTS,
    Line,
    lists_from_plain,
    lists_to_plain,
    shown_lines,
    switched,
    with_list,
    without_list,
)
from explorer.model.selection import SelectionError
from explorer.state.workspace import Workspace
from pipeline.domain.wavelength import air_to_vacuum, doppler_factor, vacuum_to_air
from pipeline.science.spectra.line_measurement import measure_line

STAR = 3
RANGE = (8520.0, 8570.0)


# ---- curves ----


def test_curves_are_rounded_to_steps_and_unknown_values_stay_unknown():
    values = np.array([0.2, np.nan, 1.7, 0.2, np.inf])
    curve = curves.curve_of(values, 1e-3)
    assert curve.exact is UNSET
    assert curve.steps.tolist() == [0, curves.UNKNOWN, curves.UNKNOWN - 1, 0, curves.UNKNOWN]
    np.testing.assert_allclose(curves.values_of(curve), [0.2, np.nan, 1.7, 0.2, np.nan], atol=curve.step)
    assert curve.step == pytest.approx(1.5 / (curves.UNKNOWN - 1))


@pytest.mark.parametrize("values", [[np.nan, np.nan], [3.0, 3.0], [], [np.nan, 3.0]])
def test_curves_without_a_span_are_kept(values):
    curve = curves.curve_of(np.array(values, float), 1e-3)
    np.testing.assert_array_equal(curves.values_of(curve), np.array(values, np.float32))


def test_where_steps_would_be_coarse_numbers_are_exact():
    values = np.array([0.1234567, 1e6, np.nan], np.float32)
    curve = curves.curve_of(values, 1e-3)
    assert curve.steps.size == 0
    np.testing.assert_array_equal(curves.values_of(curve), values)


# ---- lists ----


def test_own_lists_have_colours_are_replaced_and_removed():
    lists = with_list(BUILT_IN, "mine", [Line("b", 6000.0), Line("a", 5000.0)])
    assert [line.name for line in lists[-1].lines] == ["a", "b"]
    lists = with_list(switched(lists, "mine", on=False), "mine", [Line("c", 7000.0)])
    assert [item.on for item in lists] == [True] * 3
    assert shown_lines(lists, 6900.0, 7060.0) == [(Line("c", 7000.0), lists[-1].colour), (BUILT_IN[1].lines[2], "")]
    assert without_list(lists, "mine") == BUILT_IN
    for number in range(MAX_LISTS - 1):
        lists = with_list(lists, f"list {number}", [Line("x", 5000.0)])
    assert len({item.colour for item in lists if item.is_own}) == MAX_LISTS
    with pytest.raises(SelectionError, match="Remove one"):
        with_list(lists, "one more", [Line("x", 5000.0)])


@pytest.mark.parametrize(
    ("name", "lines", "words"),
    [
        ("", [Line("x", 5000.0)], "needs a name"),
        ("x" * 41, [Line("x", 5000.0)], "needs a name"),
        (BUILT_IN[0].name, [Line("x", 5000.0)], "built-in"),
        ("mine", [], "has no line"),
        ("mine", [Line("x", 5000.0)] * (MAX_LINES + 1), "Shorten"),
        ("mine", [Line("x", 5.0)], "Check their unit"),
        ("mine", [Line("x", float("nan"))], "Check their unit"),
    ],
)
def test_lists_that_cannot_be_shown_are_refused(name, lines, words):
    with pytest.raises(SelectionError, match=words):
        with_list(BUILT_IN, name, lines)


def test_lists_are_stored_and_damaged_ones_refused():
    lists = switched(with_list(BUILT_IN, "mine", [Line("a", 5000.25)]), BUILT_IN[1].name, on=False)
    stored = json.loads(json.dumps(lists_to_plain(lists)))
    assert lists_from_plain(stored) == lists
    assert lists_from_plain(None) == BUILT_IN
    for damaged in ([{"name": "mine"}], 5, [{"name": "mine", "on": True, "lines": [["a"]]}], [{"name": "x", "on": 1}]):
        with pytest.raises(SelectionError):
            lists_from_plain(damaged)


def test_the_largest_state_of_lists_stays_small():
    lists = BUILT_IN
    for number in range(MAX_LISTS):
        lists = with_list(lists, f"list {number}", [Line("x" * 40, 5000.123456)] * (MAX_LINES // MAX_LISTS))
    assert len(json.dumps(lists_to_plain(lists))) < 100_000
    with pytest.raises(SelectionError, match="1,001 lines"):
        with_list(lists, "list 0", [Line("x", 5000.0)] * (MAX_LINES // MAX_LISTS + 1))


# ---- files ----

AIR = float(air_to_vacuum(5269.54))
VOTABLE = b"""<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>
<FIELD name="line" datatype="char" arraysize="*"/>
<FIELD name="lambda_vac" datatype="double" unit="nm"/><DATA><TABLEDATA>
<TR><TD>Fe I</TD><TD>526.954</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""
ECSV = b"""# %ECSV 1.0
# ---
# datatype:
# - {name: wavelength, unit: um, datatype: float64}
# - {name: ion, datatype: string}
wavelength ion
0.526954 "Fe I"
"""


@pytest.mark.parametrize(
    ("data", "unit", "air", "expected"),
    [
        (b"Fe I 5269.54\nCa II 8542.09\n", "Å", False, Line("Fe I", 5269.54)),
        (b"# pasted\n5269.54 Fe I\n8542.09, Ca II\n", "Å", True, Line("Fe I", AIR)),
        (b"5269.54\n8542.09\n", "Å", False, Line("5269.54", 5269.54)),
        (b"el,ion,lambda_vac,loggf\nFe,I,5269.54,-1\n", "Å", True, Line("Fe I", 5269.54)),
        (b"name\tair_wavelength\nFe I\t5269.54\nCa I\t6162.17\n", "Å", False, Line("Fe I", AIR)),
        (b"name,wavelength_air\nFe I,526.954\n", "nm", False, Line("Fe I", AIR)),
        (VOTABLE, "Å", True, Line("Fe I", 5269.54)),
        (ECSV, "nm", False, Line("Fe I", 5269.54)),
        (gzip.compress(b"name,lambda\nFe I,0.526954\n", mtime=0), "µm", False, Line("Fe I", 5269.54)),
    ],
)
def test_lines_are_read_from_any_table_or_text(data, unit, air, expected):
    line = read_lines(data, unit, air=air).lines[0]
    assert line.name == expected.name
    assert line.wavelength == pytest.approx(expected.wavelength, abs=1e-6)


def test_the_report_states_what_was_taken_and_left_out():
    sentence = read_lines(b"name,lambda_air\nFe I,5269.54\nx,3\n", "Å", air=False).sentence
    assert sentence == "1 line, wavelengths in air as the file states, in Å. Left out without a usable wavelength: 1."
    assert "in nm." in read_lines(b"Fe 526.9", "nm", air=False).sentence


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "wavelength or lambda"),
        (b"Fe I 52.6954\n", "Check the unit"),
        (b"<html>", "web page"),
        (b"x" * (MAX_BYTES + 1), "Shorten"),
        (b"name,wavelength\nx,y\n", "wavelength"),
        (ECSV.replace(b"unit: um", b"unit: kg"), "no length"),
    ],
)
def test_files_without_lines_are_refused(data, words):
    with pytest.raises(SelectionError, match=words):
        read_lines(data, "Å", air=False)


# ---- drawings ----


@pytest.fixture
def content(star_library):
    obsid = int(star_library.table["obsid"][STAR])
    return SpectrumContent(star_library.products.spectra.get(obsid), 120.0)


def look(**changes):
    return changed(protocol.DEFAULT_LOOK, **changes)


def drawn(content, **changes):
    return drawing_of(replace(content, **changes))


def test_only_lines_near_the_zoom_are_sent_and_own_ones_have_their_colour(content):
    lists = with_list(BUILT_IN, "mine", [Line(f"line {k}", 5000.0 + 4.0 * k) for k in range(MAX_NAMES * 5)])
    whole, zoomed = drawn(content, lists=lists), drawn(content, lists=lists, zoom=(5100.0, 5140.0))
    assert {mark.name for mark in whole.marks} == {""}
    assert {mark.name for mark in zoomed.marks} >= {"line 25", "line 35"}
    assert all(5060.0 < mark.wavelength < 5180.0 for mark in zoomed.marks)
    assert {mark.colour for mark in zoomed.marks if mark.name.startswith("line")} == {lists[-1].colour}
    off = tuple(replace(item, on=False) for item in BUILT_IN)
    assert drawn(content, lists=off).marks == ()


@pytest.mark.parametrize("observed", [False, True])
def test_in_air_everything_moves(content, observed):
    vacuum, air = (
        drawn(content, look=look(observed=observed, air=air), zoom=(8440.0, 8720.0)) for air in (False, True)
    )
    assert "vacuum" in vacuum.label
    assert "air" in air.label
    factor = float(doppler_factor(120.0)) if observed else 1.0
    np.testing.assert_allclose(np.array(air.ends), vacuum_to_air(np.array([8440.0, 8720.0]) * factor), atol=1e-3)
    places = [
        [mark.wavelength for mark in drawing.marks] + [band.low for band in drawing.telluric] + [drawing.masked[0][0]]
        for drawing in (vacuum, air)
    ]
    np.testing.assert_allclose(places[1], vacuum_to_air(places[0]), atol=1e-3)
    assert air.arm_edge == pytest.approx(float(vacuum_to_air(vacuum.arm_edge)), abs=1e-3)
    np.testing.assert_array_equal(air.flux.steps, vacuum.flux.steps)


def test_the_axis_of_residuals_follows_the_zoom(content):
    spectrum = content.spectrum
    flux = spectrum.flux.copy()
    at = (spectrum.wavelength > 6000.0) & (spectrum.wavelength < 6100.0)
    flux[at] += 30.0 / np.sqrt(np.maximum(spectrum.ivar[at], 1.0))
    wild = replace(spectrum, flux=flux)
    whole, quiet = drawn(content, spectrum=wild), drawn(content, spectrum=wild, zoom=(7000.0, 7300.0))
    assert quiet.residuals.ends[1] < 10.0 < whole.residuals.ends[1]
    frame = frame_of(SpectrumContent(wild, 120.0, zoom=(7000.0, 7300.0), number=4), quiet.flux_ends)
    assert frame.residual_ends == quiet.residuals.ends
    assert (frame.beyond, frame.marks, frame.number) == (quiet.residuals.beyond, quiet.marks, 4)
    assert whole.residuals.about == "(data − model) / noise"


@pytest.mark.parametrize("raw", [False, True])
def test_a_measured_line_is_drawn_with_its_numbers(content, raw):
    continuum = (50.0 + np.arange(content.spectrum.flux.size)).astype(np.float32)
    spectrum = content.spectrum
    scaled = replace(spectrum, continuum=continuum)
    measured = drawn(content, spectrum=scaled, measured=RANGE, look=look(raw=raw)).measured
    result = measure_line(spectrum, *RANGE, excluded=np.zeros(spectrum.flux.size, bool))
    rows = {row.name: row.text for row in measured.rows}
    assert rows["Equivalent width [Å]"].startswith(f"{result.equivalent_width.value:.2f}"[:4])
    assert abs(float(rows["Velocity, Gaussian [km/s]"].split(" ± ")[0])) < 60.0
    assert "Ca II 8544.44" in next(row.about for row in measured.rows if row.name.startswith("Velocity"))
    levels = np.interp(result.wavelength, spectrum.wavelength, continuum) if raw else 1.0
    np.testing.assert_allclose(measured.continuum, result.continuum * levels, rtol=1e-5)
    fit_at = np.linspace(*RANGE, measured.fit.size)
    scale = np.interp(fit_at, spectrum.wavelength, continuum) if raw else 1.0
    np.testing.assert_allclose(measured.fit, result.gaussian.flux(fit_at) * scale, rtol=1e-5)
    names, values = (line.split("\t") for line in measured.table.splitlines())
    table = dict(zip(names, values, strict=True))
    assert table["obsid"] == str(spectrum.obsid)
    assert f"{table['Gaussian centre [Å]']} ± {table['error of Gaussian centre [Å]']}" == rows["Gaussian centre [Å]"]


def test_widths_and_wavelengths_of_a_measured_line_are_those_of_the_axis(content):
    rest, seen = (drawn(content, measured=RANGE, look=look(observed=o, air=o)).measured for o in (False, True))
    values = [
        {row.name: float(row.text.split(" ± ")[0]) for row in one.rows if " ± " in row.text} for one in (rest, seen)
    ]
    factor = float(doppler_factor(120.0))
    assert values[1]["Gaussian centre [Å]"] == pytest.approx(
        float(vacuum_to_air(values[0]["Gaussian centre [Å]"] * factor)), abs=0.02
    )
    assert values[1]["Velocity, Gaussian [km/s]"] == values[0]["Velocity, Gaussian [km/s]"]
    assert seen.ends == pytest.approx(tuple(vacuum_to_air(np.array(RANGE) * factor)), abs=1e-3)


def test_a_range_that_cannot_be_measured_says_why(content):
    measured = drawn(content, measured=(8540.0, 8541.0)).measured
    assert "good pixels" in measured.sentence
    assert (measured.rows, measured.wavelength.size, measured.table) == ((), 0, "")


def test_masked_stretches_are_left_out_of_a_measurement(content):
    masked = drawn(content, measured=RANGE, masked=((8530.0, 8536.0),)).measured
    assert "masked ones are left out" in masked.sentence
    assert not ((masked.wavelength > 8530.0) & (masked.wavelength < 8536.0)).any()


def test_the_picture_has_the_measurement_and_the_medium(content):
    drawing = drawn(content, measured=RANGE, look=look(air=True))
    axes = draw_spectrum(content.spectrum.wavelength, drawing, "a star", "").axes[0]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), vacuum_to_air(content.spectrum.wavelength))
    fits = [line for line in axes.lines if len(line.get_xdata()) == drawing.measured.fit.size]
    np.testing.assert_array_equal(fits[0].get_ydata(), drawing.measured.fit)
    written = "\n".join(text.get_text() for text in axes.texts)
    assert all(f"{row.name}: {row.text}" in written for row in drawing.measured.rows)


def test_names_of_lines_are_no_formulas(content):
    lists = with_list((), "mine", [Line(r"$\nothing$", 6000.0)])
    figure = draw_spectrum(content.spectrum.wavelength, drawn(content, lists=lists), "a star", "")
    figure.canvas.draw()
    assert figure.axes[0].texts[0].get_text() == r"$\nothing$"


# ---- the room ----


@pytest.fixture
def room(star_library, links, make_page):
    page = make_page(star_library, links, Workspace(star_library.table, panels=default_panels(star_library, 2)))
    page.send("connect", seen=True)
    page.send("painted")
    page.send("focus", obsid=str(star_library.table["obsid"][STAR]))
    return page


def line_file(room, data, name="mine", **options):
    return room.ask(
        "line_file", name=name, data=base64.b64encode(data).decode(), **{"unit": "Å", "air": False} | options
    )


def test_lists_of_a_visitor_are_drawn_switched_kept_and_removed(room, star_library):
    answer = line_file(room, b"Fe I 6200\nFe I 6300\n", air=True)
    assert answer["lines"]["report"].startswith("2 lines, wavelengths in air")
    assert [item["name"] for item in answer["lines"]["lists"]][-1] == "mine"
    own = answer["lines"]["lists"][-1]
    assert own["lines"][0] == ["Fe I", pytest.approx(float(air_to_vacuum(6200.0)))]
    assert [mark[3] for mark in answer["drawn"]["marks"] if mark[0] == "Fe I"] == [own["colour"]] * 2
    hidden = room.send("line_switch", name="mine", on=False)
    assert "Fe I" not in [mark[0] for mark in hidden["drawn"]["marks"]]
    again = Workspace(star_library.table)
    again.restore(room.workspace.to_dict())
    assert again.lines == room.workspace.lines
    assert again.message == ""
    assert len(room.send("line_forget", name="mine")["lines"]["lists"]) == 2
    assert "no list of lines" in room.send("line_forget", name="mine")["message"]
    assert "no list of lines" in room.send("line_switch", name="mine", on=True)["message"]


def test_files_that_are_refused_change_nothing(room):
    for data, name in ((b"<html>", "mine"), (b"Fe 6200", BUILT_IN[0].name)):
        answer = line_file(room, data, name)
        assert answer["lines"]["refused"] is True
        assert room.workspace.lines == BUILT_IN
    assert (
        "not received completely" in room.ask("line_file", name="x", data="%%%", unit="Å", air=True)["lines"]["report"]
    )


def test_links_that_lack_lists_have_the_built_in_ones(room):
    stored = room.workspace.to_dict()
    del stored["lines"]
    room.workspace.restore(stored)
    assert room.workspace.lines == BUILT_IN
    room.workspace.restore(stored | {"lines": [{"name": "x"}]})
    assert "the lists of lines" in room.workspace.message


def test_a_measured_range_stays_for_the_next_star_and_ends(room, star_library):
    obsid = str(star_library.table["obsid"][STAR])
    measured = room.send("draw", **controls(obsid, measured=list(RANGE)))["drawn"]["measured"]
    assert measured["rows"]
    following = room.send("star_step", by=1)["star"]["spectrum"]["measured"]
    assert following["ends"] == measured["ends"]
    assert following["table"] != measured["table"]
    assert "measured" not in room.send("draw", **controls(obsid))["drawn"]
