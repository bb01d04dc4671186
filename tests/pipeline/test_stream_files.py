"""Stream models from files: Law & Majewski, simple tables in any format, unusable files."""

import gzip
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.table import Table

from pipeline.config import StreamColumnsConfig
from pipeline.domain.frames import (
    FRAMES,
    SolarFrame,
    equatorial_to_galactic,
    galactic_to_equatorial,
    galactic_to_sagittarius,
    galactocentric_phase_space,
    line_of_sight_gsr,
    sky_from_galactocentric,
)
from pipeline.science.stream.model import stream_from_sky
from pipeline.sources.stream_tables import STREAM_UNITS, StreamError, read_stream_model

PAPER = FRAMES["paper"]
THEIR_SUN = (9.0, 232.0, 7.0)
LM10 = [
    *("lambda", "beta", "ra", "dec", "l", "b", "xgc", "ygc", "zgc", "xsun", "ysun", "zsun", "x4", "y4", "z4"),
    *("u", "v", "w", "dist", "vgsr", "mul", "mub", "mua", "mud", "Pcol", "Lmflag"),
]


def law_majewski(n=400, seed=3):
    """Particles in the columns of SgrTriax_DYN.dat, made from its description alone, rounded as text is."""
    rng = np.random.default_rng(seed)
    glon, glat, distance = rng.uniform(0, 360, n), rng.uniform(-80, 80, n), rng.uniform(5, 60, n)
    velocity = rng.normal(0, 150, (n, 3))
    l, b = np.radians(glon), np.radians(glat)  # noqa: E741
    sight = np.stack([np.cos(b) * np.cos(l), np.cos(b) * np.sin(l), np.sin(b)], axis=1)
    seen = velocity - THEIR_SUN
    east = np.stack([-np.sin(l), np.cos(l), 0 * l], axis=1)
    north = np.stack([-np.sin(b) * np.cos(l), -np.sin(b) * np.sin(l), np.cos(b)], axis=1)
    table = pd.DataFrame(0.0, index=range(n), columns=LM10)
    table["lambda"], table["beta"] = galactic_to_sagittarius(glon, glat)
    table["ra"], table["dec"] = galactic_to_equatorial(glon, glat)
    table["l"], table["b"], table["dist"] = glon, glat, distance
    table["xgc"] = 8.0 - distance * sight[:, 0]
    table["ygc"], table["zgc"] = distance * sight[:, 1], distance * sight[:, 2]
    table["u"], table["v"], table["w"] = -velocity[:, 0], velocity[:, 1], velocity[:, 2]
    table["vgsr"] = np.sum(sight * velocity, axis=1)
    table["mul"] = np.sum(seen * east, axis=1) / distance / 4.740470
    table["mub"] = np.sum(seen * north, axis=1) / distance / 4.740470
    table["Pcol"], table["Lmflag"] = rng.integers(-1, 8, n), rng.choice([-1, 1], n)
    return table.round(4), np.sum(seen * sight, axis=1)


def written(path, table, *, header=True):
    text = table.to_csv(sep=" ", index=False, header=header, na_rep="nan")
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "header"), [("SgrTriax_DYN.dat", True), ("SgrTriax_DYN.dat", False), ("SgrTriax_DYN.dat.gz", True)]
)
def test_law_and_majewski_with_their_own_sun(tmp_path, name, header):
    table, radial = law_majewski()
    found = read_stream_model(written(tmp_path / name, table, header=header), {}, PAPER)
    np.testing.assert_allclose(found.sky["rv"], radial, atol=0.01)
    np.testing.assert_allclose(found.sky["ra"], table["ra"], atol=1e-3)
    np.testing.assert_array_equal(found.leading, table["Lmflag"] > 0)
    assert np.isnan(found.stripped_gyr).all()
    assert "X = -8.00 kpc and moves with (9.0, 232.0, 7.0) km/s" in found.name
    assert "(simulated)" in found.name
    theirs = SolarFrame("LM10", 8.0, 0.0, THEIR_SUN, "their own")
    model = stream_from_sky(found.sky, theirs, stripped_gyr=found.stripped_gyr, leading=found.leading, name=found.name)
    np.testing.assert_allclose(model.sgr_beta, table["beta"], atol=2e-4)
    np.testing.assert_allclose(model.v_gsr, table["vgsr"], atol=0.02)
    # Astropy points its axes at Sgr A*, 0.07 degrees off (l, b) = (0, 0).
    np.testing.assert_allclose(model.x_gal, -table["xgc"], atol=0.1)
    np.testing.assert_allclose(model.v_x, -table["u"], atol=1.0)
    np.testing.assert_allclose(model.v_y, table["v"], atol=1.0)


