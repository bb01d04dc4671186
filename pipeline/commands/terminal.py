"""Lines and progress bars on the terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TypeAlias

from tqdm import tqdm

Subcommands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - no public name
"""Where a module adds its commands."""


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def say_aside(line: str) -> None:
    """Write a line to standard error at once."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def percent_bar() -> tqdm:
    """Show a bar that goes to 100 percent."""
    return tqdm(total=100.0, bar_format="{l_bar}{bar}| {elapsed}<{remaining}")


def advance(bar: tqdm) -> Callable[[float], None]:
    """Move a bar to a fraction."""
    return lambda fraction: bar.update(round(100.0 * fraction, 1) - bar.n)
