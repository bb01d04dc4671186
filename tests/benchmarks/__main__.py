"""``python -m tests.benchmarks brush``: one JSON line a measurement."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "ui"), str(ROOT / "explorer")]

if __name__ == "__main__":
    if sys.argv[1:] != ["brush"]:
        sys.exit("Usage: python -m tests.benchmarks brush")
    from tests.benchmarks.brush import main

    main()
