"""``python -m pipeline`` without the estimate of space, so that the disk fills up in the middle; under a limit.

Arguments: bytes that a file may have at most (0: no limit), then the command's own.
"""

import resource
import sys

import pipeline.__main__ as command


def main():
    """Run the command."""
    limit = int(sys.argv.pop(1))
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    run_command = command.main

    def without_estimate(arguments):
        from pipeline.stages import runner

        runner.require_space = lambda *_: None
        return run_command(arguments)

    command.main = without_estimate
    command.run_until_stopped()


if __name__ == "__main__":
    main()
