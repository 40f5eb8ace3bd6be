"""Files as text, a page at a time, read by a process of their own (reader.py).

What strangers upload can make a library loop without end, take all memory or crash. Celery's time limits don't help:
pypdf catches the exception that the soft limit raises, and the hard limit costs a pool process each time. So a pool
process has another process read the file, whose time and memory the system limits, and which can be killed anyway.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from multiprocessing import Pipe
from pathlib import Path
from typing import NamedTuple

from lesson15.settings import LEASE_SECONDS, READ_MEMORY

# Exit statuses of a reading process that needed more than it may have; a negative one is a signal's.
OUT_OF_MEMORY = 77
OUT_OF_TIME = -signal.SIGPROF
CRASHED = (-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT, -signal.SIGFPE, -signal.SIGILL)


class Unreadable(Exception):
    """The file can't be read; the sentence says why."""


class ReaderLost(Exception):
    """The process that read the file was ended from outside, which says nothing about the file."""


class Page(NamedTuple):
    """A piece of text and the page it is on; `total` is None if the file doesn't say how many pages there are."""

    number: int
    total: int | None
    text: str


def pages(file: Path, kind: str, still_here: Callable[[], object] = lambda: None) -> Iterator[Page]:
    """Yield the text of a file; call `still_here` about three times per lease while nothing comes.

    Raises Unreadable, at once or in the middle, or ReaderLost.
    """
    global _idle
    reader = _idle if _idle and _idle.process.poll() is None else Reader()
    _idle = None
    try:
        grown = yield from reader.read(file, kind, still_here)
        if grown < READ_MEMORY / 2:
            _idle = reader
    except (EOFError, ConnectionError):
        raise reader.why_it_ended() from None
    finally:
        if reader is not _idle:
            reader.stop()


class Reader:
    """A process that reads one file after another, for as long as nothing goes wrong."""

    def __init__(self) -> None:
        self.line, theirs = Pipe()
        command = [sys.executable, "-m", "lesson15.reader", str(theirs.fileno())]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        theirs.close()

    def read(self, file: Path, kind: str, still_here: Callable[[], object]) -> Generator[Page, None, int]:
        """Yield the pages; return how many bytes the process has grown by since it started."""
        self.line.send_bytes(json.dumps([str(file), kind]).encode())
        while True:
            while not self.line.poll(LEASE_SECONDS / 3):
                still_here()
            match json.loads(self.line.recv_bytes()):
                case {"page": [number, total, text]}:
                    yield Page(number, total, text)
                case {"unreadable": why}:
                    raise Unreadable(why)
                case {"grown": grown}:
                    return grown

    def stop(self) -> int:
        """Kill it, if it still runs; returns its exit status, negative if a signal ended it."""
        self.line.close()
        self.process.kill()
        return self.process.wait()

    def why_it_ended(self) -> Exception:
        """Why it ended by itself, in the middle of a file."""
        status = self.process.wait()
        if status == OUT_OF_TIME:
            return Unreadable("Reading it took too long.")
        if status == OUT_OF_MEMORY:
            return Unreadable(f"Reading it takes more than {READ_MEMORY:,} bytes of memory, which is the limit.")
        if status in CRASHED:
            return Unreadable("Reading it crashed the reader: the file is damaged.")
        return ReaderLost(f"The process that read it ended with status {status}.")


_idle: Reader | None = None  # this pool process's own, while it reads nothing
