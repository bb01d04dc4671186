"""Choices of dust maps, and sightlines compared with the disc."""

import numpy as np
import pytest

from pipeline.config import ConfigError, load_config
from pipeline.domain.settings import DUST_CHOICES
from pipeline.science.space.dust import ExponentialDisc
from pipeline.sources.dust_maps import DUST_MAPS, DustMapError, open_dust_map
from pipeline.sources.dust_sightlines import read_sightlines


def test_the_configuration_knows_every_map(tmp_path):
    assert ("bh-or-disc", "bh", "exponential-disc", *DUST_MAPS) == DUST_CHOICES
    (tmp_path / "run.toml").write_text('[distance]\ndust = "bayestar19"\n')
    with pytest.raises(ConfigError, match=r"distance.dust must be one of .* Did you mean 'bayestar2019'\?"):
        load_config(str(tmp_path / "run.toml"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nothing", "holds no"),
        ("# Line-of-Sight Reddening Results\n#  l = 3.0\n", "lacks '', 'BestFit', 'Fit converged'"),
    ],
)
def test_text_that_is_no_sightline_says_what_it_lacks(tmp_path, text, says):
    (tmp_path / "one.txt").write_text(text)
    with pytest.raises(DustMapError, match=says):
        open_dust_map("sightlines", tmp_path / "one.txt")
    with pytest.raises(DustMapError, match=r"missing\. Set distance\.dust_file"):
        open_dust_map("sightlines", tmp_path / "two.txt")


@pytest.mark.shared
def test_real_sightlines_rise_and_their_samples_surround_the_best_fit(shared_data):
    path = shared_data / "bayestar2015_8_sightlines.txt"
    dust, known = open_dust_map("sightlines", path), read_sightlines(path)
    assert len(known) == 8
    for one in known:
        assert one.converged
        assert one.samples.shape == (20, 31)
        for profile in (one.best, *one.samples):
            assert np.all(np.diff(profile) >= 0)
        first, last = one.reliable_modulus
        assert 6 < first < 9
        assert 12 < last < 16
        inside = (one.modulus > first) & (one.modulus < last)
        low, high = np.percentile(one.samples, [0, 100], axis=0)
        assert np.mean((low <= one.best + 5e-4) & (one.best <= high + 5e-4), where=inside) > 0.9
        distance = 10 ** (0.2 * one.modulus - 2)
        found = dust.reddening_profile([one.glon_deg, one.glon_deg], [one.glat_deg, one.glat_deg + 0.2], distance)
        np.testing.assert_allclose(found[0], one.best, rtol=1e-9)
        assert np.isnan(found[1]).all()
        assert dust.reach_kpc([one.glon_deg], [one.glat_deg]) == pytest.approx(10 ** (0.2 * last - 2))


@pytest.mark.shared
def test_by_what_factor_the_disc_misses_real_sightlines(shared_data):
    path = shared_data / "bayestar2015_8_sightlines.txt"
    dust, disc, known = open_dust_map("sightlines", path), ExponentialDisc(), read_sightlines(path)
    glon, glat = np.array([[one.glon_deg, one.glat_deg] for one in known]).T
    end = dust.reach_kpc(glon, glat)
    real, smooth = (of.coefficients["Ks"] * of.reddening(glon, glat, end) for of in (dust, disc))
    # the README states these; the last two sightlines run through clouds, of which the disc knows nothing
    np.testing.assert_allclose(smooth / real, [0.44, 0.67, 0.36, 2.78, 2.09, 0.65, 0.08, 0.22], atol=0.01)