def test_in_another_frame_the_sun_sees_the_same(tmp_path):
    table, radial = law_majewski(50)
    found = read_stream_model(written(tmp_path / "lm10.dat", table), {}, PAPER)
    model = stream_from_sky(found.sky, PAPER, stripped_gyr=found.stripped_gyr, leading=found.leading, name="")
    np.testing.assert_allclose(model.rv, radial, atol=0.02)
    position, velocity = galactocentric_phase_space(
        *(found.sky[key] for key in ("ra", "dec", "distance", "pmra", "pmdec", "rv")), PAPER
    )
    np.testing.assert_allclose(np.stack([model.x_gal, model.y_gal, model.z_gal], 1), position)
    np.testing.assert_allclose(np.stack([model.v_x, model.v_y, model.v_z], 1), velocity)
    assert np.abs(model.v_gsr - table["vgsr"]).max() > 10.0, "another solar motion gives another V_gsr"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: t.assign(xgc=-t["xgc"]), "positions do not fit"),
        (lambda t: t.assign(dist=1000 * t["dist"]), "positions do not fit"),
        (lambda t: t.assign(u=-t["u"]), "proper motions do not fit"),
        (lambda t: t.assign(mul=-t["mul"]), "proper motions do not fit"),
        (lambda t: t.assign(vgsr=t["vgsr"] - 200.0), "vgsr do not fit"),
        (lambda t: t.drop(columns="vgsr"), "25 columns, 26 expected"),
        (lambda t: t.assign(vgsr=np.nan), "no row with a number"),
        (lambda t: t.assign(vgsr="fast"), "damaged"),
        (lambda t: t.iloc[:0], "no row with a number"),
    ],
)
def test_another_file_is_not_taken_for_theirs(tmp_path, spoil, says):
    table, _ = law_majewski(60)
    with pytest.raises(StreamError, match=says):
        read_stream_model(written(tmp_path / "bad.dat", spoil(table)), {}, PAPER)


def test_damaged_and_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="MGIANT_DATA"):
        read_stream_model(tmp_path / "none.dat", {}, PAPER)
    for name in ("x.dat.gz", "x.fits", "x.parquet", "x.ecsv", "x.vot", "x.csv", "x.strange", "x.dat"):
        (tmp_path / name).write_bytes(b"\x00not a table\xff" * 30)
        with pytest.raises(StreamError, match="x"):
            read_stream_model(tmp_path / name, {}, PAPER)
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(StreamError, match=r"empty\.csv"):
        read_stream_model(tmp_path / "empty.csv", {}, PAPER)


def particles(n=40, seed=5):
    rng = np.random.default_rng(seed)
    position, velocity = rng.normal(0, 20, (n, 3)), rng.normal(0, 120, (n, 3))
    sky = sky_from_galactocentric(position, velocity, PAPER)
    sky["glon"], sky["glat"] = equatorial_to_galactic(sky["ra"], sky["dec"])
    sky["v_gsr"] = line_of_sight_gsr(sky["rv"], sky["glon"], sky["glat"], PAPER)
    sky |= dict(zip(("x_gal", "y_gal", "z_gal"), position.T, strict=True))
    sky |= dict(zip(("v_x", "v_y", "v_z"), velocity.T, strict=True))
    return sky | {"stripped_gyr": rng.uniform(0, 5, n)}


WHOLE = ("distance", "pmra", "pmdec")


