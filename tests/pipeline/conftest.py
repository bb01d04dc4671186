"""A tiny simulated build that the pipeline's tests share."""

import pytest

from pipeline.config import load_config
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
