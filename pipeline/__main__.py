"""The pipeline's command line: ``python -m pipeline COMMAND``; ``--help`` lists them.

This module is light: signals are received before the commands, which take seconds to import, are imported.
"""

from __future__ import annotations

import sys
from typing import NoReturn

from pipeline.memory_limit import memory_refusal, watch_memory
from pipeline.stopping import END_WITH_INPUT, SENTENCE, Stopped, Stopper


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return the exit status; errors end with their reason on standard error."""
    refusal = memory_refusal()
    if refusal:
        sys.stderr.write(f"error: {refusal}\n")
        return 2
    try:
        from pipeline.commands import run  # noqa: PLC0415 - seconds of imports

        return run(arguments)
    except KeyboardInterrupt as stop:
        if isinstance(stop, Stopped):
            raise
        sys.stderr.write(f"{SENTENCE}\n")
        return 130


def run_until_stopped() -> NoReturn:
    """Run the command of the process's arguments, answering Ctrl-C, SIGTERM and SIGHUP."""
    stopper = Stopper()
    try:
        stopper.start()
        watch_memory(lambda reason: stopper.leave(f"error: {reason}", 2))
        arguments = sys.argv[1:]
        if arguments[:1] == [END_WITH_INPUT]:
            del arguments[0]
            stopper.end_with_standard_input()
        status = main(arguments)
        stopper.finish()
    except Stopped as stop:
        stopper.end(stop.signal_number)
    except BaseException:
        number = stopper.asked(wait_seconds=0.1)  # the same signal may have ended a worker process first
        if number is not None:
            stopper.end(number)
        raise
    sys.exit(status)


if __name__ == "__main__":
    run_until_stopped()