@pytest.mark.parametrize(
    "names",
    [("ra", "dec", *WHOLE, "rv"), ("glon", "glat", *WHOLE, "v_gsr"), ("x_gal", "y_gal", "z_gal", "v_x", "v_y", "v_z")],
    ids=["equatorial", "Galactic, V_gsr", "Galactocentric"],
)
@pytest.mark.parametrize("suffix", ["csv", "fits", "ecsv", "parquet", "vot", "dat"])
def test_every_format_and_every_set_of_columns(tmp_path, names, suffix):
    known = particles()
    columns = {name: name for name in (*names, "stripped_gyr")}
    path = tmp_path / f"particles.{suffix}"
    frame = pd.DataFrame({name: known[name] for name in columns})
    if suffix == "csv":
        frame.to_csv(path, index=False)
    elif suffix == "parquet":
        frame.to_parquet(path)
    else:
        form = {"ecsv": "ascii.ecsv", "vot": "votable", "dat": "ascii.basic"}.get(suffix, "fits")
        Table.from_pandas(frame).write(path, format=form)
    found = read_stream_model(path, columns, PAPER)
    for name, values in found.sky.items():
        np.testing.assert_allclose(values, known[name], atol=1e-5)
    np.testing.assert_allclose(found.stripped_gyr, known["stripped_gyr"])
    assert "40 particles of a model (simulated)" in found.name
    if suffix != "dat":
        for name, values in read_stream_model(path, {}, PAPER).sky.items():
            np.testing.assert_allclose(values, known[name], atol=1e-5)


def test_units_of_the_file_and_of_the_configuration(tmp_path):
    known = particles()
    table = Table({"RA": np.radians(known["ra"]) * u.rad, "DE": known["dec"] * u.deg, "back": -known["stripped_gyr"]})
    table["d"] = (known["distance"] * u.kpc).to(u.Mpc)
    table["v los"] = known["rv"] * 1000.0
    table.write(tmp_path / "t.ecsv")
    columns = {"ra": "RA", "dec": "DE", "distance": "d", "rv": "v los [m/s]", "stripped_gyr": "-back"}
    found = read_stream_model(tmp_path / "t.ecsv", columns, PAPER)
    for name in ("ra", "dec", "distance", "rv"):
        np.testing.assert_allclose(found.sky[name], known[name], rtol=1e-9)
    np.testing.assert_allclose(found.stripped_gyr, known["stripped_gyr"])
    assert np.isnan(found.sky["pmra"]).all()


@pytest.mark.parametrize("delimiter", ["|", ";", "\t"])
def test_any_delimiter_packed_or_not(tmp_path, delimiter):
    known = particles()
    text = pd.DataFrame({name: known[name] for name in ("ra", "dec", "distance", "rv")}).to_csv(sep=delimiter)
    (tmp_path / "t.txt.gz").write_bytes(gzip.compress(text.encode("utf-16")))
    columns = {name: name for name in ("ra", "dec", "distance", "rv")}
    found = read_stream_model(tmp_path / "t.txt.gz", columns, PAPER)
    np.testing.assert_allclose(found.sky["rv"], known["rv"])


def test_values_that_mean_missing_and_ragged_rows(tmp_path):
    known = particles(8)
    frame = pd.DataFrame({name: known[name] for name in ("x_gal", "y_gal", "z_gal", "v_x", "v_y", "v_z")})
    frame.loc[1, "x_gal"] = -9999.0
    frame.loc[2, "v_z"] = 99999.0
    text = frame.to_csv(index=False) + "1,2\n"
    (tmp_path / "t.csv").write_text(text)
    found = read_stream_model(tmp_path / "t.csv", {}, PAPER)
    assert "7 particles" in found.name
    assert "1 rows without a position left out, 1 rows with another number of cells left out" in found.name
    assert np.isnan(found.sky["rv"]).sum() == 1
    frame = frame.drop(index=[1, 2]) * 1000.0  # parsecs beyond 9,990 are positions
    columns = {name: f"{name} [{'pc' if name[0] != 'v' else 'm/s'}]" for name in frame}
    frame.to_csv(tmp_path / "t.csv", index=False)
    sky = read_stream_model(tmp_path / "t.csv", columns, PAPER).sky
    np.testing.assert_allclose(sky["distance"], np.delete(known["distance"], [1, 2]), rtol=1e-6)
    np.testing.assert_allclose(sky["rv"], np.delete(known["rv"], [1, 2]), rtol=1e-6)


