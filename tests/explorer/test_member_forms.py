"""Member lists in the formats of archives and programs, all selecting the same 40 stars."""

import gzip
import io
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from explorer.model.members import LIMITS, MAX_BYTES, read_members
from explorer.model.selection import SelectionError
from explorer.model.table import StarTable

STARS = 40


def text(table, form, **more):
    target = io.StringIO()
    table.write(target, format=form, **more)
    return target.getvalue().encode()


def binary(table, form):
    target = io.BytesIO()
    table.write(target, format=form)
    return target.getvalue()


@pytest.fixture(scope="module")
def stars(library):
    """A catalogue in which the first 40 stars have one to three observations, a tenth of an arcsec apart."""
    n = library.table.n_stars
    star = np.concatenate([np.arange(STARS), np.arange(STARS), np.arange(0, STARS, 2), np.arange(1000, 1000 + n)])[:n]
    rng = np.random.default_rng(4)
    ra, dec = rng.uniform(0, 360, 2000)[star], rng.uniform(-80, 80, 2000)[star]
    return StarTable(
        {
            "obsid": 101_000_000 + np.arange(n, dtype=np.int64),
            "gaia_source_id": 3_000_000_000_000_000_001 + 2 * star.astype(np.int64),
            "gaia_dr2_source_id": 4_000_000_000_000_000_001 + 2 * star.astype(np.int64),
            "ra": ra + rng.uniform(-0.05, 0.05, n) / 3600,
            "dec": dec + rng.uniform(-0.05, 0.05, n) / 3600,
        }
    )


@pytest.fixture(scope="module")
def whole(stars):
    """Every observation of the 40 stars."""
    return set(stars["obsid"][np.isin(stars["gaia_source_id"], stars["gaia_source_id"][:STARS])].tolist())


@pytest.fixture(scope="module")
def lists(stars):
    gaia, ra, dec = (np.array(stars[name][:STARS]) for name in ("gaia_source_id", "ra", "dec"))
    plain = Table({"source_id": gaia, "ra": ra, "dec": dec})
    named = [f"Gaia DR3 {one}" for one in gaia]
    names = np.array([f"\u00e4{k}" for k in range(STARS)])
    other = fits.BinTableHDU(Table({"setting": [1, 2]}))
    two_tables = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), other, fits.BinTableHDU(plain)]).writeto(two_tables)
    ascii_table = io.BytesIO()
    columns = [fits.Column("source_id", "A19", array=gaia.astype(str)), fits.Column("ra", "F12.7", array=ra)]
    fits.HDUList([fits.PrimaryHDU(), fits.TableHDU.from_columns(columns)]).writeto(ascii_table)
    hms = [f"{int(a / 15):02d}:{int(a * 4) % 60:02d}:{a * 240 % 60:.4f}" for a in ra]
    dms = [f"{'-' if d < 0 else ''}{int(abs(d)):02d} {int(abs(d) * 60) % 60:02d} {abs(d) * 3600 % 60:.3f}" for d in dec]
    return {
        "csv": text(plain, "ascii.csv"),
        "csv.gz": gzip.compress(text(plain, "ascii.csv")),
        "vot.gz": gzip.compress(binary(plain, "votable")),
        "fits.gz": gzip.compress(binary(plain, "fits")),
        "pipe-separated csv.gz": gzip.compress(text(plain, "ascii.csv", delimiter="|")),
        "commented header": text(plain, "ascii.commented_header"),
        "numpy.savetxt": b"# source_id ra dec\n"
        + b"\n".join(b"%d %.6f %.6f" % row for row in zip(gaia, ra, dec, strict=True)),
        "designation": text(Table({"designation": named}), "ascii.csv"),
        "designation under source_id": text(Table({"source_id": named, "ra": ra}), "ascii.csv"),
        "designations alone": "\n".join(named).encode(),
        "VizieR DR3Name": text(Table({"DR3Name": named, "Gmag": ra}), "ascii.csv"),
        "VizieR GaiaDR3": text(Table({"GaiaDR3": gaia}), "ascii.csv"),
        "VizieR Source": text(Table({"Source": gaia, "RA_ICRS": ra, "DE_ICRS": dec}), "ascii.tab"),
        "APOGEE": text(Table({"GAIAEDR3_SOURCE_ID": gaia}), "ascii.csv"),
        "join of TOPCAT": text(Table({"obsid_1": np.arange(STARS) + 5, "source_id_2": gaia}), "ascii.csv"),
        "RAdeg, DEdeg": text(Table({"RAdeg": ra, "DEdeg": dec}), "ascii.csv"),
        "sexagesimal": text(Table({"RA": hms, "DEC": dms}), "ascii.csv"),
        "radians": text(Table({"ra": np.radians(ra), "dec": np.radians(dec)}, units=["rad", "rad"]), "ascii.ecsv"),
        "ids in a line with commas": ",".join(map(str, gaia)).encode(),
        "ids in a line with blanks": b" ".join(b"%d" % one for one in gaia),
        "ids in ragged lines": b"\n".join(
            b", ".join(b"%d" % g for g in gaia[k : k + 7]) + b"," for k in range(0, STARS, 7)
        ),
        "obsids of another release": text(Table({"obsid": np.arange(STARS) + 101, "source_id": gaia}), "ascii.csv"),
        "obsids of another release, positions": text(
            Table({"obsid": [*stars["obsid"][300:302], *range(2, STARS)], "ra": ra, "dec": dec}), "ascii.csv"
        ),
        "ids ruined, positions": text(Table({"source_id": gaia.astype(float), "ra": ra, "dec": dec}), "ascii.csv"),
        "Latin-1": text(Table({"name": names, "source_id": gaia}), "ascii.csv").decode().encode("latin-1"),
        "GBK": "\n".join(["\u661f\u540d,source_id", *(f"\u6052\u661f,{one}" for one in gaia)]).encode("gbk"),
        "UTF-16": text(plain, "ascii.csv").decode().encode("utf-16"),
        "decimal comma": ("ra;dec\n" + "\n".join(f"{a:.7f};{d:.7f}" for a, d in zip(ra, dec, strict=True)))
        .replace(".", ",")
        .encode(),
        "second table": two_tables.getvalue(),
        "ASCII FITS table": ascii_table.getvalue(),
        "IPAC": text(plain, "ascii.ipac"),
        "MRT": text(plain, "ascii.mrt"),
        "CR line ends": text(plain, "ascii.csv").replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
    }


