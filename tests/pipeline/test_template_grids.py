"""Template grids in the usual formats, and invalid ones."""

import numpy as np
import pytest
from astropy.io import fits

from pipeline.domain.settings import SpectraConfig, VelocityConfig
from pipeline.domain.wavelength import air_to_vacuum, vacuum_to_air
from pipeline.science.spectra.synthetic import SyntheticModel
from pipeline.science.velocity.radial_velocity import VelocityMeasurer
from pipeline.science.velocity.templates import grid_templates, synthetic_templates
from pipeline.sources.embedded import SYNTHETIC_TABLE, load_table
from pipeline.sources.template_grids import TemplateError, read_template_grid

WAVE = np.arange(3500.0, 9600.0, 0.2)
LINES = np.array([8500.35, 8544.44, 8664.52])


def lines(wavelength, depth):
    """A flat spectrum with the Ca II triplet at its vacuum wavelengths."""
    return 1.0 - depth * np.exp(-0.5 * ((wavelength[:, None] - LINES) / 1.5) ** 2).sum(axis=1)


def test_phoenix(tmp_path):
    fits.writeto(tmp_path / "WAVE_PHOENIX-ACES-AGSS-COND-2011.fits", WAVE)
    for teff in (3500, 3600):
        header = fits.Header({"PHXTEFF": teff, "PHXLOGG": 1.5, "PHXM_H": -0.5})
        name = f"lte0{teff}-1.50-0.5.PHOENIX-ACES-AGSS-COND-2011-HiRes.fits"
        fits.writeto(tmp_path / name, lines(WAVE, 0.5) * 1e14, header)
    found = read_template_grid(tmp_path, "vacuum")
    assert [one.labels for one in found] == [(3500.0, 1.5, -0.5), (3600.0, 1.5, -0.5)]
    np.testing.assert_array_equal(found[0].wavelength, WAVE)


def test_castelli_kurucz_has_a_column_a_gravity_and_no_model_where_zero(tmp_path):
    columns = [fits.Column("WAVELENGTH", "D", array=WAVE)]
    columns += [fits.Column(name, "E", array=lines(WAVE, d)) for name, d in (("g00", 0.2), ("g15", 0.4))]
    columns.append(fits.Column("g50", "E", array=np.zeros(WAVE.size)))
    primary = fits.PrimaryHDU(header=fits.Header({"TEFF": 3750.0, "LOG_Z": -1.0}))
    fits.HDUList([primary, fits.BinTableHDU.from_columns(columns)]).writeto(tmp_path / "ckm10_3750.fits")
    found = read_template_grid(tmp_path, "air")
    assert [one.labels for one in found] == [(3750.0, 0.0, -1.0), (3750.0, 1.5, -1.0)]
    np.testing.assert_allclose(found[0].wavelength, air_to_vacuum(WAVE))


def test_bosz_in_both_generations(tmp_path):
    columns = [
        fits.Column("Wavelength", "D", array=WAVE),
        fits.Column("SpecificIntensity", "D", array=lines(WAVE, 0.3)),
    ]
    columns.append(fits.Column("Continuum", "D", array=np.ones(WAVE.size)))
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "amm05cp00op00t3500g15v20modrt0b5000rs.fits")
    rows = np.stack([WAVE, lines(WAVE, 0.3), np.ones(WAVE.size)], axis=1)
    np.savetxt(tmp_path / "bosz2024_mp_t3600_g+0.5_m-0.25_a+0.00_c+0.00_v2_r5000.txt.gz", rows)
    found = read_template_grid(tmp_path, "vacuum")
    assert {one.labels for one in found} == {(3500.0, 1.5, -0.5), (3600.0, 0.5, -0.25)}


