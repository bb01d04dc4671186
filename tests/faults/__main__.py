"""``python -m tests.faults [NAME ...] [--quick]``: one JSON line a fault that was tried; exit 1 when one did harm.

Each module of this folder has ``main(quick)``, which yields a dictionary for each kind of fault: ``fault`` (its name),
``tried``, ``survived``, and whatever else was measured. ``--quick`` tries few of each kind.
"""

import argparse
import json
import pkgutil
import sys
import time
from importlib import import_module
from pathlib import Path

import tests.faults

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "ui"), str(ROOT / "explorer")]


def main():
    """Run the named groups of faults, or all."""
    names = sorted(module.name for module in pkgutil.iter_modules(tests.faults.__path__) if module.name[0] != "_")
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(names)}; all without one")
    parser.add_argument("--quick", action="store_true", help="few faults of each kind")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(names)):
        parser.error(f"no faults are named {', '.join(unknown)}; there are {', '.join(names)}")
    harm = 0
    for name in options.names or names:
        started = time.monotonic()
        for found in import_module(f"tests.faults.{name}").main(quick=options.quick):
            harm += found["tried"] - found["survived"]
            seconds, started = time.monotonic() - started, time.monotonic()
            print(json.dumps({"group": name, **found, "seconds": round(seconds, 1)}), flush=True)
    return 1 if harm else 0


if __name__ == "__main__":
    sys.exit(main())
