"""The process that reads files for a pool process, which extraction.py starts: python -m lesson15.reader LINE

Its limits are the system's: no code here, nor in a library, can catch them. When the processor time of a file is used
up, SIGPROF ends this process.
"""

import gc
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from lesson15.extraction import OUT_OF_MEMORY, Unreadable
from lesson15.formats import pages
from lesson15.settings import BYTE_SECONDS, READ_MEMORY, READ_SECONDS


def main() -> None:
    """Read the files that the pool process names, until that one ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # after Ctrl-C the worker finishes what it has begun
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    line = Connection(int(sys.argv[1]))
    born = memory()
    while True:
        file, kind = json.loads(line.recv_bytes())
        limit_memory()
        signal.setitimer(signal.ITIMER_PROF, READ_SECONDS + BYTE_SECONDS * Path(file).stat().st_size)
        try:
            for page in pages(Path(file), kind):
                line.send_bytes(json.dumps({"page": page}).encode())
        except Unreadable as why:
            line.send_bytes(json.dumps({"unreadable": str(why)}).encode())
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        signal.setitimer(signal.ITIMER_PROF, 0)
        gc.collect()
        line.send_bytes(json.dumps({"grown": memory() - born}).encode())


def limit_memory() -> None:
    """Let this process grow by READ_MEMORY bytes from now on. Only Linux enforces this limit."""
    if size := memory():
        resource.setrlimit(resource.RLIMIT_AS, (size + READ_MEMORY, resource.RLIM_INFINITY))


def memory() -> int:
    """The size of this process's address space, in bytes; 0 where there is no /proc."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


if __name__ == "__main__":
    with suppress(EOFError, ConnectionError):  # the pool process has ended
        main()
