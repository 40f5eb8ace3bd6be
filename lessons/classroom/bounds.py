"""How much an answer may write and use: the system's limits for each process, and a look at all files of a run."""

import os
import resource
import stat
import sys
from pathlib import Path

FILE = 8_000_000  # bytes of one file; a worker's log is one, and so is what the judge captures
FOLDER = 64_000_000  # bytes of all files that the answer and its workers write
MEMORY = 1_000_000_000  # bytes of one process
MUCH = f"Stopped: the answer printed or wrote more than {FILE // 1_000_000} MB. Is there a loop that never ends?"
MANY = f"Stopped: the answer wrote more than {FOLDER // 1_000_000} MB of files. Is there a loop that never ends?"
MEMORY_MUCH = f"The answer used more than {MEMORY // 1_000_000_000} GB of memory. Is there a loop that never ends?"

# macOS doesn't enforce a limit of memory. Beyond RLIMIT_FSIZE, write() raises OSError: Python ignores SIGXFSZ.
LIMITS = {resource.RLIMIT_FSIZE: FILE} | ({resource.RLIMIT_DATA: MEMORY} if sys.platform == "linux" else {})


def limit() -> None:
    """Limit this process, and each process that it starts."""
    for what, most in LIMITS.items():
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def excess(folder: Path) -> str:
    """Say what is too much: a file in `folder`, what this process prints while it is captured, or all files; or ""."""
    printed = [what.st_size for what in map(os.fstat, (1, 2)) if stat.S_ISREG(what.st_mode)]
    files = [size(Path(place, name)) for place, _, names in os.walk(folder) for name in names]
    if max([*printed, *files], default=0) >= FILE:
        return MUCH
    return MANY if sum(files) > FOLDER else ""


def size(file: Path) -> int:
    """Bytes of `file`; 0 if it has vanished."""
    try:
        return file.lstat().st_size
    except OSError:
        return 0
