"""Declared stages: order, reasons, plan, typed access, documentation."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.__main__ import main
from pipeline.config import KinematicsConfig, LabelConfig, RunConfig, load_config
from pipeline.domain.columns import BY_NAME
from pipeline.mock.survey import simulate
from pipeline.products.manifest import Manifest
from pipeline.stages import runner
from pipeline.stages.declared import Stage, StageOrderError, check_order, plan
from pipeline.stages.internal import BY_INTERNAL_NAME, DISTANCE_M_H, INTERNAL, UNBOUND
from pipeline.stages.items import AnyOf, Columns, Internals, LabelColumns, ModelSpectra, RawSpectra, RestSpectra
from pipeline.stages.order import STAGES
from pipeline.stages.state import BuildState

CONFIG = RunConfig("declared")
STAGE = {stage.name: stage for stage in STAGES}
SKY = {"stream coordinates", "stream"}
IN_SPACE = {"distance", "phase space", "actions", "maps", *SKY}
FULL_6D = ("ra", "dec", "j_mag", "k_mag", "pmra", "pmdec", "rv_gaia")


def state_of(folder, **columns):
    return BuildState(CONFIG, folder, folder / "draft", pd.DataFrame(columns))


def nothing(_state, _progress):
    return 0


def test_the_shipped_order_fits():
    check_order(STAGES, CONFIG)
    assert len({stage.name for stage in STAGES}) == len(STAGES)


@pytest.mark.parametrize(
    ("first", "second", "item"),
    [
        ("rv", "sky", "star"),
        ("indices", "rv", "rv"),
        ("labels", "normalise", "draft/spectra/flux.npy"),
        ("phase space", "distance", "distance"),
        ("flags", "actions", "unbound"),
        ("selection", "indices", "tio5"),
        ("snr", "read", "raw"),
    ],
)
def test_a_stage_before_one_that_gives_what_it_takes_is_refused(first, second, item):
    order = [stage for stage in STAGES if stage.name != first]
    order.insert(next(place for place, stage in enumerate(order) if stage.name == second), STAGE[first])
    with pytest.raises(StageOrderError) as caught:
        check_order(order, CONFIG)
    assert f"Stage {first!r} takes" in str(caught.value)
    assert re.search(rf"\b{item}\b", str(caught.value))
    assert f"put {second!r} first" in str(caught.value)


def test_what_no_stage_gives_is_refused():
    alone = Stage("alone", nothing, 1, (), needs=(Internals(UNBOUND),))
    with pytest.raises(StageOrderError, match="takes unbound, which no earlier stage gives"):
        check_order([STAGE["read"], alone], CONFIG)


def test_reasons_name_what_is_missing(tmp_path):
    state = state_of(tmp_path, j_mag=[10.0, np.nan], k_mag=[np.nan, 9.0], obsid=[1, 2], plan_id=["", "A"])
    assert Columns("j_mag").missing(state) == ""
    pair = Columns("j_mag", "k_mag", called="J and Ks magnitudes")
    assert pair.missing(state) == "needs J and Ks magnitudes: no star has them"
    assert Columns("k_mag", least=2).missing(state) == "needs k_mag for at least 2 stars: 1 have that"
    assert Columns("plan_id", "k_mag").missing(state) == ""
    assert AnyOf(Columns("teff"), Columns("k_mag"), called="teff or Ks").missing(state) == ""
    assert AnyOf(Columns("teff"), pair, called="teff or Ks").missing(state) == "needs teff or Ks: no star has any"
    assert "a reference of every label (teff_ref, " in LabelColumns("reference").missing(state)
    assert RawSpectra().missing(state) == "needs spectra: the input has none"
    assert RestSpectra().missing(state) == "needs spectra in the rest frame: none are stored"
    assert ModelSpectra().missing(state) == "needs model spectra: no labels were fitted"
    with state.write_raw_spectra(np.linspace(4000.0, 9000.0, 50)) as store:
        store.append(*np.ones((2, 2, 50)), np.zeros((2, 50), bool))
    assert RawSpectra().missing(state) == ""
    assert RawSpectra(logarithmic=True).missing(state).startswith("needs spectra on a logarithmic grid")
    with pytest.raises(KeyError, match="Did you mean 'j_mag'"):
        Columns("jmag")


def test_unknown_values_are_no_values(tmp_path):
    state = state_of(tmp_path, gaia_source_id=[0, 0], lmjd=[0, 55_000], subclass=["", None], selected=[True, False])
    assert state.stars_with(("gaia_source_id",)) == 0
    assert state.stars_with(("lmjd",)) == 1
    assert state.stars_with(("subclass",)) == 0
    assert state.stars_with(("selected",)) == 2
    assert state.words("subclass").tolist() == ["", ""]
    assert state.words("designation").tolist() == ["", ""]
    assert state.integers("spectrograph_id").tolist() == [0, 0]
    assert state.truths("in_training").tolist() == [False, False]
    with pytest.raises(KeyError, match="no column obsid"):
        state.integers("obsid")
    with pytest.raises(KeyError, match="Did you mean 'teff_ref'"):
        state.column("tef_ref")


def test_internal_columns_are_typed_and_absent_until_given(tmp_path):
    state = state_of(tmp_path, obsid=[1, 2, 3])
    assert not state.has(UNBOUND)
    with pytest.raises(KeyError):
        state.kept(UNBOUND)
    state.keep(UNBOUND, [1, 0, 1])
    state.keep(DISTANCE_M_H, np.arange(3))
    assert state.kept(UNBOUND).dtype == bool
    assert state.kept(DISTANCE_M_H).dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        state.kept(UNBOUND)[0] = False
    with pytest.raises(ValueError, match=r"shape \(2,\) does not fit 3 rows"):
        state.keep(UNBOUND, [True, False])
    assert set(BY_INTERNAL_NAME).isdisjoint(BY_NAME), "an internal column must never be published"
    assert len(BY_INTERNAL_NAME) == len(INTERNAL)


def test_raw_spectra_count_only_when_they_were_written_to_the_end(tmp_path):
    state = state_of(tmp_path, obsid=[1])
    wavelength = 10.0 ** (3.6 + 1e-4 * np.arange(2000))
    with pytest.raises(OSError, match="disk full"), state.write_raw_spectra(wavelength):
        raise OSError("disk full")
    assert state.grid() == ""
    with state.write_raw_spectra(wavelength) as store:
        store.append(np.full(2000, 2.0), np.full(2000, 4.0), np.zeros(2000, bool))
    assert state.grid() == "logarithmic"
    flux, ivar, mask = state.raw_spectra.block(slice(0, 1))
    assert (flux[0, 0], ivar[0, 0], flux.dtype) == (2.0, 4.0, np.float64)
    low, high = CONFIG.spectra.masked_windows_angstrom[0]
    assert mask[0, (wavelength > low) & (wavelength < high)].all()
    assert not mask[0, wavelength < low - 1].any()


@pytest.mark.parametrize(
    ("columns", "grid", "runs"),
    [
        ((), "", set()),
        (("ra", "dec"), "", SKY),
        (FULL_6D, "", IN_SPACE),
        ((*FULL_6D, "pmra_err", "pmdec_err"), "", {*IN_SPACE, "quantiles"}),
        (("ra", "dec", "distance"), "", {"distance", "phase space", *SKY}),
        (("glon", "glat", "parallax", "parallax_err"), "", {"distance", "phase space", *SKY}),
        (("j_mag", "k_mag"), "", set()),
        (("tio5",), "", {"selection"}),
        ((), "logarithmic", {"snr", "rv", "indices", "normalise", "selection"}),
        ((), "other", {"snr", "normalise"}),
        (("teff_ref", "logg_ref", "m_h_ref", "alpha_m_ref"), "other", {"snr", "normalise", "labels"}),
    ],
)
def test_the_plan_says_what_an_input_can_feed(columns, grid, runs):
    planned = plan(STAGES, CONFIG, columns, grid)
    expected = runs | {"read", "sky", "flags", "catalogue"}
    assert {one.name for one in planned if not one.reason} == expected
    assert all(one.reason.startswith("needs ") for one in planned if one.name not in expected)


def test_costly_stages_can_be_switched_off():
    off = KinematicsConfig(actions=False, draws=0, membership=False)
    columns = (*FULL_6D, "pmra_err", "pmdec_err")
    reasons = {one.name: one.reason for one in plan(STAGES, dataclasses.replace(CONFIG, kinematics=off), columns)}
    assert reasons["actions"] == "needs kinematics.actions: it is false"
    assert reasons["quantiles"] == "needs kinematics.draws: it is 0"
    assert reasons["stream"] == reasons["maps"] == ""


def test_every_stage_ran_that_was_planned(tiny, tiny_configuration, tmp_path, as_planned):
    (tmp_path / "run.toml").write_text(tiny_configuration)
    columns = simulate(20, training=5).table.columns
    as_planned(tiny, load_config(str(tmp_path / "run.toml")), columns, "logarithmic")
    assert all(one["status"] == "done" for one in Manifest.read(tiny).stages)


def test_an_undeclared_access_is_noticed(tmp_path):
    def greedy(state, _progress):
        state.give(logg=state.column("teff"))
        return 1

    state = state_of(tmp_path, obsid=[1], teff=[4000.0])
    with pytest.warns(runner.UndeclaredAccess) as caught:
        runner._run(state, Stage("greedy", greedy, 1, ()), lambda _fraction, _message: None)
    told = [str(one.message) for one in caught]
    assert told == [
        "Stage 'greedy' took teff, which it does not declare.",
        "Stage 'greedy' gave logg, which it does not declare.",
    ]


def test_a_stage_leaves_nothing_of_an_earlier_run(tmp_path):
    state = state_of(tmp_path, obsid=[1])
    maps = tmp_path / "draft" / "maps"
    maps.mkdir(parents=True)
    (maps / "slice_9.npz").write_text("old")
    record = runner._run(state, STAGE["maps"], lambda _fraction, _message: None)
    assert record["reason"].startswith("needs 6D for at least 100 stars: 0")
    assert not maps.exists()


def test_labels_decide_which_columns_a_stage_takes():
    config = dataclasses.replace(CONFIG, labels=LabelConfig(names=("teff", "a_k_fit")))
    assert {"teff_ref", "a_k_ref"} <= STAGE["labels"].may_read(config)
    assert "logg_err" not in STAGE["labels"].may_write(config)
    assert "a_k_fit_err_formal" in STAGE["labels"].may_write(config)


def test_the_command_lists_the_declarations(capsys):
    assert main(["stages"]) == 0
    printed = capsys.readouterr().out
    for stage in STAGES:
        assert f" {stage.name}: " in printed
    told = " ".join(printed.split())
    assert "needs: raw spectra on a logarithmic grid" in told
    assert "settings: [spectra], [velocity], [labels]" in told
    assert max(map(len, printed.splitlines())) <= 120


def test_the_readme_lists_the_stages_in_order():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    block = re.search(r"### Stages\n\n```text\n(.*?)```", readme, re.DOTALL)
    assert " ".join(block[1].split()).split(" -> ") == [stage.name for stage in STAGES]
    assert "python -m pipeline stages" in readme
