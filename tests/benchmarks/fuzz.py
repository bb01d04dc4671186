"""Hostile expressions through the parser, the completion and the evaluation: none may crash, hang or run anything.

What runs is watched by an audit hook (PEP 578): code that is compiled, modules that are imported, files, processes and
sockets that are opened.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter

from test_expression import COLUMNS, SUBSETS, N, fuzzed

from explorer.model.completion import completions
from explorer.model.expression import parse
from explorer.model.tokens import ExpressionError

FORBIDDEN = ("compile", "exec", "import", "open", "os.", "subprocess.", "socket.", "ctypes.", "marshal.", "pickle.")


def main(arguments):
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("--strings", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    rng = random.Random(options.seed)
    outcomes, slowest, executed, watching = Counter(), (0.0, ""), Counter(), False

    def watch(event, _):
        if watching and event.startswith(FORBIDDEN):
            executed[event] += 1

    one("teff < 3800")
    sys.addaudithook(watch)
    for _ in range(options.strings):
        text = string(rng)
        begun, watching = time.process_time(), True
        outcome = one(text)
        watching = False
        slowest = max(slowest, (1e3 * (time.process_time() - begun), text))
        outcomes[outcome] += 1
    told = {"strings": options.strings, "seed": options.seed, "outcomes": dict(outcomes), "executed": dict(executed)}
    worst = {"slowest_cpu_ms": round(slowest[0], 1), "slowest": slowest[1][:80]}
    sys.stdout.write(json.dumps({"benchmark": "fuzz", **told, **worst}) + "\n")


def one(text):
    """What becomes of a string: stars, a refusal with its place, or a crash by name."""
    try:
        completions(text, len(text), [], [])
        mask = parse(text, COLUMNS, SUBSETS).mask(COLUMNS)
    except ExpressionError as error:
        return "refused" if 0 <= error.start < error.end else "refused without a place"
    except Exception as error:  # noqa: BLE001 - any other is what is looked for
        return f"crashed: {type(error).__name__}"
    return "understood" if mask.shape == (N,) and mask.dtype == bool else "not a mask"


def string(rng):
    """An expression, a heap of words, any characters, something deep, something long, or a program."""
    kind = rng.random()
    if kind < 0.6:
        return fuzzed(rng)
    if kind < 0.8:
        return "".join(
            chr(rng.choice((rng.randrange(128), rng.randrange(0x3000), rng.randrange(0xD800)))) for _ in range(40)
        )
    if kind < 0.87:
        depth = rng.randrange(1, 3000)
        return (
            rng.choice(("(", "not ", "-", "abs(", "~", "teff+", "2**")) * depth + "teff" + ")" * rng.choice((0, depth))
        )
    if kind < 0.94:
        return f" {rng.choice(('and', '|', '+', '<'))} ".join(["teff < 1e3"] * rng.randrange(1, 2000))
    return rng.choice(PROGRAMS) + fuzzed(rng)


PROGRAMS = (
    "__import__('os').system('true') ",
    "().__class__.__mro__[1].__subclasses__() ",
    "exec('import os') ",
    "eval(compile('1', '', 'eval')) ",
    "open('/etc/passwd').read() ",
    "lambda: teff ",
    "teff.__class__ < ",
    "'; DROP TABLE stars; -- ",
    "<script>alert(1)</script> ",
    "${teff} {teff!r} %(teff)s ",
    "\x00\ufeff\u202e",
)
