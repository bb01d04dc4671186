"""A tiny simulated build that the pipeline's tests share."""

import pytest

from pipeline.config import load_config
from pipeline.products.manifest import Manifest
from pipeline.stages.declared import plan
from pipeline.stages.order import STAGES
from pipeline.stages.runner import build

TINY = """
name = "tiny"
[input]
kind = "mock"
n_stars = 260
n_training = 120
seed = 7
[spectra]
first_angstrom = 8000.0
last_angstrom = 8950.0
[labels]
c_grid = [10.0]
gamma_grid = [0.1]
folds = 3
out_of_fold_models = 3
min_snr = 20.0
[distance]
draws = 20
[kinematics]
map_min_stars = 2
"""


def check_plan(directory, config, columns, grid="", too_few=()):
    """Each stage ran, or was skipped for the reason, that the declarations foresee; but for ``too_few`` stars."""
    stages = Manifest.read(directory).stages
    planned = plan(STAGES, config, columns, grid)
    assert [stage["name"] for stage in stages] == [one.name for one in planned]
    for stage, one in zip(stages, planned, strict=True):
        if stage["name"] in too_few:
            assert stage["status"] == "skipped", stage["name"]
            assert stage["reason"], stage["name"]
            continue
        assert (stage["status"] == "skipped") == bool(one.reason), stage
        assert stage["reason"] == one.reason


@pytest.fixture(scope="session")
def as_planned():
    return check_plan


@pytest.fixture(scope="session")
def tiny_configuration() -> str:
    return TINY


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.toml").write_text(TINY)
    output = folder / "products"
    build(load_config(str(folder / "tiny.toml")), output, progress_file=folder / "progress.jsonl", quiet=True)
    return output
