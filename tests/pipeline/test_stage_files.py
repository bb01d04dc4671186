"""Growing arrays, parallel reading, and thousands of damaged FITS files."""

import io
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from pipeline.config import RunConfig, load_config
from pipeline.domain.spectrum import Spectrum, SpectrumError
from pipeline.domain.wavelength import doppler_factor
from pipeline.mock.fits_layouts import write_lamost_fits
from pipeline.mock.survey import simulate
from pipeline.products.product import Products
from pipeline.sources.lamost_fits import read_spectra, read_spectrum
from pipeline.stages import lamost_reading
from pipeline.stages.growing import GrowingArray
from pipeline.stages.reader_processes import IsolatedReader
from pipeline.stages.runner import build
from pipeline.stages.state import BuildState
from tests.pipeline.deadly_reader import deadly, refused

FUZZED = 1500
CODES = {
    *("not-fits", "empty", "truncated", "unreadable", "no-spectrum", "bad-shape", "bad-wavelength", "no-good-pixel"),
    *("no-identifier", "impossible-values", "negative-flux", "too-large"),
}


@pytest.mark.parametrize("kind", [np.float32, np.float64, bool])
def test_a_growing_array_ends_as_a_plain_npy_file(tmp_path, kind):
    values = (np.random.default_rng(1).random((7, 5)) * 3).astype(kind)
    with GrowingArray(tmp_path / "deep" / "a.npy", 5, kind) as array:
        for row in values:
            array.append(row)
        with pytest.raises(ValueError, match="it takes 5"):
            array.append(np.zeros(4))
    found = np.load(tmp_path / "deep" / "a.npy", mmap_mode="r", allow_pickle=False)
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)
    with GrowingArray(tmp_path / "none.npy", 5, kind):
        pass
    assert np.load(tmp_path / "none.npy").shape == (0, 5)


@pytest.mark.parametrize("many", [True, False])
def test_a_file_that_ends_its_process_is_a_reject(tmp_path, monkeypatch, many):
    write_lamost_fits(simulate(20, seed=5, training=0), tmp_path, "dr9")
    packed = fits.CompImageHDU(np.ones((5, 500), np.float32), compression_type="RICE_1")
    packed.writeto(tmp_path / "deadly.fits")
    paths = [*sorted(tmp_path.glob("spec*")), tmp_path / "deadly.fits"]
    monkeypatch.setattr(lamost_reading, "_read_chunk", deadly)
    monkeypatch.setattr(lamost_reading, "_CHUNK", 7)
    monkeypatch.setattr(lamost_reading, "_MANY_FILES", 1 if many else 1000)
    monkeypatch.setattr(lamost_reading, "available_threads", lambda _threads: 2)
    records = []
    found = list(lamost_reading.read_in_order(paths, records))
    assert [path for path, _ in found] == paths == [Path(record.path) for record in records]
    reasons = [str(one) for _, one in found if isinstance(one, SpectrumError)]
    assert reasons == ["deadly.fits ended the process that read it, so it is damaged. Get it again."]
    assert all(record.sha256 for record in records)


def test_a_process_that_cannot_start_is_no_fault_of_a_file(tmp_path):
    with IsolatedReader(refused) as reader, pytest.raises(BrokenProcessPool):
        reader.read(tmp_path / "good.fits")


def test_many_files_are_read_side_by_side_in_order(tmp_path, monkeypatch):
    survey = simulate(30, seed=5, training=0)
    folder = tmp_path / "spectra"
    folder.mkdir()
    write_lamost_fits(survey, folder, "dr9")
    (folder / "zz.fits").write_bytes(b"junk")
    (tmp_path / "run.toml").write_text('name = "many"\n[input]\nkind = "lamost-fits"\nspectra = "spectra"\n')
    config = load_config(str(tmp_path / "run.toml"))
    tables = []
    for many, output in ((10_000, tmp_path / "one"), (1, tmp_path / "several")):
        monkeypatch.setattr(lamost_reading, "_MANY_FILES", many)
        monkeypatch.setattr(lamost_reading, "_CHUNK", 4)
        monkeypatch.setattr(lamost_reading, "available_threads", lambda _threads: 2)
        build(config, output, quiet=True)
        products = Products.open(output)
        tables.append(products.catalog.table)
        assert products.rejects["code"].tolist() == ["not-fits"]
    assert len(tables[0]) == 30
    assert tables[0].equals(tables[1])


def test_each_velocity_has_its_own_error(tmp_path):
    nan = np.nan
    table = pd.DataFrame(
        {
            "rv": [10.0, nan, nan, nan],
            "rv_err": [1.0, nan, nan, nan],
            "rv_input": [11.0, 12.0, nan, nan],
            "rv_gaia": [13.0, 13.0, 13.0, nan],
            "rv_gaia_err": [0.5, 0.5, 0.5, nan],
        }
    )
    state = BuildState(RunConfig("x"), tmp_path, tmp_path, table)
    np.testing.assert_array_equal(state.best_velocity(), [10.0, 12.0, 13.0, nan])
    np.testing.assert_array_equal(state.best_velocity_error(), [1.0, nan, 0.5, nan])


