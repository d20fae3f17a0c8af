"""Runs a command and prints its exit code, seconds, processor seconds and peak memory (KiB, on macOS bytes) as JSON.

    python launcher.py FILE COMMAND...      (what the command says goes to FILE)

A program of its own because a child's peak memory starts at what its parent had at the fork, and this one has little.
"""

import json
import os
import sys
import time


def main() -> None:
    with open(sys.argv[1], "wb") as output:  # noqa: PTH123 - pathlib would be memory
        started = time.perf_counter()
        child = os.posix_spawn(
            sys.argv[2],
            sys.argv[2:],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)],
        )
        _, status, usage = os.wait4(child, 0)
        seconds = time.perf_counter() - started
    processor_seconds = usage.ru_utime + usage.ru_stime
    print(json.dumps([os.waitstatus_to_exitcode(status), seconds, processor_seconds, usage.ru_maxrss]))


if __name__ == "__main__":
    main()
