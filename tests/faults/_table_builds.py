"""Builds of a small table through a few stages: a fraction of a second each, for tests of publishing."""

import numpy as np

from pipeline.config import load_config
from pipeline.stages import runner
from tests.faults._builds import Workshop

STAGES = tuple(stage for stage in runner.STAGES if stage.name in ("read", "sky", "flags", "catalogue"))


class TableWorkshop(Workshop):
    """A workshop of builds from a table of stars; the seed is that of their places."""

    def config(self, seed):
        rng = np.random.default_rng(seed)
        rows = [f"{100 + n},{rng.uniform(0, 360):.5f},{rng.uniform(-80, 80):.5f},{rng.normal():.3f}" for n in range(9)]
        (self.folder / f"stars_{seed}.csv").write_text("\n".join(["obsid,ra,dec,own", *rows]) + "\n")
        path = self.folder / f"seed_{seed}.toml"
        path.write_text(f'name = "seed {seed}"\n[[input.source]]\ntable = "stars_{seed}.csv"\n')
        return load_config(str(path))


def table_workshop(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return TableWorkshop(folder, STAGES)