FORMS = (
    *("csv", "csv.gz", "vot.gz", "fits.gz", "pipe-separated csv.gz", "commented header", "numpy.savetxt"),
    *("designation", "designation under source_id", "designations alone", "VizieR DR3Name", "VizieR GaiaDR3"),
    *("VizieR Source", "APOGEE", "join of TOPCAT", "RAdeg, DEdeg", "sexagesimal", "radians"),
    *("ids in a line with commas", "ids in a line with blanks", "ids in ragged lines", "obsids of another release"),
    *("obsids of another release, positions", "ids ruined, positions", "Latin-1", "GBK", "UTF-16", "decimal comma"),
    *("second table", "ASCII FITS table", "IPAC", "MRT", "CR line ends"),
)


def test_no_form_is_forgotten(lists):
    assert set(lists) == set(FORMS)


@pytest.mark.filterwarnings("ignore::astropy.units.UnitsWarning")
@pytest.mark.parametrize("form", FORMS)
def test_every_form_selects_every_observation_of_its_stars(stars, whole, lists, form):
    members = read_members(lists[form], stars)
    assert set(members.selection.obsids) == whole
    assert f"{STARS} of {STARS}" in members.sentence
    assert f"They have {len(whole)} observations" in members.sentence


def test_the_column_that_decides_is_named(stars, lists):
    assert "(source_id)" in read_members(lists["obsids of another release"], stars).sentence
    sentence = read_members(lists["obsids of another release, positions"], stars).sentence
    assert "positions lie within 1 arcsec" in sentence
    assert sentence.endswith("The identifiers (obsid) match 2 rows.")


def test_dr2_identifiers_are_no_dr3_identifiers(stars, whole):
    dr2 = stars["gaia_dr2_source_id"][:STARS]
    for table in ({"gaia_dr2_source_id": dr2}, {"source_id": [f"Gaia DR2 {one}" for one in dr2]}):
        assert set(read_members(text(Table(table), "ascii.csv"), stars).selection.obsids) == whole
    members = read_members(text(Table({"source_id": dr2}), "ascii.csv"), stars)
    assert not members.selection.obsids
    wrong = [f"Gaia DR1 {one}" for one in stars["gaia_source_id"][:STARS]]
    with pytest.raises(SelectionError, match="no column"):
        read_members(text(Table({"source_id": wrong}), "ascii.csv"), stars)


def test_rows_that_do_not_fit_are_counted(stars):
    rows = [b"%d,1" % one for one in stars["gaia_source_id"][:10]]
    members = read_members(b"\n".join([b"source_id,x", *rows, b"1,2,3"]), stars)
    assert members.sentence.endswith("Left out as rows with another number of cells: 1.")