def test_missing_kinematics_stay_missing(tmp_path):
    known = particles(6)
    frame = pd.DataFrame({name: known[name] for name in ("ra", "dec", "distance", "v_gsr")})
    frame.loc[1, "v_gsr"] = np.nan
    frame.loc[2, "distance"] = -1.0
    frame.loc[3, "dec"] = 95.0
    frame.loc[4, "ra"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False)
    found = read_stream_model(tmp_path / "t.csv", {}, PAPER)
    assert "3 particles" in found.name
    assert "3 rows without a position left out" in found.name
    model = stream_from_sky(found.sky, PAPER, stripped_gyr=found.stripped_gyr, leading=found.leading, name="")
    kept = [0, 1, 5]
    np.testing.assert_allclose(model.v_gsr, frame["v_gsr"][kept], atol=1e-9)
    np.testing.assert_allclose(model.x_gal, known["x_gal"][kept], atol=1e-6)
    for name in ("pmra", "pmdec", "v_x", "v_y", "v_z", "stripped_gyr"):
        assert np.isnan(getattr(model, name)).all()
    assert not model.leading.any()


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"ra": "ra", "dec": "dec"}, "no position among ra, dec; name ra, dec, distance"),
        ({"ra": "ra", "dec": "dec", "distance": "distanse"}, r"no column 'distanse' .*Did you mean 'distance'"),
        ({"ra": "ra", "dec": "dec", "distance": "distance [deg]"}, r"cannot be distance \[kpc\]"),
        ({"ra": "ra", "dec": "dec", "distance": "distance [parsnip]"}, "cannot be distance"),
        ({"ra": "ra", "dec": "dec", "distance": "word"}, "cannot be distance"),
        ({"ra": "ra", "dec": "dec", "distance": "nothing"}, "none of its 40 rows"),
        (
            {"ra": "ra", "dec": "dec", "glon": "glon", "glat": "glat", "distance": "distance"},
            "names several positions",
        ),
        ({"ra": "ra", "dec": "dec", "distance": "distance", "rv": "rv", "v_gsr": "v_gsr"}, "both rv and v_gsr"),
        ({"ra": "ra", "dec": "dec", "distance": "distance", "v_x": "v_x"}, "v_x, v_y, v_z without"),
        ({"ra": "ra", "dec": "dec", "distance": "distance", "pmra": "pmra"}, "half a proper motion"),
        (
            {"ra": "ra", "dec": "dec", "distance": "distance", "stripped_gyr": "-stripped_gyr"},
            'Turn the sign: stripped_gyr = "stripped_gyr"',
        ),
    ],
)
def test_columns_that_make_no_sense(tmp_path, columns, says):
    frame = pd.DataFrame(particles()).assign(word="far", nothing=np.nan)
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(StreamError, match=says):
        read_stream_model(tmp_path / "t.csv", columns, PAPER)


def test_the_configuration_knows_the_same_columns():
    assert set(asdict(StreamColumnsConfig())) == set(STREAM_UNITS)


@pytest.mark.shared
def test_the_real_particles_of_an_n_body_model(shared_data):
    path = shared_data / "sgr_nbody_dl17_particles.csv"
    columns = {
        "ra": "RA",
        "dec": "dec",
        "distance": "dist",
        "v_gsr": "vlos",
        "stripped_gyr": "-time_strip",
    }
    found = read_stream_model(path, columns, PAPER)
    model = stream_from_sky(found.sky, PAPER, stripped_gyr=found.stripped_gyr, leading=found.leading, name=found.name)
    raw = pd.read_csv(path)
    assert len(model) == len(raw) == 32500
    np.testing.assert_allclose(model.v_gsr, raw["vlos"], atol=1e-9)
    np.testing.assert_allclose(model.stripped_gyr, -raw["time_strip"])
    assert model.stripped_gyr.max() == pytest.approx(7.075)
    # The dwarf's velocity is 140 km/s from the Sun and 173 in the Galactic standard of rest: theirs is the latter.
    dwarf = (raw["time_strip"] == 0) & (raw["dist"].between(27, 28.5))
    assert abs(raw["vlos"][dwarf].median() - 173.0) < abs(raw["vlos"][dwarf].median() - 140.0)
