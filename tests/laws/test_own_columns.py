"""The user's own columns: unique names, and descriptions preserved in all files."""

import io
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.model.aggregates import AGGREGATES
from explorer.model.expression import CONDITIONS, FLAGS, WORDS, Matches, parse
from explorer.model.formula import FUNCTIONS
from explorer.model.vocabulary import KEYWORDS
from explorer.state.stored import COLOUR_BY_COUNT, COLOUR_BY_SUBSETS
from pipeline.domain.columns import BY_NAME, RELEASE_COLUMNS
from pipeline.domain.own_columns import (
    EXPRESSION_WORDS,
    MAX_NAME,
    OWN_DTYPES,
    OWN_GROUP,
    RESERVED,
    is_own_name,
    own_column,
    own_name,
    source_name,
)
from pipeline.products.catalog import CATALOG_NAME, Catalog, write_blocks
from pipeline.products.catalog_file import CatalogFile
from pipeline.products.cds import cds_files
from pipeline.products.manifest import Manifest, ProductError, checksums
from pipeline.products.product import verify
from pipeline.products.release import freeze
from pipeline.products.tables import annotated, fits_bytes, parquet_bytes, votable_bytes

VALUES = {
    "int64": [2**60 + 1, -(2**53) - 1, 0, 7],
    "int32": [2**31 - 1, -(2**31), 0, 7],
    "int16": [32767, -32768, 0, 7],
    "float64": [1.0 / 3.0, 1e300, np.nan, -5e-324],
    "float32": [0.1, 3e38, np.nan, -1e-30],
    "bool": [True, False, True, True],
    "str": ["giant α", "", "a, 'quoted' \"word\"", "x"],
}
UNITS = ("km / s", "dex(cm / s2)", "electron / s", "10-3 weird", "BJD - 2457000, days", "%", "erg / (Angstrom s cm2)")
TEXTS = (
    "[Fe/H] of a fit? It is",
    "Runs over several lines of a ReadMe, the last of which begins with the year: seen in 1999 A12 km from here, 2010",
    "? as they say",
    "Costs 3$ ------- \N{GREEK SMALL LETTER SIGMA}",
    "",
)
UCDS = ("phys.veloc;em.opt", "POS_EQ_RA_MAIN", "", "no ucd at all")


def frame(n=4, **columns):
    return pd.DataFrame({"obsid": np.arange(1, n + 1), "in_training": False, "quality": 0} | columns, index=range(n))


@pytest.fixture(scope="module")
def own():
    """A column of every type, with every kind of unit, UCD and description."""
    found = []
    for number in range(21):
        dtype = OWN_DTYPES[number % 7]
        texts = UNITS[number % len(UNITS)], UCDS[number % len(UCDS)], TEXTS[number % len(TEXTS)]
        taken = {one.name for one in found}
        found.append(own_column(f"Own ({dtype}) №{number // 7}", dtype, *texts, "lists/My table.fits", taken))
    return tuple(found)


@pytest.fixture(scope="module")
def catalog(own):
    return Catalog.from_frame(frame(teff=3800.0, **{one.name: VALUES[one.dtype] for one in own}), own)


@pytest.fixture(scope="module")
def directory(catalog, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    catalog.write(folder, simulated=False)
    return folder


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(max_size=90), min_size=1, max_size=6), st.text(max_size=40))
def test_a_name_is_a_word_that_means_nothing_else(spellings, origin):
    taken = set()
    for spelling in [*spellings, *spellings]:
        name = own_name(spelling, origin, taken)
        assert is_own_name(name)
        assert name not in taken
        taken.add(name)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("[Fe/H]", "fe_h"),
        ("Teff", "my_table_teff"),
        ("vet_flag", "my_table_vet_flag"),
        ("LOW_SNR", "my_table_low_snr"),
        ("Between", "my_table_between"),
        ("count", "my_table_count"),
        ("2MASS", "c_2mass"),
        ("σ(RV)", "sigma_rv"),
        ("Δς", "delta_sigma"),
        ("Größe é", "gro_e_e"),
        ("质量", "column"),
        ("", "column"),
        ("j_k", "my_table_j_k"),
        ("x" * 100, "x" * 68),
    ],
)
def test_how_a_name_is_made(spelling, name):
    assert own_name(spelling, "lists/My table.csv.gz", {"j_k"}) == name