def whole_files():
    """Both layouts, as bytes."""
    n = 400
    flux, rng = np.full(n, 5.0), np.random.default_rng(2)
    wave = 10 ** (3.5682 + 1e-4 * np.arange(n))
    image = fits.PrimaryHDU(np.array([flux, flux, wave, 0 * flux, 0 * flux], np.float32))
    columns = [fits.Column(name, f"{n}E", array=[flux]) for name in ("FLUX", "IVAR")]
    columns.append(fits.Column("WAVELENGTH", f"{n}E", array=[wave]))
    columns += [fits.Column(name, f"{n}E", array=[0 * flux]) for name in ("ANDMASK", "ORMASK")]
    table = fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="COADD")])
    result = []
    for hdus in (fits.HDUList([image]), table):
        for key, value in {"OBSID": int(rng.integers(1, 10**8)), "COEFF0": 3.5682, "COEFF1": 1e-4}.items():
            hdus[0].header[key] = value
        buffer = io.BytesIO()
        hdus.writeto(buffer)
        result.append(buffer.getvalue())
    return result


def damage(content, rng):
    """One of many kinds of damage."""
    data = bytearray(content)
    kind = rng.integers(5)
    if kind == 0:  # cut anywhere
        return bytes(data[: rng.integers(len(data))])
    if kind == 1:  # flipped bits anywhere
        for at in rng.integers(0, len(data), rng.integers(1, 60)):
            data[at] ^= 1 << int(rng.integers(8))
        return bytes(data)
    if kind == 2:  # nonsense in the header
        for at in rng.integers(0, 2880, rng.integers(1, 12)):
            data[at] = int(rng.integers(32, 127))
        return bytes(data)
    if kind == 3:  # a stretch of garbage: NaN, infinities, denormals among the numbers
        start = int(rng.integers(2880, len(data)))
        stop = min(len(data), start + int(rng.integers(4, 4000)))
        data[start:stop] = rng.bytes(stop - start)
        return bytes(data)
    start, stop = sorted(rng.integers(0, len(data), 2))  # a hole
    return bytes(data[:start] + data[stop:])


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_become_spectra_or_reasons_never_crashes(tmp_path, seed):
    rng = np.random.default_rng(seed)
    files, path, rejected = whole_files(), tmp_path / "spec.fits", 0
    for number in range(FUZZED):
        path.write_bytes(damage(files[number % 2], rng))
        ((_, found),) = read_spectra([path])
        if isinstance(found, SpectrumError):
            assert found.code in CODES
            assert "spec" in str(found)
            rejected += 1
            continue
        assert isinstance(found, Spectrum)
        good = ~found.mask
        assert np.isfinite(found.flux[good]).all()
        assert (found.ivar[good] > 0).all()
        assert np.isfinite(found.ivar).all()
        assert (np.diff(found.wavelength) > 0).all()
    assert rejected > 0.2 * FUZZED


@pytest.fixture(scope="module")
def real_products(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    (folder / "run.toml").write_text(
        f'name = "real"\n[input]\nkind = "lamost-fits"\nspectra = "{shared_data / "spectra"}"\n'
    )
    build(load_config(str(folder / "run.toml")), folder / "out", quiet=True)
    return Products.open(folder / "out")


def observed_spectra(products):
    """Each stored spectrum with its wavelengths as observed."""
    velocity = products.catalog.table.set_index("obsid")["rv"]
    for obsid in products.spectra.obsid:
        one = products.spectra.get(obsid)
        yield one, one.wavelength * doppler_factor(np.nan_to_num(velocity.loc[obsid]))


@pytest.mark.parametrize(("low", "high"), [(5571.0, 5589.0), (6296.0, 6309.0), (7592.0, 7698.0)])
def test_sky_lines_and_telluric_bands_of_real_files_never_count(real_products, low, high):
    for one, observed in observed_spectra(real_products):
        inside = (observed > low) & (observed < high)
        assert inside.sum() > 3
        assert one.mask[inside].all()
        assert (one.ivar[inside] == 0).all()


def test_dead_stretches_of_real_files_never_count(real_products, shared_data):
    """Seven files have hundreds of pixels of exactly zero flux where the arms join."""
    files = real_products.catalog.table.set_index("obsid")["source_file"]
    dead_files = 0
    for one, observed in observed_spectra(real_products):
        raw = read_spectrum(shared_data / "spectra" / files.loc[one.obsid])
        dead = (raw.flux == 0.0) & (raw.wavelength > 5000.0) & (raw.wavelength < 6500.0)
        if dead.sum() < 100:
            continue
        dead_files += 1
        nearest = np.clip(np.searchsorted(raw.wavelength, observed), 1, raw.wavelength.size - 1)
        nearest -= observed - raw.wavelength[nearest - 1] < raw.wavelength[nearest] - observed
        assert dead[nearest].sum() > 100
        assert one.mask[dead[nearest]].all()
    assert dead_files == 7
