"""All real layouts give a Spectrum, all kinds of bad files a reason."""

import gzip
import io

import numpy as np
import pytest
from astropy.io import fits

from pipeline.domain.spectrum import SpectrumError
from pipeline.sources.header_values import HeaderValues
from pipeline.sources.lamost_fits import find_spectra, identifier, read_spectra, read_spectrum, without_repeats

LAYOUTS = {
    "spec-55862-B6212_sp06-014.fits.gz": "derived from header",  # DR1/DR2: third row is divided flux, no OBSID
    "spec-55862-B6212_sp06-020.fits": "derived from header",
    "spec-55919-B5591903_sp01-006.fits": "derived from header",  # DR5: third row is wavelength
    "spec-57287-KP193637N444141V03_sp10-161.fits.gz": "header",  # DR6
    "spec-55859-F5902_sp01-001.fits.gz": "header",  # DR9 table
    "spec-60591-LN042429N340750BM01_sp01-004.fits.gz": "header",  # DR13 table
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_real_layout(shared_data, name):
    spectrum = read_spectrum(shared_data / "spectra" / name)
    assert spectrum.meta["obsid_source"] == LAYOUTS[name]
    assert spectrum.wavelength[0] == pytest.approx(3699.99, abs=0.01)
    assert 9080 < spectrum.wavelength[-1] < 9110
    assert np.isfinite(spectrum.meta["rv_input"])
    assert 0 < spectrum.meta["ra"] < 360
    assert np.isfinite(spectrum.flux[~spectrum.mask]).all()
    assert (spectrum.flux[~spectrum.mask] != 0).all(), "zero flux is a dead stretch, never a measurement"
    assert (spectrum.ivar[spectrum.mask] == 0).all()


def test_all_98_real_files_are_read_with_distinct_ids(shared_data):
    found = list(without_repeats(read_spectra(find_spectra(shared_data / "spectra"))))
    errors = [f"{path.name}: {result}" for path, result in found if isinstance(result, SpectrumError)]
    assert len(found) == 98
    assert errors == []
    assert len({spectrum.obsid for _, spectrum in found}) == 98
    assert sum(spectrum.meta["obsid_source"] == "header" for _, spectrum in found) == 6


def test_dr1_wavelengths_come_from_the_header_not_from_the_third_row(shared_data):
    spectrum = read_spectrum(shared_data / "spectra" / "spec-55862-B6212_sp06-014.fits.gz")
    assert np.diff(np.log10(spectrum.wavelength)) == pytest.approx(1e-4, abs=1e-9)


def image_file(flux=None, ivar=None, **header):
    n = 3000
    flux = np.full(n, 5.0) if flux is None else flux
    ivar = np.full(n, 1.0) if ivar is None else ivar
    rows = np.array(
        [flux, ivar, 10 ** (3.5682 + 1e-4 * np.arange(len(flux))), np.zeros(len(flux)), np.zeros(len(flux))]
    )
    hdu = fits.PrimaryHDU(rows.astype(np.float32))
    for key, value in ({"OBSID": 101001, "COEFF0": 3.5682, "COEFF1": 1e-4} | header).items():
        if value is not None:
            hdu.header[key] = value
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    return buffer.getvalue()


def table_without_flux():
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([fits.Column("A", "E", array=[1.0])])])
    buffer = io.BytesIO()
    hdus.writeto(buffer)
    return buffer.getvalue()


def descending():
    return image_file(COEFF1=-1e-4)


BAD = {
    "not-fits": b"hello, this is not FITS",
    "empty": b"",
    "truncated": image_file()[:20000],
    "truncated-gzip": gzip.compress(image_file())[:3000],
    "no-good-pixel": image_file(ivar=np.zeros(3000)),
    "nan-only": image_file(flux=np.full(3000, np.nan)),
    "negative-ivar": image_file(ivar=np.full(3000, -1.0)),
    "no-spectrum": table_without_flux(),
    "bad-wavelength": descending(),
    "bad-shape": image_file(flux=np.ones(3), ivar=np.ones(3)),
}
CODE = {"truncated-gzip": "truncated", "nan-only": "no-good-pixel", "negative-ivar": "no-good-pixel"}


@pytest.mark.parametrize("kind", BAD)
def test_each_kind_of_bad_file_has_its_reason(tmp_path, kind):
    path = tmp_path / f"{kind}.fits"
    path.write_bytes(BAD[kind])
    with pytest.raises(SpectrumError) as caught:
        read_spectrum(path)
    assert caught.value.code == CODE.get(kind, kind)
    assert len(str(caught.value)) > 20


def test_a_bad_file_never_stops_the_run_and_a_repeat_is_reported(tmp_path):
    (tmp_path / "a.fits").write_bytes(image_file())
    (tmp_path / "b.fits").write_bytes(image_file())
    (tmp_path / "c.fits").write_bytes(b"junk")
    (tmp_path / "d.fits").write_bytes(image_file(OBSID=101002))
    results = [result for _, result in without_repeats(read_spectra(find_spectra(tmp_path)))]
    codes = [result.code if isinstance(result, SpectrumError) else result.obsid for result in results]
    assert codes == [101001, "duplicate-obsid", "not-fits", 101002]


@pytest.mark.parametrize("cut", range(0, 60000, 2880))
def test_truncation_at_every_block_is_a_reject(tmp_path, cut):
    path = tmp_path / "cut.fits"
    path.write_bytes(image_file()[:cut])
    with pytest.raises(SpectrumError) as caught:
        read_spectrum(path)
    assert caught.value.code in {"empty", "truncated", "unreadable", "no-spectrum"}


def test_identifier_is_derived_and_says_how(tmp_path):
    header = fits.Header({"LMJD": 55862, "PLANID": "B6212", "SPID": 6, "FIBERID": "14"})
    derived, source = identifier(HeaderValues(header), tmp_path / "x.fits")
    assert source == "derived from header"
    assert str(derived).startswith("155862")
    assert str(derived).endswith("06014")
    assert derived < 2**53
    from_name, source = identifier(HeaderValues(fits.Header()), tmp_path / "spec-55862-B6212_sp06-014.fits.gz")
    assert (from_name, source) == (derived, "derived from filename")
    with pytest.raises(SpectrumError, match="neither header nor name"):
        identifier(HeaderValues(fits.Header()), tmp_path / "x.fits")


def test_an_unreadable_folder_is_reported(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"input\.spectra"):
        find_spectra(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="empty"):
        find_spectra(tmp_path)