@pytest.mark.parametrize("logarithmic", [0, 1])
def test_ferre(tmp_path, logarithmic):
    wave = 10 ** (3.9 + 1e-5 * np.arange(6000)) if logarithmic else 7950.0 + 0.2 * np.arange(6000)
    start, step = (3.9, 1e-5) if logarithmic else (7950.0, 0.2)
    header = f""" &SYNTH
 SYNTHFILE_INTERNAL = 'f_test.dat'
 N_OF_DIM = 3
 N_P = 2 2 1
 NPIX = 6000
 LABEL(1) = 'METALS'
 LABEL(2) = 'TEFF'
 LABEL(3) = 'LOGG'
 LLIMITS = -0.5 3500.0 1.5
 STEPS = 0.5 250.0 0.5
 WAVE = {start} {step}
 LOGW = {logarithmic}
 /
"""
    body = "\n".join(" ".join(f"{v:.5f}" for v in lines(wave, depth)) for depth in (0.1, 0.2, 0.3, 0.4))
    (tmp_path / "f_test.dat").write_text(header + body + "\n")
    found = read_template_grid(tmp_path, "vacuum")
    assert [one.labels for one in found] == [
        (3500.0, 1.5, -0.5),
        (3750.0, 1.5, -0.5),
        (3500.0, 1.5, 0.0),
        (3750.0, 1.5, 0.0),
    ]
    np.testing.assert_allclose(found[2].wavelength, wave, rtol=1e-9)
    np.testing.assert_allclose(found[3].flux, lines(wave, 0.4), atol=1e-5)
    (tmp_path / "f_test.dat").write_text(header + body.rsplit("\n", 1)[0])
    with pytest.raises(TemplateError, match="3 spectra; its header tells of 4"):
        read_template_grid(tmp_path, "vacuum")


def test_air_declared_as_vacuum_is_82_kms_off():
    synthetic = synthetic_templates(SyntheticModel.from_table(load_table(SYNTHETIC_TABLE)), SpectraConfig())
    fine = np.arange(3640.0, 9190.0, 0.1)
    settings, rv = SpectraConfig(), {}
    flux = np.interp(synthetic.log_wavelength, np.log10(fine), lines(fine, 0.5))
    for medium in ("vacuum", "air"):
        written = fine if medium == "vacuum" else vacuum_to_air(fine)  # "air" here: not converted back
        templates = grid_templates(
            [(3500, 1, 0)], [written], [lines(fine, 0.5)], synthetic.log_wavelength[40:-40], 1800.0, settings, "toy"
        )
        grid = synthetic.log_wavelength[2000:-200:2]
        star = np.interp(grid, np.log10(fine), lines(fine, 0.5))[None]
        measurer = VelocityMeasurer(10**grid, templates, VelocityConfig(max_velocity_kms=300.0))
        rv[medium] = measurer.measure(star, np.full(star.shape, 1e4), np.zeros(star.shape, bool)).rv_kms[0]
    assert flux.min() < 0.6
    assert rv["vacuum"] == pytest.approx(0.0, abs=1.0)
    assert abs(rv["air"]) == pytest.approx(82.0, abs=2.0)


def test_convolution_has_the_instruments_width():
    fine = np.arange(3640.0, 9190.0, 0.05)
    spike = 1.0 - np.exp(-0.5 * ((fine - 8500.0) / 0.05) ** 2)
    synthetic = synthetic_templates(SyntheticModel.from_table(load_table(SYNTHETIC_TABLE)), SpectraConfig())
    templates = grid_templates(
        [(3500, 1, 0)], [fine], [spike], synthetic.log_wavelength[40:-40], 1800.0, SpectraConfig(), "spike"
    )
    wavelength = 10**templates.log_wavelength
    depth = np.clip(1.0 - templates.flux[0], 0, None) * (np.abs(wavelength - 8500.0) < 15.0)
    centre = (depth * wavelength).sum() / depth.sum()
    width = np.sqrt((depth * (wavelength - centre) ** 2).sum() / depth.sum())
    assert centre == pytest.approx(8500.0, abs=0.05)
    assert width * 2.3548 == pytest.approx(8500.0 / 1800.0, rel=0.03)


def test_bad_templates_are_named(tmp_path):
    with pytest.raises(TemplateError, match="does not exist"):
        read_template_grid(tmp_path / "nowhere", "air")
    with pytest.raises(TemplateError, match="holds no template"):
        read_template_grid(tmp_path, "air")
    with pytest.raises(TemplateError, match="say vacuum or air"):
        read_template_grid(tmp_path, "water")
    (tmp_path / "t3500_g+1.0_m+0.00.txt").write_text("1 2\n3 x\n")
    with pytest.raises(TemplateError, match=r"t3500_g\+1.0_m\+0.00.txt cannot be read"):
        read_template_grid(tmp_path, "air")
    (tmp_path / "t3500_g+1.0_m+0.00.txt").write_text("\n".join(f"{9000 - k} 1" for k in range(300)))
    with pytest.raises(TemplateError, match="ascending"):
        read_template_grid(tmp_path, "air")
    (tmp_path / "t3500_g+1.0_m+0.00.txt").rename(tmp_path / "mystery.txt")
    with pytest.raises(TemplateError, match=r"mystery.txt tells Teff"):
        read_template_grid(tmp_path, "air")
