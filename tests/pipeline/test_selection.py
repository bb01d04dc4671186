"""The selection: each cut does what it says, the unknown passes untested, and every star says why."""

import numpy as np
import pandas as pd

from pipeline.products.release import Products
from pipeline.science.selection import SelectionSettings, dwarf_tio5, selection_steps, summarise_steps

GOOD = {
    "tio5": 0.55,
    "cah2_plus_cah3": 1.75,
    "jk0": 1.05,
    "w1w2": -0.08,
    "k0_mag": 10.0,
    "parallax": 0.1,
    "parallax_err": 0.05,
}


def select(**columns):
    size = max(len(values) for values in columns.values())
    arrays = {name: np.asarray(columns.get(name, [value] * size), float) for name, value in GOOD.items()}
    return summarise_steps(selection_steps(SelectionSettings(), **arrays))


def test_a_giant_is_kept_and_each_cut_drops_its_own():
    kept, why, counts = select(
        tio5=[0.55, 0.97, 0.62, 0.55, 0.55, 0.55],
        cah2_plus_cah3=[1.75, 1.97, 1.40, 1.75, 1.75, 1.75],
        w1w2=[-0.08, -0.08, -0.08, 0.2, -0.08, -0.08],
        parallax=[0.1, 0.1, 0.1, 0.1, 40.0, 40.0],
        parallax_err=[0.05, 0.05, 0.05, 0.05, 0.05, 20.0],
    )
    assert kept.tolist() == [True, False, False, False, False, True]
    assert why[0] == "kept: M type, giant bands, infrared colours, parallax"
    assert [text.split(":")[0] for text in why[1:5]] == [
        "dropped by M type",
        "dropped by giant bands",
        "dropped by infrared colours",
        "dropped by parallax",
    ]
    assert [step["dropped"] for step in counts] == [1, 1, 1, 1]
    assert [step["in"] for step in counts] == [6, 5, 4, 3]
    assert all(step["out"] == step["in"] - step["dropped"] for step in counts)


def test_what_is_unknown_is_not_held_against_a_star():
    kept, why, counts = select(tio5=[np.nan, np.nan], jk0=[1.0, np.nan], parallax=[np.nan, np.nan])
    assert kept.tolist() == [True, False]
    assert why.tolist() == ["kept: infrared colours", "not kept: nothing to test"]
    assert counts[0]["untested"] == 2


def test_the_real_dwarfs_of_the_plate_lie_on_their_locus_and_are_dropped(shared_data, tmp_path):
    from pipeline.config import load_config
    from pipeline.stages.runner import build

    (tmp_path / "run.toml").write_text(
        f'name = "plate"\n[input]\nkind = "lamost-fits"\nspectra = "{shared_data / "spectra"}"\n'
    )
    build(load_config(str(tmp_path / "run.toml")), tmp_path / "out", quiet=True)
    table = Products.open(tmp_path / "out").catalog.table
    cool = table[table["subclass"].str.startswith(("M", "dM")) & (table["snr_good"] > 20)]
    assert len(cool) >= 7
    off = dwarf_tio5(cool["cah_sum"].to_numpy(float)) - cool["tio5"].to_numpy(float)
    assert (np.abs(off) < 0.10).all()
    assert not cool["selected"].any()
    assert cool["selection"].str.startswith("dropped by giant bands").all()


def test_simulated_giants_are_kept(tiny):
    table: pd.DataFrame = Products.open(tiny).catalog.table
    cool = table[(table["teff"] < 3850) & (table["snr_good"] > 20)]
    assert cool["selected"].mean() > 0.8
    assert (table["selection"] != "").all()
