"""``python -m pipeline`` that sends itself a signal in the middle of a stage.

Arguments: stage, signal number, seconds after the stage's start, file for the time of sending, then the command's own.
"""

import os
import sys
import threading
import time
from pathlib import Path

import pipeline.__main__ as command


def interrupted(stage, number, delay, note):
    """Wrap a stage's function: the signal goes to the whole process, as from outside."""

    once = threading.Lock()

    def send():
        if once.acquire(blocking=False):
            note.write_text(str(time.time()))
            os.kill(os.getpid(), number)

    def run(*arguments):
        if delay:
            timer = threading.Timer(delay, send)
            timer.daemon = True
            timer.start()
        else:
            send()
        try:
            return stage(*arguments)
        finally:
            send()  # of a stage that is faster this time; its checkpoint is not yet written

    return run


def main():
    """Run the command with the stage wrapped, as soon as it is imported."""
    name, number, delay, note = sys.argv[1:5]
    del sys.argv[1:5]
    run_command = command.main

    def prepare(arguments):
        from pipeline.stages.order import STAGES

        stage = next(one for one in STAGES if one.name == name)
        object.__setattr__(stage, "run", interrupted(stage.run, int(number), float(delay), Path(note)))
        return run_command(arguments)

    command.main = prepare
    command.run_until_stopped()


if __name__ == "__main__":
    main()
