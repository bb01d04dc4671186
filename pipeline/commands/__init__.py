"""The commands of ``python -m pipeline``, which imports this package once it receives signals."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipeline.commands import building, fetching, judging, reproducing, simulating
from pipeline.config import ConfigError
from pipeline.failures import failure_sentence, warn_in_sentences
from pipeline.products.manifest import ProductError
from pipeline.sources.wheels import FetchError


def run(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status; the reason of a failure is the last line on stderr."""
    warn_in_sentences()
    options = command_line().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (ConfigError, ProductError, FetchError, ValueError) as error:
        return _refuse(str(error))
    except (OSError, MemoryError, RuntimeError) as error:
        sentence = failure_sentence(error, _written_to(options))
        if not sentence:
            raise
        return _refuse(sentence)
    return status


def command_line() -> argparse.ArgumentParser:
    """The command line, each command from the module that runs it."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description="Build the M-giant catalogue.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (building, judging, reproducing, fetching, simulating):
        module.add_commands(commands)
    return parser


def _written_to(options: argparse.Namespace) -> Path | None:
    """Where a command writes, as far as its arguments name it."""
    places = (getattr(options, name, None) for name in ("output", "into", "directory"))
    return next((place for place in places if place is not None), None)


def _refuse(reason: str) -> int:
    sys.stderr.write(f"error: {reason}\n")
    return 2
