"""The default dust map above abs(b) = 10: values, depth, and absence of its file."""

import numpy as np
import pytest

from pipeline.config import load_config
from pipeline.domain.statistics import robust_scatter
from pipeline.science.space.dust import ExponentialDisc
from pipeline.science.space.sky_dust import ColumnInDisc
from pipeline.sources.burstein_heiles import find_burstein_heiles, open_burstein_heiles
from pipeline.sources.dust_maps import DustMapError
from pipeline.stages import distances
from pipeline.stages.distances import configured_dust
from pipeline.stages.state import BuildState


@pytest.fixture(scope="module")
def column():
    path = find_burstein_heiles()
    assert path is not None, "the extra 'test' installs dustmaps, which holds the map"
    return open_burstein_heiles(path)


def state(tmp_path, settings):
    (tmp_path / "run.toml").write_text(f"[distance]\n{settings}\n")
    return BuildState(load_config(str(tmp_path / "run.toml")), tmp_path, tmp_path)


def test_all_dust_of_a_sightline_is_the_map_s(column):
    dust, disc = ColumnInDisc("made up", column), ExponentialDisc()
    glon, glat = np.array([30.0, 120.0, 200.0, 300.0]), np.array([45.0, -30.0, 80.0, 12.0])
    np.testing.assert_allclose(dust.reddening(glon, glat, 390.0), column(glon, glat), rtol=0.01)
    profile = dust.reddening_profile(glon, glat, [0.1, 1.0, 50.0])
    assert (np.diff(profile, axis=1) >= 0.0).all()
    scale = column(glon, glat) / disc.reddening(glon, glat, 400.0)
    np.testing.assert_allclose(
        profile, disc.reddening_profile(glon, glat, [0.1, 1.0, 50.0]) * scale[:, None], rtol=0.01
    )
    assert dust.covers(glon, glat).all()


def test_near_the_plane_the_disc_stays(column):
    dust, disc = ColumnInDisc("made up", column), ExponentialDisc()
    glon, glat, distance = np.array([10.0, 200.0]), np.array([5.0, -9.0]), np.array([2.0, 3.0])
    np.testing.assert_array_equal(dust.reddening(glon, glat, distance), disc.reddening(glon, glat, distance))
    assert not dust.covers(glon, glat).any()


def test_the_default_is_this_map_for_real_stars_and_the_disc_for_simulated_ones(tmp_path):
    real = state(tmp_path, "")
    assert isinstance(configured_dust(real), ColumnInDisc)
    assert "bh.h5" in real.facts["inputs"]
    real.facts["simulated"] = True
    assert isinstance(configured_dust(real), ExponentialDisc)
    assert isinstance(configured_dust(state(tmp_path, 'dust = "exponential-disc"')), ExponentialDisc)


def test_without_the_file_the_default_is_the_disc_and_the_map_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(distances, "find_burstein_heiles", lambda _where: None)
    assert isinstance(configured_dust(state(tmp_path, "")), ExponentialDisc)
    with pytest.raises(DustMapError, match=r"needs bh.h5 of the library dustmaps"):
        configured_dust(state(tmp_path, 'dust = "bh"'))


def test_a_file_that_is_no_map_is_named(tmp_path):
    (tmp_path / "bh.h5").write_text("nothing")
    with pytest.raises(DustMapError, match=r"bh.h5 cannot be read as the map of Burstein & Heiles"):
        open_burstein_heiles(tmp_path / "bh.h5")


def test_it_agrees_with_real_values_better_than_the_disc(column, shared_data):
    table = np.loadtxt(shared_data / "dust" / "mwdust_sfd_mwdust12_linux_benchmark.dat", delimiter=",")
    glon, glat, sfd = table[:, 0], table[:, 1], table[:, 2]
    covered = np.isfinite(column(glon, glat)) & (sfd > 0.01)
    assert covered.sum() > 100
    disc = ExponentialDisc().reddening(glon[covered], glat[covered], 400.0)
    known = column(glon, glat)[covered]
    scatters = [robust_scatter(found - sfd[covered]) for found in (known, disc)]
    assert scatters[0] < 0.7 * scatters[1]
    assert np.corrcoef(known, sfd[covered])[0, 1] > 0.85
