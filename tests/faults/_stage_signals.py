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

    def send():
        time.sleep(delay)
        note.write_text(str(time.time()))
        os.kill(os.getpid(), number)

    def run(*arguments):
        if delay:
            threading.Thread(target=send, daemon=True).start()
        else:
            send()
        return stage(*arguments)

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
