"""Writing of the simulated archives: bytes, blocks, the command, and the direct build beside it."""

import tomllib

import numpy as np
import pytest
from astropy.io import fits

from pipeline.__main__ import main
from pipeline.config import load_config
from pipeline.mock import simulate
from pipeline.mock.archives import apogee, write_archives, write_long_allstar
from pipeline.mock.archives.files import Field, record_dtype, write_fits_table
from pipeline.mock.fits_layouts import write_lamost_fits
from pipeline.sources.lamost_fits import find_spectra
from pipeline.stages import reading
from pipeline.stages.state import BuildState


def stored(state):
    """Raw spectra as they are stored, without the configured windows masked."""
    return [np.load(state.work / "raw" / f"{kind}.npy") for kind in ("flux", "ivar", "mask")]


def test_the_direct_build_reads_what_the_files_hold(tmp_path):
    """Both ways through the read stage give the same bytes of spectra and the same S/N."""
    survey = simulate(24, seed=3, training=0)
    write_lamost_fits(survey, tmp_path / "spectra", "dr9")
    texts = {
        "direct": '[input]\nkind = "mock"\nn_stars = 24\nn_training = 0\nseed = 3\n',
        "files": '[input]\nkind = "lamost-fits"\nspectra = "spectra"\n',
    }
    found = {}
    for name, text in texts.items():
        (tmp_path / f"{name}.toml").write_text(text)
        (tmp_path / name).mkdir()
        state = BuildState(load_config(str(tmp_path / f"{name}.toml")), tmp_path / name, tmp_path / name)
        reading.read(state, lambda _fraction, _words: None)
        order = np.argsort(state.table["obsid"].to_numpy())
        arrays = dict(zip(("flux", "ivar", "mask"), (array[order] for array in stored(state)), strict=True))
        found[name] = arrays | {"snr": state.table["snr"].to_numpy()[order]}
    for name, values in found["direct"].items():
        np.testing.assert_array_equal(values, found["files"][name], err_msg=name)


def test_same_seed_same_bytes(tmp_path):
    written = [
        write_archives(simulate(24, seed=5, training=10), tmp_path / name, 10, field_stars=80)
        for name in ("one", "two")
    ]
    one, two = (
        {path.relative_to(files.directory): path.read_bytes() for path in files.directory.rglob("*") if path.is_file()}
        for files in written
    )
    assert one == two
    assert len(one) == 24 + len(written[0].tables) + 3


def test_a_long_allstar_is_written_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(apogee, "BLOCK_ROWS", 50)
    told = []
    write_long_allstar(tmp_path / "allStar.fits", 120, 4, told.append)
    assert told == pytest.approx([50 / 120, 100 / 120, 1.0])
    with fits.open(tmp_path / "allStar.fits") as hdus:
        data = hdus[1].data
        assert len(data) == 120
        assert data.dtype.itemsize > 4000
        known = data["GAIAEDR3_SOURCE_ID"] > 0
        assert len(np.unique(data["GAIAEDR3_SOURCE_ID"][known])) == known.sum() > 100
        assert len(np.unique(data["APOGEE_ID"])) == 120
        assert hdus[1].header["SIMULATD"] is True
    assert (tmp_path / "allStar.fits").stat().st_size % 2880 == 0


def test_a_table_has_the_rows_that_its_header_announces(tmp_path):
    fields = (Field("a", "J"), Field("b", "4A"))
    with pytest.raises(ValueError, match="announces 3 rows; 2 came"):
        write_fits_table(tmp_path / "x.fits", fields, [np.zeros(2, record_dtype(fields))], 3)


def test_the_command_writes_them(tmp_path, capsys):
    folder = tmp_path / "download"
    assert main(["mock", str(folder), "--as-archives", "--stars", "40", "--training", "10", "--seed", "9"]) == 0
    assert f"build {folder / 'build.toml'}" in capsys.readouterr().out
    assert tomllib.loads((folder / "direct.toml").read_text())["input"]["n_training"] == 10
    assert len(find_spectra(folder / "spectra")) == 40
    assert main(["mock", str(folder), "--as-archives"]) == 2
    assert "not empty" in capsys.readouterr().err
    assert main(["mock", str(tmp_path / "a.fits"), "--allstar", "30"]) == 0
    assert "30 simulated rows" in capsys.readouterr().out
    assert len(fits.getdata(tmp_path / "a.fits")) == 30
    assert main(["mock", str(tmp_path / "a.fits"), "--allstar", "30"]) == 2
    assert "exists" in capsys.readouterr().err
    assert main(["mock", str(tmp_path / "b.fits"), "--allstar", "0"]) == 2
    assert "above 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--allstar", "5", "--stars", "5"], "--stars: not allowed with argument --allstar"),
        (["--as-archives", "--layout", "dr5"], "--layout: not allowed with argument --as-archives"),
        (["--training", "5"], "--training: allowed with argument --as-archives only"),
        (["--as-archives", "--allstar", "5"], "not allowed with argument"),
    ],
)
def test_options_that_would_be_ignored_are_refused(tmp_path, capsys, arguments, reason):
    with pytest.raises(SystemExit):
        main(["mock", str(tmp_path / "x"), *arguments])
    assert reason in capsys.readouterr().err