def test_names_that_collide_again_are_numbered():
    taken = {"a_b", "t_a_b", "t_a_b_2"}
    assert own_name("A.B", "t.fits", taken) == "t_a_b_3"
    long = "y" * MAX_NAME
    assert own_name(long, "t.fits", {long, f"t_{long}"[:MAX_NAME]}) == f"t_{long}"[: MAX_NAME - 2] + "_2"
    assert source_name("allStar-dr17-synspec_rev1.fits.gz") == "allstar_dr17_synspec_rev1"


@pytest.mark.parametrize("name", sorted({*CONDITIONS, *FUNCTIONS, *AGGREGATES, *KEYWORDS} - EXPRESSION_WORDS))
def test_a_column_may_have_the_name_of_a_function_that_is_not_reserved(name):
    mine = own_column(name, "float32", "", "", "", "t.fits", ())
    assert mine.name == name
    assert parse(f"{name} > 3", [mine]) == Matches(f"{name} > 3", ((name, "float32"),))


def test_reserved_words_are_those_of_the_explorer():
    assert {*WORDS, *CONDITIONS, *FUNCTIONS, "nan", "inf", "infinity"} >= EXPRESSION_WORDS
    assert {flag.lower() for flag in FLAGS} | {COLOUR_BY_COUNT, COLOUR_BY_SUBSETS} <= RESERVED
    assert {*BY_NAME, *(one.name for one in RELEASE_COLUMNS)} <= RESERVED


@pytest.mark.parametrize(("dtype", "origin", "says"), [("uint8", "t", "expected one of"), ("int64", " ", "no origin")])
def test_what_is_no_description_is_refused(dtype, origin, says):
    with pytest.raises(ValueError, match=says):
        own_column("x", dtype, "", "", "", origin, ())


def test_a_description_is_one_line():
    made = own_column("a\n\x00b", "str", " km\ts ", "x\ny", "two\r\nlines\x1b", "t.csv", ())
    assert (made.label, made.unit, made.ucd, made.description) == ("a b", "km s", "x y", "two lines")
    assert len(own_column("x" * 300, "str", "", "", "", "t.csv", ()).label) == 120
    assert (made.group, made.origin, made.is_own) == (OWN_GROUP, "t.csv", True)


def test_parquet_gives_back_equal_columns_and_values(catalog, own, directory):
    again = Catalog.read(directory)
    assert again.own == own
    assert again.columns == catalog.columns
    assert [one.name for one in again.columns[:4]] == ["obsid", "teff", "in_training", "quality"]
    pd.testing.assert_frame_equal(again.table, catalog.table)


def test_a_file_gives_each_column_alone(catalog, own, directory):
    file = CatalogFile(directory / CATALOG_NAME)
    for one in own:
        assert equal(file.words(one.name).to_pylist() if one.dtype == "str" else file.numbers(one.name), one)
        if one.is_numeric:
            known = catalog.table[one.name].to_numpy()[np.isfinite(catalog.table[one.name])]
            assert file.extent(one.name) == (known.min(), known.max())
    with pytest.raises(ValueError, match="read-only"):
        file.numbers(own[0].name)[0] = 1


def equal(found, one):
    """Whether a column that was read back is what was written."""
    wanted = VALUES[one.dtype]
    if one.dtype == "str":
        texts = [str(text) for text in np.ma.filled(np.ma.asarray(found), "")]
        return texts in (wanted, [text.encode("ascii", "backslashreplace").decode() for text in wanted])
    if one.is_float:
        return np.array_equal(
            np.ma.filled(np.ma.asarray(found), np.nan).astype(one.dtype), np.array(wanted, one.dtype), equal_nan=True
        )
    return [int(value) for value in found] == [int(value) for value in wanted]


