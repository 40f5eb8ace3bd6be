"""Run a command that can't outlive the process that started it: python -I -S guard.py GRACE COMMAND

Standard input is a pipe from that process. Whatever ends it, SIGKILL included, closes the pipe, and then the guard ends
the command's whole process group. It also ends what a command that has exited left behind in its group.

The guard runs beside every process of a lesson, so it imports little and nothing of the course.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

FILE = os.path.abspath(__file__)  # in the command line of each guard


def end_group(group: int, number: int) -> None:
    """Send the signal `number` to a process group that may be gone."""
    try:  # contextlib would cost a guard more than all its other imports
        os.killpg(group, number)
    except OSError:
        return


def end_when(abandoned: Callable[[], object], group: int, grace: float) -> None:
    """Start a thread that waits until `abandoned` returns, and then ends `group`.

    With `grace`, the group first gets SIGTERM and that many seconds.
    """

    def wait() -> None:
        abandoned()
        if grace:
            end_group(group, signal.SIGTERM)
            time.sleep(grace)
        end_group(group, signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def exit_status(code: int) -> int:
    """The status with which a shell reports a process that returned `code`, or was ended by the signal -`code`."""
    return code if code >= 0 else 128 - code


def main() -> None:
    # `env` lets a command begin with NAME=value, and says by name which program is missing.
    command = ["/bin/sh", "-c", f"exec env {sys.argv[2]}"]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    end_when(sys.stdin.read, child.pid, float(sys.argv[1]))
    code = child.wait()
    end_group(child.pid, signal.SIGKILL)
    os._exit(exit_status(code))


if __name__ == "__main__":
    main()
