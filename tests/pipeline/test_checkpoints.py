"""Continuation of stopped builds, and repetition of stages after changes."""

import dataclasses
import os
import shutil

import numpy as np
import pandas as pd
import pytest

from pipeline.config import load_config
from pipeline.mock.fits_layouts import write_lamost_fits
from pipeline.mock.survey import simulate
from pipeline.products.catalog import CATALOG_NAME
from pipeline.products.product import Products, verify
from pipeline.products.spectra import SpectrumStore
from pipeline.stages import runner
from pipeline.stages.inputs import InputRecord, files_below, read_records, write_records
from pipeline.stages.internal import LABEL_CONVERGED
from pipeline.stages.order import STAGES
from pipeline.stages.state import StageSkipped

STAGE = {stage.name: stage for stage in STAGES}
SHORT = ("read", "sky", "snr", "flags", "catalogue")
"""The stages of these builds: what they do takes no time."""

N = 22


@pytest.fixture(scope="module")
def spectra(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lamost") / "spectra"
    folder.mkdir()
    write_lamost_fits(simulate(N, seed=5, training=0), folder, "dr9")
    (folder / "zz_junk.fits").write_bytes(b"junk")
    return folder


class Builder:
    """Builds of one folder, stopped before a stage or not, that count which stages ran."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.patch = folder, monkeypatch
        self.output, self.work = folder / "out", folder / "out.work"
        self.settings = '[input]\nkind = "lamost-fits"\nspectra = "spectra"\n'

    @property
    def config(self):
        (self.folder / "run.toml").write_text(self.settings)
        return load_config(str(self.folder / "run.toml"))

    def run(self, stop="", replaced=(), **options):
        ran = []

        def counted(stage):
            def run(state, progress):
                if stage.name == stop:
                    raise KeyboardInterrupt
                ran.append(stage.name)
                return stage.run(state, progress)

            return dataclasses.replace(stage, run=run)

        stages = [dict(replaced).get(name, STAGE[name]) for name in SHORT]
        self.patch.setattr(runner, "STAGES", tuple(counted(stage) for stage in stages))
        try:
            runner.build(self.config, self.output, quiet=True, **options)
        except KeyboardInterrupt:
            assert stop
        return ran

    def checkpoint(self, name):
        return next((self.work / "checkpoints").glob(f"*_{name}"))

    def table(self):
        return Products.open(self.output).catalog.table


@pytest.fixture
def builder(tmp_path, monkeypatch, spectra):
    shutil.copytree(spectra, tmp_path / "spectra")
    return Builder(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, spectra):
    """The catalogue of a build that nothing stopped."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(spectra, folder / "spectra")
    with pytest.MonkeyPatch.context() as patch:
        builder = Builder(folder, patch)
        assert builder.run() == list(SHORT)
    return (builder.output / CATALOG_NAME).read_bytes()


def test_it_goes_on_where_it_was_and_ends_as_if_never_stopped(builder, undisturbed):
    assert builder.run(stop="flags") == ["read", "sky", "snr"]
    assert not builder.output.exists()
    columns = {path.name[3:]: list(pd.read_parquet(path / "columns.parquet")) for path in builder.work.glob("*/*_*")}
    assert columns["snr"] == ["snr_good", "snr_ca", "masked_fraction"], "a checkpoint holds what its stage gave"
    assert columns["sky"] == ["glon", "glat", "star", "n_obs"]
    assert builder.run() == ["flags", "catalogue"]
    assert (builder.output / CATALOG_NAME).read_bytes() == undisturbed
    assert verify(builder.output) == []
    assert len(Products.open(builder.output).rejects) == 1, "the rejects of resumed stages stay"
    assert not builder.work.exists()


def test_without_checkpoints_nothing_is_kept(builder):
    assert builder.run(stop="flags", checkpoints=False) == ["read", "sky", "snr"]
    assert not (builder.work / "checkpoints").exists()
    assert builder.run(stop="flags") == ["read", "sky", "snr"]
    assert builder.run(checkpoints=False) == list(SHORT)
    assert verify(builder.output) == []


def a_spectrum(builder, number=3):
    return sorted((builder.folder / "spectra").iterdir())[number]


def touched(builder):
    os.utime(a_spectrum(builder), ns=(1, 1))


def replaced(builder):
    a_spectrum(builder).write_bytes(b"another junk")


def replaced_with_old_times(builder):
    """As `cp -p` and `rsync -t` do: of the same size and time, as all spectra of a survey may be."""
    path = a_spectrum(builder)
    status = path.stat()
    other = a_spectrum(builder, 4).read_bytes()
    path.write_bytes(other[: status.st_size].ljust(status.st_size, b"\0"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def deleted(builder):
    a_spectrum(builder).unlink()


def added(builder):
    (builder.folder / "spectra" / "deeper").mkdir()
    shutil.copy(a_spectrum(builder), builder.folder / "spectra" / "deeper" / "copy.fits")


def mended(builder):
    whole = a_spectrum(builder, 0)
    content = whole.read_bytes()
    whole.unlink()
    (builder.folder / "spectra" / "zz_junk.fits").write_bytes(content)


@pytest.mark.parametrize(
    ("change", "reads_again", "stars", "rejects"),
    [
        (touched, False, N, 1),
        (replaced, True, N - 1, 2),
        (replaced_with_old_times, True, N - 1, 2),
        (deleted, True, N - 1, 1),
        (added, True, N, 2),
        (mended, True, N, 0),
    ],
)
def test_a_changed_folder_of_spectra_is_read_again(builder, change, reads_again, stars, rejects):
    builder.run(stop="snr")
    change(builder)
    assert ("read" in builder.run()) is reads_again
    products = Products.open(builder.output)
    assert (len(products.catalog), len(products.rejects)) == (stars, rejects)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "first"),
    [
        (lambda b: flip(b.work / "raw" / "flux.npy"), "read"),
        (lambda b: (b.work / "raw" / "mask.npy").unlink(), "read"),
        (lambda b: flip(b.checkpoint("read") / "columns.parquet"), "read"),
        (lambda b: flip(b.checkpoint("read") / "inputs.parquet"), "read"),
        (lambda b: flip(b.checkpoint("read") / "checkpoint.json"), "read"),
        (lambda b: (b.work / "draft" / "truth.parquet").write_bytes(b"of another survey"), "read"),
        (lambda b: (b.checkpoint("sky") / "internal.parquet").unlink(), "sky"),
        (lambda b: (b.checkpoint("sky") / "checkpoint.json").write_text("{}"), "sky"),
        (lambda b: (b.checkpoint("snr") / "checkpoint.json").write_text(""), "snr"),
        (lambda b: shutil.rmtree(b.checkpoint("snr")), "snr"),
        (lambda b: (b.work / "checkpoints" / "stray").write_text("x"), "flags"),
    ],
)
def test_a_damaged_work_folder_makes_its_stage_run_again(builder, undisturbed, damage, first):
    builder.run(stop="flags")
    damage(builder)
    assert builder.run() == list(SHORT[SHORT.index(first) :])
    assert (builder.output / CATALOG_NAME).read_bytes() == undisturbed
    assert verify(builder.output) == []


def test_a_changed_setting_runs_its_stages_again(builder):
    builder.run(stop="flags")
    builder.settings += "[spectra]\nfirst_angstrom = 6000.0\n"
    assert builder.run(stop="flags") == ["snr"]
    builder.settings += "[selection]\nmax_tio5 = 0.9\n"  # no stage of these builds reads it
    assert builder.run(stop="catalogue") == ["flags"]
    builder.patch.setenv("MGIANT_DATA", str(builder.folder))  # paths may mean other files now
    assert builder.run() == list(SHORT)


def test_models_belong_to_the_stage_that_fits_them(builder):
    """A damaged model runs the label fit again, not the spectra; a skipped fit leaves no old models."""

    def normalise(state, _progress):
        writer = state.write_rest_spectra(np.array([5000.0, 5001.0]), "test")
        writer.put(slice(0, len(state)), flux=np.ones((len(state), 2)))
        writer.close()
        return len(state)

    def labels(state, _progress):
        if "skip" in state.config.name:
            raise StageSkipped("asked for")
        state.write_models()[:] = 0.5
        state.keep(LABEL_CONVERGED, np.ones(len(state), bool))
        return len(state)

    stages = {
        "sky": dataclasses.replace(STAGE["normalise"], run=normalise),
        "snr": dataclasses.replace(STAGE["labels"], run=labels, needs=(), sections=("labels",)),
    }
    assert builder.run(stop="flags", replaced=stages) == ["read", "normalise", "labels"]
    flip(builder.work / "draft" / "spectra" / "model.npy")
    assert builder.run(stop="flags", replaced=stages) == ["labels"]
    store = SpectrumStore(builder.work / "draft")
    assert (store.models(slice(None)) == 0.5).all()
    flip(builder.work / "draft" / "spectra" / "flux.npy")
    assert builder.run(stop="flags", replaced=stages) == ["normalise", "labels"]
    builder.settings = 'name = "skip"\n' + builder.settings + "[labels]\nmin_snr = 1.0\n"
    assert builder.run(stop="flags", replaced=stages) == ["labels"]
    assert np.isnan(SpectrumStore(builder.work / "draft").models(slice(None))).all()


def test_records_of_inputs_survive_the_file(tmp_path):
    (tmp_path / "a b.fits").write_bytes(b"12")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "ä.fits").write_bytes(b"")
    records = [InputRecord.of_file(path) for path in files_below(tmp_path)]
    records += [InputRecord.of_folder(tmp_path, files_below(tmp_path)), InputRecord.of_file(tmp_path / "none")]
    write_records(records, tmp_path / "records")
    assert read_records(tmp_path / "records") == records
    (tmp_path / "records").unlink()
    assert [record.unchanged() for record in records] == [True, True, True, False]
    (tmp_path / "a b.fits").write_bytes(b"13")
    os.utime(tmp_path / "a b.fits", ns=(5, 5))
    assert [record.unchanged() for record in records] == [False, True, True, False]
    write_records([], tmp_path / "empty")
    assert read_records(tmp_path / "empty") == []
