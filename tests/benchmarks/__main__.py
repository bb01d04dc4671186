"""``python -m tests.benchmarks NAME``: one JSON line a measurement."""

import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "ui"), str(ROOT / "explorer")]

NAMES = (
    "archive_chain",
    "brush",
    "sessions",
    "fuzz",
    "spectrum",
    "refit",
    "slam_fit",
    "slam_predict",
    "slam_xp",
    "slam_information",
    "rv",
    "velocities",
    "continuum",
    "actions",
    "action_errors",
    "real_space",
    "vetting",
    "mock_real",
    "mock_against_real",
    "paper_departures",
    "crossmatch",
    "seismic_distances",
    "distances",
    "tables",
    "fetching",
)

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        sys.exit(f"Usage: python -m tests.benchmarks {' | '.join(NAMES)}")
    import_module(f"tests.benchmarks.{sys.argv[1]}").main(sys.argv[2:])
