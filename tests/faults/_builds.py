"""Small builds in forked children, which faults are put into: all stages run, in seconds, from a warm parent."""

import contextlib
import functools
import os
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

os.environ["OMP_NUM_THREADS"] = "1"  # GNU OpenMP's threads do not survive a fork; read when its library is loaded

from pipeline.config import load_config
from pipeline.mock import survey
from pipeline.products.manifest import Manifest, ProductError
from pipeline.products.product import verify
from pipeline.products.versions import current_version
from pipeline.stages import reading, runner

CONFIGURATION = """name = "faults"
[input]
kind = "mock"
n_stars = 100
n_training = 90
seed = {seed}
[spectra]
first_angstrom = 8400.0
last_angstrom = 8800.0
[velocity]
first_angstrom = 8400.0
last_angstrom = 8800.0
step_kms = 60.0
templates = "synthetic"
[labels]
c_grid = [1.0]
gamma_grid = [0.1]
folds = 2
out_of_fold_models = 2
min_snr = 3.0
[distance]
draws = 3
[kinematics]
draws = 2
map_min_stars = 2
stream_particles = 100
"""
SIMULATE = functools.cache(survey.simulate)
KILLED, FAILED = -signal.SIGKILL, 2


@dataclass
class Workshop:
    """A folder of builds with one configuration a seed, and what an undisturbed build of each gives."""

    folder: Path
    stages: tuple = runner.STAGES
    sums: dict = field(default_factory=dict)
    seconds: float = 0.0

    def config(self, seed):
        path = self.folder / f"seed_{seed}.toml"
        path.write_text(CONFIGURATION.format(seed=seed))
        return load_config(str(path))

    def undisturbed(self, seed):
        """Product of an undisturbed build in this process, which warms its caches for the children."""
        output = self.folder / f"undisturbed_{seed}"
        if seed not in self.sums:
            self.build(output, seed)
            started = time.monotonic()
            self.run(self.folder / "timed", seed)
            self.seconds = time.monotonic() - started
            assert verify(output) == []
            self.sums[seed] = described(output)
        return output

    def build(self, output, seed, **options):
        with (
            mock.patch.object(runner, "STAGES", self.stages),
            mock.patch.object(reading, "simulate", SIMULATE),  # each survey is drawn once, in the parent
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            runner.build(self.config(seed), output, quiet=True, **options)

    def start(self, output, seed, before=lambda: None, **options):
        """Build in a child; returns its process number."""
        child = os.fork()
        if child:
            return child
        status = 1
        try:
            before()
            self.build(output, seed, **options)
            status = 0
        except (ProductError, OSError):
            status = FAILED
        except BaseException:  # noqa: BLE001 - whatever it is, the parent counts it as harm
            traceback.print_exc()
        finally:
            os._exit(status)

    def run(self, output, seed, before=lambda: None, kill_after=None, **options):
        """Build in a child, killed after so many seconds; its exit status, negative where a signal ended it."""
        child = self.start(output, seed, before, **options)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        return ended(child)

    def is_whole(self, output, *seeds):
        """Whether a product verifies and is byte for byte an undisturbed one of one of the seeds."""
        return verify(output) == [] and any(described(output) == self.sums[seed] for seed in seeds)


def ended(child, seconds=240.0):
    """Exit status of a child; one that hangs is killed, and its status then counts as harm."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGABRT)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def described(output):
    """The manifest without its times."""
    manifest = Manifest.read(current_version(output))
    stages = tuple({**stage, "seconds": 0} for stage in manifest.stages)
    return replace(manifest, stages=stages, created="")


def copied(source, target):
    """A product or work folder copied as a whole, links as links."""
    for suffix in ("", ".versions", ".work", ".lock"):
        cleared(target.with_name(target.name + suffix))
        part = source.with_name(source.name + suffix)
        if part.is_symlink():  # of a product, into its versions: under the new name
            link = Path(*(one.replace(source.name, target.name, 1) for one in part.readlink().parts))
            target.symlink_to(link)
        elif part.is_dir():
            shutil.copytree(part, target.with_name(target.name + suffix), symlinks=True)


def cleared(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def workshop():
    """A workshop in a folder that is removed."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        yield Workshop(Path(folder))
