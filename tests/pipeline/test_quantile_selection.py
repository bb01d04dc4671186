"""Quantiles on demand: equal to those of the build, and refusals."""

import numpy as np
import pandas as pd
import pytest

from pipeline.__main__ import main
from pipeline.products.catalog import Catalog


def test_chosen_stars_have_the_quantiles_of_the_build(tiny, tmp_path, capsys):
    table = Catalog.read(tiny).table
    drawn = table[np.isfinite(table["j_r_50"])]
    stars = tmp_path / "stars.csv"
    drawn[["obsid", "snr"]].head(7).to_csv(stars, index=False)
    command = ["quantiles", str(tiny), "--output", str(tmp_path / "out.csv")]
    assert main([*command, "--stars", str(stars)]) == 0
    assert "7 of 7 chosen stars" in capsys.readouterr().out
    found = pd.read_csv(tmp_path / "out.csv").set_index("obsid")
    known = drawn.set_index("obsid").loc[found.index]
    for name in ("x_gal_16", "v_phi_50", "j_r_84", "z_max_50"):
        np.testing.assert_allclose(found[name], known[name], rtol=1e-4)
    limit = float(drawn["distance"].median())
    assert main([*command, "--where", f"distance > {limit} and in_training == False", "--draws", "20"]) == 0
    some = pd.read_csv(tmp_path / "out.csv")
    assert set(some["obsid"]) == set(table.loc[(table["distance"] > limit) & ~table["in_training"], "obsid"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "Choose stars with --stars FILE"),
        (["--where", "distance >"], "cannot be evaluated"),
        (["--where", "distanz > 3"], "'distanz' is not defined"),
        (["--where", "distance + 1"], "is no condition on each star"),
        (["--where", "distance > 1e9"], "No star of the catalogue is chosen"),
        (["--where", "distance > 1", "--draws", "0"], "--draws takes a number above 0"),
    ],
)
def test_a_choice_that_cannot_be_used_is_refused(tiny, tmp_path, capsys, options, sentence):
    assert main(["quantiles", str(tiny), "--output", str(tmp_path / "out.csv"), *options]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_ids_that_the_catalogue_lacks_are_named(tiny, tmp_path, capsys):
    (tmp_path / "stars.txt").write_text("12\n34\n")
    assert main(["quantiles", str(tiny), "--stars", str(tmp_path / "stars.txt")]) == 2
    assert "lists 2 ids that the catalogue lacks: 12, 34" in capsys.readouterr().err
    (tmp_path / "stars.txt").write_text("obsid\nfirst\n")
    assert main(["quantiles", str(tiny), "--stars", str(tmp_path / "stars.txt")]) == 2
    assert "no whole numbers" in capsys.readouterr().err
