"""The training cuts with their counts, and reference velocities."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from pipeline.config import ConfigError, LabelConfig, RunConfig, VelocityConfig, load_config
from pipeline.products.manifest import Manifest
from pipeline.products.product import Products
from pipeline.stages.labels import infer_labels
from pipeline.stages.publishing import comparison
from pipeline.stages.runner import summary
from pipeline.stages.state import BuildState, StageSkipped
from pipeline.stages.training import training_sample
from pipeline.stages.velocity_reports import LINE_NAMES, report_velocities

GOOD = {
    "teff_ref": 3800.0,
    "logg_ref": 1.0,
    "m_h_ref": -0.3,
    "alpha_m_ref": 0.1,
    "snr": 80.0,
    "teff_ref_err": 10.0,
    "logg_ref_err": 0.05,
    "m_h_ref_err": 0.02,
    "alpha_m_ref_err": 0.01,
    "ref_bad": False,
    "ref_label_flags": 0,
    "ref_star_flags": 0,
    "snr_ref": 200.0,
    "rv_ref_scatter": 0.1,
}
BEYOND_FLOAT = (1 << 41) + (1 << 23)
"""ASPCAPFLAG needs 64 bits: as a float or a 32-bit integer it would lose some."""


def sample(tmp_path, rows, **settings):
    table = pd.DataFrame([GOOD | row for row in rows])
    config = RunConfig("training", labels=dataclasses.replace(LabelConfig(), **settings))
    return training_sample(BuildState(config, tmp_path, tmp_path, table))


@pytest.mark.parametrize(
    ("row", "cut"),
    [
        ({"alpha_m_ref": np.nan}, "every reference label"),
        ({"ref_bad": True}, "labels and velocity not bad by the reference's flags"),
        ({"ref_label_flags": BEYOND_FLOAT}, "none of bits 23 in ref_label_flags"),
        ({"ref_star_flags": 1 << 3}, "none of bits 0, 3, 18, 19, 22 in ref_star_flags"),
        ({"ref_star_flags": 1 << 22}, "none of bits 0, 3, 18, 19, 22 in ref_star_flags"),
        ({"snr_ref": 30.0}, "S/N of the reference above 70"),
        ({"rv_ref_scatter": 5.0}, "scatter of the reference velocity below 1 km/s"),
        ({"snr": 50.0}, "S/N above 50"),
        ({"snr": np.nan}, "S/N above 50"),
        ({"teff_ref_err": 20.0}, "teff_ref_err below 20 K"),
        ({"logg_ref_err": 0.2}, "logg_ref_err below 0.1 dex"),
        ({"m_h_ref_err": 0.2}, "m_h_ref_err below 0.1 dex"),
        ({"alpha_m_ref_err": 0.2}, "alpha_m_ref_err below 0.05 dex"),
    ],
)
def test_each_cut_drops_its_own_and_counts_it(tmp_path, row, cut):
    found = sample(tmp_path, [{}, row, {}], min_reference_snr=70.0, max_reference_rv_scatter_kms=1.0)
    assert found.rows.tolist() == [0, 2]
    dropped = [one for one in found.cuts if one["in"] != one["out"]]
    assert dropped == [{"cut": cut, "in": 3, "out": 2}]
    assert [one["in"] for one in found.cuts[1:]] == [one["out"] for one in found.cuts[:-1]]


def test_the_unknown_is_not_held_against_a_star(tmp_path):
    unknown = {"snr_ref": np.nan, "rv_ref_scatter": np.nan, "teff_ref_err": np.nan, "ref_bad": None}
    warned = {"ref_label_flags": 1 << 7, "ref_star_flags": 1 << 4}  # STAR_WARN and LOW_SNR exclude nothing
    settings = {"min_reference_snr": 70.0, "max_reference_rv_scatter_kms": 1.0}
    assert sample(tmp_path, [unknown, warned], **settings).rows.tolist() == [0, 1]


def test_cuts_that_are_switched_off_are_not_listed(tmp_path):
    bad = {"ref_label_flags": 1 << 23, "ref_star_flags": 1, "snr_ref": 1.0, "rv_ref_scatter": 90.0}
    found = sample(tmp_path, [bad], reference_label_bits=(), reference_star_bits=())
    assert found.rows.tolist() == [0]
    assert len(found.cuts) == 7


def test_too_many_are_drawn_by_a_seed(tmp_path):
    found = sample(tmp_path, [{}] * 40, max_training_stars=30)
    assert found.cuts[-1] == {"cut": "at most 30 stars, drawn at random", "in": 40, "out": 30}
    assert sample(tmp_path, [{}] * 40, max_training_stars=30).rows.tolist() == found.rows.tolist()
    assert sample(tmp_path, [{}] * 40, max_training_stars=30, seed=1).rows.tolist() != found.rows.tolist()


def test_too_few_training_stars_are_reported_with_their_cuts(tmp_path):
    table = pd.DataFrame([GOOD | {"ref_bad": number > 10} for number in range(60)])
    state = BuildState(RunConfig("few"), tmp_path, tmp_path, table)
    with pytest.raises(StageSkipped, match="11 of 60 stars with reference labels pass the training cuts; 50 are"):
        infer_labels(state, lambda _fraction, _message: None)
    assert {"in": 60, "out": 11}.items() <= state.facts["report"]["training_cuts"][1].items()


def test_the_report_and_the_summary_hold_every_cut(tiny):
    products = Products.open(tiny)
    cuts = products.report["training_cuts"]
    assert cuts[0]["in"] == len(products.catalog)
    assert cuts[-1]["out"] == products.catalog.table["in_training"].sum()
    told = summary(Manifest.read(tiny), products.report)
    for cut in cuts:
        assert f"training cut: {cut['cut']}: {cut['in']} -> {cut['out']} stars" in told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("reference_star_bits = [63]", "labels.reference_star_bits holds numbers of bits, 0 to 62; found [63]"),
        ("reference_label_bits = [-1]", "found [-1]"),
        ('names = ["teff", "logg", "mh"]', "labels.names must be one of"),
    ],
)
def test_settings_that_no_cut_could_use_are_refused(tmp_path, text, says):
    (tmp_path / "run.toml").write_text(f"[labels]\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(str(tmp_path / "run.toml"))
    assert says in str(caught.value)


def test_velocities_can_be_measured_against_the_reference(tmp_path):
    rng = np.random.default_rng(3)
    n = 400
    truth = rng.normal(0, 60, n)
    rv = truth + 4.0 + rng.normal(0, 1, n)
    bad = np.arange(n) % 4 == 0
    table = pd.DataFrame(
        {
            "obsid": np.arange(1, n + 1),
            "star": np.arange(n),
            "plan_id": "A",
            "rv": rv,
            "rv_err": 1.0,
            "rv_gaia": truth - 10.0,
            "rv_ref": np.where(bad, truth + 300.0, truth),
            "ref_bad": bad,
            **dict.fromkeys(LINE_NAMES, rv),
        }
    )
    offsets = {}
    for reference in ("gaia", "reference"):
        config = RunConfig("v", velocity=VelocityConfig(zero_point_group="plate", reference=reference))
        state = BuildState(config, tmp_path, tmp_path, table)
        report_velocities(state, rv, np.full(n, 1.0))
        told = state.facts["report"]["rv_zero_points"]
        offsets[told["reference"]] = (told["groups"][0]["stars"], round(told["groups"][0]["offset"]))
    assert offsets == {"rv_gaia": (n, 14), "rv_ref": (n - bad.sum(), 4)}
    against = comparison(state)["rv against the reference's"]
    assert against["stars"] == n - bad.sum()
    assert against["median"] == pytest.approx(4.0, abs=0.3)
