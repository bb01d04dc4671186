"""Validation against the truth, published with products that still verify."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from pipeline.__main__ import main
from pipeline.domain.flags import QualityFlag
from pipeline.mock.oddities import ODDITIES
from pipeline.products.manifest import ProductError
from pipeline.products.product import TRUTH_NAME, VALIDATION_NAME, Products, verify
from pipeline.stages.validation import _stream, validate


@pytest.fixture(scope="module")
def validated(tiny, tmp_path_factory):
    directory = tmp_path_factory.mktemp("validated") / "products"
    shutil.copytree(tiny, directory)
    return directory, validate(directory)


def test_the_validation_is_published_and_the_products_verify(validated):
    directory, document = validated
    assert verify(directory) == []
    products = Products.open(directory)
    assert products.validation["quantities"]["teff"]["stars"] == document["quantities"]["teff"]["stars"]
    assert json.loads((directory / VALIDATION_NAME).read_text())["simulated"] is True


def test_quantities_and_intervals_are_judged(validated):
    _, document = validated
    for name in ("teff", "logg", "m_h", "alpha_m", "rv", "distance", "x_gal", "v_phi", "j_phi", "parallax"):
        scored = document["quantities"][name]
        assert scored["stars"] > 100, name
        assert np.isfinite(scored["bias"])
    assert abs(document["quantities"]["rv"]["bias"]) < 5
    parallax = document["quantities"]["parallax"]
    assert abs(parallax["pull_bias"]) < 0.25, "the truth has Gaia's zero point too"
    assert parallax["pull_scatter"] == pytest.approx(1.0, abs=0.15)
    for name in ("distance", "v_phi", "j_r", "energy"):
        assert 0.2 < document["intervals"][name]["within"] < 0.95


def test_each_oddity_is_counted_by_bit_and_by_score(validated):
    directory, document = validated
    truth = pd.read_parquet(directory / TRUTH_NAME)
    kinds = set(truth["oddity"]) - {""}
    assert kinds <= set(ODDITIES)
    assert set(document["bits"]) == {flag.name for flag in QualityFlag}
    assert set(document["bits"]["BAD_CHI2"]["completeness"]) == kinds | {"ordinary"}
    told = document["bits"]["DISTANCE_DOUBTFUL"]
    catalogue = pd.read_parquet(directory / "catalog.parquet", columns=["obsid", "quality"]).merge(truth, on="obsid")
    doubtful = catalogue[(catalogue["quality"] & int(QualityFlag.DISTANCE_DOUBTFUL)) > 0]
    assert (told["flagged"], told["purity"]) == (len(doubtful), pytest.approx((doubtful["oddity"] != "").mean()))
    assert told["flagged"] > 0
    assert set(document["oddness"]["kinds"]) == kinds
    assert document["oddness"]["all"]["stars"] == (truth["oddity"] != "").sum()
    assert document["oddness"]["all"]["auc"] > 0.75


def test_the_stream_is_judged_where_there_is_a_probability():
    truth = pd.DataFrame({"component": ["sagittarius", "thin disc", "sagittarius", "halo"]})
    assert "reason" in _stream(pd.DataFrame({"obsid": range(4)}), truth)
    judged = _stream(pd.DataFrame({"sgr_probability": [0.99, 0.2, np.nan, 0.97]}), truth)
    assert (judged["completeness"], judged["purity"]) == (0.5, 0.5)


def test_it_is_printed_and_refused_without_truth(validated, tmp_path, capsys):
    directory, _ = validated
    assert main(["validate", str(directory)]) == 0
    told = capsys.readouterr().out
    for word in ("teff", "16-84 %", "share with bit", "area under the ROC curve"):
        assert word in told
    bare = tmp_path / "bare"
    shutil.copytree(directory, bare)
    (bare / TRUTH_NAME).unlink()
    with pytest.raises(ProductError, match="only a simulated catalogue"):
        validate(bare)
