"""``run_app.py`` with the fake command of ``tests/explorer`` in place of ``python -m pipeline open``."""

import sys
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "explorer")]

from opening_factory import fake_command  # noqa: E402 - after the path

import run_app  # noqa: E402 - after the path
from explorer.model import opening  # noqa: E402 - after the path

opening.Opening = partial(opening.Opening, command=fake_command)
sys.exit(run_app.main(sys.argv[1:]))