def test_positions_at_the_edges_of_the_sky_are_found():
    edge = StarTable(
        {
            "obsid": np.array([1, 2, 3, 4], np.int64),
            "ra": np.array([0.00005, 359.99995, 12.0, np.nan]),
            "dec": np.array([0.0, 0.0, 89.99999, np.nan]),
        }
    )
    members = read_members(b"ra,dec\n0,0\n200,89.9999999\n360,0\n-0.00001,0\n1,91\n", edge)
    assert members.selection.obsids == (1, 2, 3)
    assert "4 of 4 positions" in members.sentence
    assert "Left out without a position: 1" in members.sentence


def _bombs():
    wide = 150_000
    vot = (
        '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>{}'
        "</TABLE></RESOURCE></VOTABLE>"
    )
    field = '<FIELD name="obsid" datatype="{}" arraysize="{}"/>'
    short = binary(Table({"obsid": np.arange(10)}), "fits")
    fits_bomb = short.replace(b"NAXIS2  =                   10", b"NAXIS2  =           9999999999")
    many = short.replace(b"TFIELDS =                    1", b"TFIELDS =               150000")
    yaml = "".join(f"# - {{name: c{k}, datatype: int64}}\n" for k in range(wide))
    return {
        "columns with commas": b"obsid," + b"a," * wide + b"z\n1\n",
        "columns with tabs": b"obsid\t" + b"a\t" * wide + b"z\n1\n",
        "columns with blanks": b"obsid " + b"a " * wide + b"z\n1\n",
        "columns of bars": b"|" + b"a|" * wide + b"\n|" + b"int|" * wide + b"\n",
        "columns of 8 MB": b"obsid," + b"a," * 3_900_000 + b"z\n1\n",
        "columns, gzipped": gzip.compress(b"obsid," + b"a," * wide + b"z\n1\n"),
        "columns of a VOTable": vot.format('<FIELD name="a" datatype="int"/>' * wide).encode(),
        "columns of ECSV": f"# %ECSV 1.0\n# ---\n# datatype:\n{yaml}c0\n1\n".encode(),
        "columns of FITS": many,
        "gzip of zeros": gzip.compress(b"obsid\n" + bytes(40_000_000), 1),
        "gzip of lines": gzip.compress(b"obsid\n" + b"1\n" * 20_000_000, 1),
        "gzip of FITS": gzip.compress(fits_bomb + bytes(40_000_000), 1),
        "FITS of 10^10 rows": fits_bomb,
        "nested groups": b'<?xml version="1.0"?><VOTABLE>' + b"<GROUP>" * 1_000_000,
        "a cell of 10^9": vot.format(field.format("long", 10**9) + "<DATA><TABLEDATA/></DATA>").encode(),
        "binary rows": vot.format(
            field.format("unsignedByte", 1)
            + f"<DATA><BINARY><STREAM encoding='base64'>{'AAAA' * 3_900_000}</STREAM></BINARY></DATA>"
        ).encode(),
        "nested YAML": b"# %ECSV 1.0\n# ---\n# datatype: " + b"[" * 1_000_000 + b"\nobsid\n1\n",
        "quotes": b'obsid\n"' + b"x" * 15_000_000,
        "one number of 16 MB": b"obsid\n" + b"9" * 15_900_000,
    }


@pytest.fixture(scope="module")
def bombs():
    return _bombs()


BOMBS = (
    *("columns with commas", "columns with tabs", "columns with blanks", "columns of bars", "columns of 8 MB"),
    *("columns, gzipped", "columns of a VOTable", "columns of ECSV", "columns of FITS", "gzip of zeros"),
    *("gzip of lines", "gzip of FITS", "FITS of 10^10 rows", "nested groups", "a cell of 10^9", "binary rows"),
    *("nested YAML", "quotes", "one number of 16 MB"),
)


def test_no_bomb_is_forgotten(bombs):
    assert set(bombs) == set(BOMBS)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_at_once_and_in_little_memory(stars, bombs, name):
    data = bombs[name]
    assert len(data) <= MAX_BYTES
    before = _reset_peak()
    start = time.process_time()
    with pytest.raises(SelectionError) as refused:
        read_members(data, stars)
    spent = time.process_time() - start
    assert len(str(refused.value)) < 300
    assert spent < 0.6, f"{name}: {spent:.2f} s, {refused.value}"  # 0.3 s on an idle core
    used = _peak_mb() - before
    assert used < 400, f"{name}: {used:.0f} MB"


def _reset_peak():
    """Memory of this process now, from where its peak is counted again."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return float("inf")
    return _peak_mb()


def _peak_mb():
    lines = Path("/proc/self/status").read_text().splitlines() if Path("/proc/self/status").exists() else []
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), 0.0)


def test_the_limits_are_those_of_the_upload():
    assert LIMITS.max_bytes == MAX_BYTES
    assert LIMITS.max_columns == 2000
    with pytest.raises(SelectionError, match="at most 16,000,000"):
        read_members(bytes(MAX_BYTES + 1), None)
