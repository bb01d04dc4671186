"""A build of a tiny simulated survey: stages, checkpoints, missing input."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from pipeline.__main__ import main
from pipeline.config import load_config
from pipeline.domain.columns import BY_NAME
from pipeline.products.manifest import Manifest, ProductError
from pipeline.products.product import REPORT_NAME, Products, verify
from pipeline.stages.order import STAGES
from pipeline.stages.runner import build, summary


def test_every_stage_ran_and_the_directory_verifies(tiny):
    assert verify(tiny) == []
    stages = Manifest.read(tiny).stages
    assert [stage["name"] for stage in stages] == [stage.name for stage in STAGES]
    assert all(stage["status"] == "done" for stage in stages)
    assert not tiny.with_name("products.work").exists()


def test_the_summary_and_the_manifest_name_the_dust_map(tiny):
    manifest, report = Manifest.read(tiny), json.loads((tiny / REPORT_NAME).read_text())
    assert manifest.choices["dust map"].startswith("analytic exponential dust disc")
    assert f"dust map: {manifest.choices['dust map']}; 0 stars outside it, 0 beyond" in summary(manifest, report)


def test_the_catalogue_holds_table_a1_and_is_marked_simulated(tiny):
    products = Products.open(tiny)
    table = products.catalog.table
    assert len(table) == 260
    for column in BY_NAME.values():
        if column.paper_name:
            assert column.name in table, column.name
    for name in ("teff", "rv", "distance", "v_phi", "j_tot", "sgr_lambda", "oddness"):
        assert table[name].notna().mean() > 0.5, name
    assert products.manifest.simulated
    assert "simulated" in products.manifest.simulated_note
    assert products.spectra.simulated
    assert len(products.maps) == 4
    assert set(products.overlays) == {"isochrones", "stream_model", "spiral_arms"}


def test_measured_against_truth(tiny):
    table = Products.open(tiny).catalog.table.set_index("obsid")
    truth = pd.read_parquet(tiny / "truth.parquet").set_index("obsid").loc[table.index]
    injected = truth[["true_rv", "true_rv_orbit", "true_rv_zero_point", "true_rv_wavelength"]].sum(axis=1)
    rv = table["rv"] - injected
    assert abs(rv.median()) < 3.0
    assert 1.4826 * (rv - rv.median()).abs().median() < 6.0
    teff = table["teff"] - truth["true_teff"]
    assert 1.4826 * (teff - teff.median()).abs().median() < 200.0
    ratio = table["distance"] / truth["true_distance"]
    assert 0.7 < ratio.median() < 1.4


def test_each_star_has_its_spectrum_and_model(tiny):
    products = Products.open(tiny)
    spectrum = products.spectra.get(int(products.catalog.table["obsid"].iloc[3]))
    assert spectrum.has_model
    good = ~spectrum.mask
    assert np.median(np.abs(spectrum.flux[good] - spectrum.model[good])) < 0.1
    assert (spectrum.ivar[spectrum.mask] == 0).all()


def test_progress_lines_only_grow(tiny):
    lines = [json.loads(line) for line in (tiny.parent / "progress.jsonl").read_text().splitlines()]
    fractions = [line["fraction"] for line in lines]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert {line["stage"] for line in lines} == {stage.name for stage in STAGES}
    assert lines[-1]["seconds_left"] is not None


def test_a_foreign_directory_is_never_replaced(tmp_path):
    precious = tmp_path / "thesis"
    precious.mkdir()
    (precious / "chapter1.tex").write_text("words")
    with pytest.raises(ProductError, match="no product directory"):
        build(load_config("demo"), precious, quiet=True)
    assert (precious / "chapter1.tex").read_text() == "words"


def write_fits_run(folder, spectra):
    (folder / "run.toml").write_text(f'name = "r"\n[input]\nkind = "lamost-fits"\nspectra = "{spectra}"\n')
    return str(folder / "run.toml")


@pytest.mark.parametrize("layout", ["dr5", "dr9"])
def test_simulated_fits_files_go_through_the_real_reader(tmp_path, layout, capsys, as_planned):
    assert main(["mock", str(tmp_path / "fits"), "--stars", "24", "--layout", layout]) == 0
    (tmp_path / "fits" / "broken.fits").write_bytes(b"SIMPLE  = not really")
    run = write_fits_run(tmp_path, "fits")
    assert main(["build", run, "--output", str(tmp_path / "out"), "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "skipped" in printed
    products = Products.open(tmp_path / "out")
    assert len(products.catalog) == 24
    assert products.manifest.simulated, "files that say they are simulated stay marked"
    assert products.rejects["source"].tolist() == ["broken.fits"]
    assert np.isfinite(products.catalog.table["rv"]).all()
    as_planned(tmp_path / "out", load_config(run), ("ra", "dec", "rv_input"), "logarithmic")


def test_nothing_usable_is_an_error_with_its_reasons(tmp_path, capsys):
    (tmp_path / "fits").mkdir()
    (tmp_path / "fits" / "a.fits").write_bytes(b"junk")
    assert main(["build", write_fits_run(tmp_path, "fits"), "--output", str(tmp_path / "out"), "--quiet"]) == 2
    assert "not-fits" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_command_line_errors_are_sentences(tmp_path, capsys):
    assert main(["build", "nowhere.toml"]) == 2
    assert "neither a TOML file nor one of" in capsys.readouterr().err
    assert main(["verify", str(tmp_path)]) == 1
    assert "not a product directory" in capsys.readouterr().out
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    assert main(["mock", str(tmp_path / "full")]) == 2
    assert "not empty" in capsys.readouterr().err


def test_verify_exits_non_zero_as_a_process(tiny, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "verify", str(tiny)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all is well" in done.stdout
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "verify", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1


def test_real_spectra_build(shared_data, tmp_path, monkeypatch):
    monkeypatch.setenv("MGIANT_DATA", str(shared_data))
    manifest = build(load_config("real-spectra"), tmp_path / "out", quiet=True)
    assert not manifest.simulated
    products = Products.open(tmp_path / "out")
    assert len(products.catalog) + len(products.rejects) == 98
    assert verify(tmp_path / "out") == []
    assert set(products.catalog.table["obsid_source"]) == {"header", "derived from header"}


def test_every_file_of_a_simulated_build_says_so(tiny):
    from pipeline.products.marked_parquet import is_simulated

    reference_curves = {"isochrones.parquet", "spiral_arms.parquet"}  # published curves, not simulated stars
    for path in tiny.rglob("*"):
        if path.suffix == ".parquet":
            assert is_simulated(path) == (path.name not in reference_curves), path.name
        elif path.suffix == ".npz":
            assert bool(np.load(path)["simulated"]), path.name
    for name in ("spectra/store.json", "report.json", "manifest.json"):
        assert json.loads((tiny / name).read_text())["simulated"] is True, name
    assert json.loads((tiny / "model" / "model.json").read_text())["metadata"]["simulated"] is True