def written(catalog, form):
    columns = {one: catalog.table[one.name].to_numpy() for one in catalog.columns}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = annotated(columns)
        if form == "cds":
            return cds_files(columns, "catalog.dat", "t", [])
        if form == "ecsv":
            target = io.StringIO()
            table.write(target, format="ascii.ecsv")
            return target.getvalue()
        return {"fits": fits_bytes, "votable": votable_bytes, "parquet": parquet_bytes}[form](table, {"a": "b"})


def read(data, form, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of units that no standard lists
        if form == "cds":
            for name, text in data.items():
                (folder / name).write_bytes(text)
            return Table.read(folder / "catalog.dat", format="ascii.cds", readme=str(folder / "ReadMe"))
        if form == "ecsv":
            return Table.read(data, format="ascii.ecsv")
        return Table.read(io.BytesIO(data), format=form)


@pytest.mark.parametrize("form", ["fits", "votable", "ecsv", "parquet", "cds"])
def test_every_form_holds_every_own_column(catalog, own, form, tmp_path):
    found = read(written(catalog, form), form, tmp_path)
    assert found.colnames == [one.name for one in catalog.columns]
    assert [one.name for one in own if not equal(found[one.name], one)] == []


@pytest.mark.parametrize("form", ["votable", "ecsv", "cds", "fits"])
def test_units_and_descriptions_come_along(catalog, own, form, tmp_path):
    found = read(written(catalog, form), form, tmp_path)
    odd = {("votable", "10-3 weird"): "0.001 weird"}  # astropy takes the power for a scale
    if form == "cds":
        odd = {(form, unit): "_".join(unit.split()) for unit in UNITS[3:5]} | {(form, UNITS[2]): "electron/s"}
    for one in own:
        unit = odd.get((form, one.unit), one.unit)
        assert str(found[one.name].unit).replace(" ", "") == unit.replace(" ", ""), one
    if form == "fits":
        header = fits.getheader(io.BytesIO(written(catalog, form)), 1)
        words = [header.get(f"TCOMM{number}", "") for number in range(5, 5 + len(own))]
        wanted = [one.description.encode("ascii", "backslashreplace").decode() for one in own]
        assert words == wanted
        assert [header.get(f"TUCD{number}", "") for number in range(5, 5 + len(own))] == [one.ucd for one in own]
        return
    for one in own:
        description = found[one.name].description or ""
        if form == "cds":  # ASCII, no rules of dashes, a Greek letter spelt; where the file says nothing, the source
            wanted = (one.description or one.meaning).replace("-------", "-").replace("σ", "sigma")
            assert wanted.encode("ascii", "backslashreplace").decode().lstrip("? ") in " ".join(description.split())
        else:
            assert description.split() == one.description.split()
            kept = "" if (form, one.ucd) == ("votable", "no ucd at all") else one.ucd  # its schema refuses such a one
            assert (found[one.name].meta.get("ucd") or "") == kept


def test_an_export_to_parquet_is_described_as_the_catalogue_is(catalog, own):
    schema = pq.read_schema(io.BytesIO(written(catalog, "parquet")))
    for one in own:
        about = {key.decode(): value.decode() for key, value in schema.field(one.name).metadata.items()}
        wanted = {"unit": one.unit, "ucd": one.ucd, "description": one.description}
        assert about == wanted | {"label": one.label, "group": OWN_GROUP, "origin": one.origin}


def test_more_columns_than_fits_allows_are_in_further_extensions():
    table = Table({f"c{number}": [number] for number in range(2100)})
    for column in table.itercols():
        column.meta["ucd"] = ""
    with fits.open(io.BytesIO(fits_bytes(table, {}))) as hdus:
        assert [hdu.name for hdu in hdus[1:]] == ["STARS", "STARS2", "STARS3"]
        assert [len(hdu.columns) for hdu in hdus[1:]] == [999, 999, 104]
        assert hdus["STARS2"].columns.names[:2] == ["c0", "c999"]
        assert sum(len(hdu.columns) for hdu in hdus[1:]) == 2100 + 2


def test_control_characters_of_a_text_are_written_as_escapes(own):
    text = replace(next(one for one in own if one.dtype == "str"), unit="")
    table = annotated({text: np.array(["a\x00b", "plain"], object)})
    assert list(table[text.name]) == ["a\\x00b", "plain"]
    assert Table.read(io.BytesIO(votable_bytes(table, {})), format="votable")[text.name][0] == "a\\x00b"


def test_a_release_holds_them_and_is_verified(catalog, own, tmp_path):
    products = tmp_path / "products"
    products.mkdir()
    catalog.write(products, simulated=False)
    Manifest("own", False, "", {}, {}, {}, files=checksums(products)).write(products)
    assert [breach for breach in verify(products) if "catalog" in breach and "declared" in breach] == []
    release = freeze(products, (), "v1", tmp_path / "v1", despite="columns alone").directory
    for name in ("catalog.fits", "catalog.vot", "catalog.parquet"):
        form = {"fits": "fits", "vot": "votable", "parquet": "parquet"}[name.split(".")[1]]
        found = read((release / name).read_bytes(), form, tmp_path)
        assert found.colnames[4:-6] == [one.name for one in own]
        assert [one.name for one in own if not equal(found[one.name], one)] == []
    files = {name: (release / name).read_bytes() for name in ("catalog.dat", "ReadMe")}
    assert read(files, "cds", tmp_path).colnames[4:-6] == [one.name for one in own]


def test_one_extra_column_in_a_file_opens(tmp_path):
    """Without any description but the storage type, and with what a foreign program left in the metadata."""
    stored = pa.Table.from_pandas(
        frame(
            **{"My Teff (K)": 1.0, "abs": 2, "gaps": pd.array([1, None, 3, 4], "Int64")},
            far=pd.array([2**60, None, 3, 4], "Int64"),
            unsure=pd.array([True, None, False, True], "boolean"),
            when=pd.Timestamp("2020-05-01"),
            kind=pd.Categorical(["a", "b", "b", "a"]),
            small=np.arange(4, dtype="u1"),
            nothing=pd.Series([None] * 4, dtype=object),
        ),
        preserve_index=False,
    )
    at = stored.schema.get_field_index("gaps")
    told = stored.schema.field(at).with_metadata({"unit": "km/s", "description": "by them", "ucd": "src"})
    pq.write_table(stored.set_column(at, told, stored.column(at)), tmp_path / CATALOG_NAME)
    found = Catalog.read(tmp_path)
    types = {one.name: one.dtype for one in found.own}
    assert types == {
        "my_teff_k": "float64",
        "catalog_abs": "int64",
        "gaps": "float64",
        "far": "str",
        "unsure": "str",
        "when": "str",
        "kind": "str",
        "small": "int16",
        "nothing": "float64",
    }
    by_name = {one.name: one for one in found.own}
    assert (by_name["my_teff_k"].label, by_name["my_teff_k"].origin) == ("My Teff (K)", CATALOG_NAME)
    assert (by_name["gaps"].unit, by_name["gaps"].description, by_name["gaps"].ucd) == ("km/s", "by them", "src")
    assert list(found.table["far"]) == ["1152921504606846976", "", "3", "4"]
    assert list(found.table["unsure"]) == ["yes", "", "no", "yes"]
    assert found.table["when"][0].startswith("2020-05-01")
    found.write(tmp_path, simulated=False)
    again = Catalog.read(tmp_path)
    assert again.own == found.own
    pd.testing.assert_frame_equal(again.table, found.table)


def test_a_frame_may_contain_undescribed_columns():
    found = Catalog.from_frame(frame(nonsense=1.0, mixed=[1, "a", None, 2.5], teff=3800.0))
    assert [(one.name, one.dtype) for one in found.own] == [("nonsense", "float64"), ("mixed", "str")]
    assert list(found.table["mixed"]) == ["1", "a", "", "2.5"]
    with pytest.raises(ProductError, match=r"neither declared nor described.*from_frame"):
        Catalog(found.table.rename(columns={"nonsense": "other"}), found.own[1:])


@pytest.mark.parametrize(
    ("changes", "values", "says"),
    [
        ({"name": "teff_"}, [1.0, 2.0, 3.0, 4.0], None),
        ({"name": "teff"}, [1.0, 2.0, 3.0, 4.0], "cannot have this name"),
        ({"name": "Two Words"}, [1.0, 2.0, 3.0, 4.0], "cannot have this name"),
        ({"origin": ""}, [1.0, 2.0, 3.0, 4.0], "name its table"),
        ({"low": 0.0}, [1.0, 2.0, 3.0, 4.0], "only declared columns have"),
        ({"description": "two\nlines"}, [1.0, 2.0, 3.0, 4.0], "line breaks"),
        ({"dtype": "int16"}, [1.0, np.nan, 3.0, 4.0], "has missing values"),
        ({"dtype": "int16"}, [1.0, 2.5, 3.0, 4.0], "a wider type"),
        ({"dtype": "int16"}, [1, 99999, 3, 4], "a wider type"),
        ({"dtype": "float64"}, ["a", "b", "c", "d"], "holds other values"),
    ],
)
def test_descriptions_that_do_not_fit_are_refused(own, changes, values, says):
    one = replace(own[3], **changes)
    assert one.dtype != own[3].dtype or own[3].dtype == "float64"
    if says is None:
        Catalog.from_frame(frame(**{one.name: values}), (one,))
        return
    with pytest.raises(ProductError, match=says):
        Catalog.from_frame(frame(**{one.name: values}), (one,))


def test_a_column_of_lists_or_a_name_twice_is_refused_with_the_remedy(tmp_path):
    lists = pa.Table.from_pandas(frame(), preserve_index=False).append_column("many", pa.array([[1, 2]] * 4))
    pq.write_table(lists, tmp_path / CATALOG_NAME)
    with pytest.raises(ProductError, match="one value a star"):
        Catalog.read(tmp_path)
    with pytest.raises(ProductError, match="one value a star"):
        Catalog.from_frame(frame(many=[[1, 2]] * 4))
    twice = pa.Table.from_pandas(frame(x=1.0), preserve_index=False).append_column("x", pa.array([1, 2, 3, 4]))
    pq.write_table(twice, tmp_path / CATALOG_NAME)
    with pytest.raises(ProductError, match="more than one column named x"):
        Catalog.read(tmp_path)


def test_blocks_are_written_with_their_own_columns(tmp_path):
    note = own_column("note", "str", "", "", "what they say", "t.csv", ())
    blocks = [frame(note="a").assign(obsid=np.arange(4) + start) for start in (1, 11)]
    assert write_blocks(iter(blocks), tmp_path, simulated=False, own=(note,)) == 8
    assert Catalog.read(tmp_path).own == (note,)
    with pytest.raises(ProductError, match="is described and missing"):
        write_blocks(iter([frame()]), tmp_path, simulated=False, own=(note,))


def test_statistics_of_other_writers_are_not_believed(tmp_path):
    """Some leave the range out of a row group in which one value is NaN."""
    Catalog.from_frame(frame(v=[1.0, np.nan, 3.0, 4.0])).write(tmp_path, simulated=False)
    file = CatalogFile(tmp_path / CATALOG_NAME)
    unknown = type("Statistics", (), {"has_min_max": False, "has_null_count": True, "null_count": 0})()
    file._statistics["v"] = [unknown]
    assert file.extent("v") is None
    stranger = type("Metadata", (), {"created_by": "somebody", "num_rows": 4})()
    file.parquet = type("Parquet", (), {"metadata": stranger, "read": file.parquet.read})()
    assert file.extent("v") == (1.0, 4.0)
