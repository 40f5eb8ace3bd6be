"""Start commands side by side, wait until each says that it is ready, and leave none behind."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import IO

from classroom import copies, guard
from classroom.refusal import Refusal

READY = {  # what each kind of process writes to its log once it can be used
    "worker": r" ready\.$",
    "beat": r"beat: Starting",
    "api": r"Uvicorn running on",
    "flower": r"Connected to",
    "postgres": r"ready to accept connections",
}
# The variable that chooses the port, and its default.
PORTS = {"flower": ("FLOWER_PORT", "5555"), "api": ("API_PORT", "8000")}
GRACE = {"beat": 5.0, "postgres": 5.0}  # seconds between SIGTERM and SIGKILL for what holds state; a worker has none


Place = tuple[Path | None, dict[str, str]]  # a working folder, unless it is our own, and an environment


class NotReady(Refusal):
    """A process ended, or was not ready in time: one sentence, then the end of its log."""


def kind(name: str) -> str:
    """What kind of process a Procfile's name means: worker-high is a worker."""
    return name.partition("-")[0]


def guarded(
    command: str, grace: float = 0.0, output: IO[str] | None = None, place: Place | None = None
) -> subprocess.Popen[bytes]:
    """Start a shell command that can't outlive us; closing the returned process's stdin ends it."""
    folder, env = place or (None, dict(os.environ))
    here = Path(sys.executable).parent  # `celery` and `python` are this environment's, activated or not
    path = f"{here}{os.pathsep}{env.get('PATH', os.defpath)}"
    return subprocess.Popen(
        [sys.executable, "-I", "-S", guard.FILE, str(grace), command],
        cwd=folder,
        env={**env, "PATH": path},
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes] | copies.Copy) -> None:
    """End what `guarded` started, and wait until it is gone."""
    if process.stdin:
        process.stdin.close()
    process.wait()


class Running(dict[str, Path]):
    """Each process's log file by its name."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        super().__init__(files)
        self.processes: dict[str, subprocess.Popen[bytes] | copies.Copy] = {}

    def ended(self) -> list[str]:
        """The names of the processes that have exited."""
        return [name for name, process in self.processes.items() if process.poll() is not None]


@contextmanager
def running(
    commands: Mapping[str, str],
    logs: Path,
    deadline: float = 60.0,
    place: Place | None = None,
    copied: bool = False,
) -> Iterator[Running]:
    """Run `commands` (name -> command line) while the block runs, in `place` or else where and as we run ourselves.

    Yields each name's log file once all are ready; raises NotReady if one exits first or `deadline` seconds pass.
    With `copied`, workers start as copies of a process that has imported Celery, if that makes no difference to them.
    Refuses a name of no known kind, because no line of its log would say that it is ready, and a port that is taken.
    """
    folder, env = place or (None, dict(os.environ))
    for name in commands:
        if kind(name) not in READY:
            raise Refusal(f"A process is called {name!r}; a name begins with one of: {', '.join(READY)}.")
        if kind(name) in PORTS:
            variable, default = PORTS[kind(name)]
            refuse_taken_port(name, variable, env.get(variable) or default)
    logs.mkdir(parents=True, exist_ok=True)
    files = Running({name: logs / f"{name}.log" for name in commands})
    untidy = {**env, "TMPDIR": str(logs.absolute())}  # whoever is killed at once leaves there what is temporary
    started = files.processes
    try:
        for name, command in commands.items():
            grace = GRACE.get(kind(name), 0.0)
            variables = env if grace else untidy
            with files[name].open("w") as log:
                if copied and copies.can_copy(command, variables):
                    started[name] = copies.Copy(command, files[name], folder, variables)
                else:
                    started[name] = guarded(command, grace, log, (folder, variables))
        until = monotonic() + deadline
        for name, process in started.items():
            wait_until_ready(name, process, files[name], until)
        yield files
    finally:
        for process in started.values():
            if process.stdin:
                process.stdin.close()
        for process in started.values():
            process.wait()


def refuse_taken_port(name: str, variable: str, port: str) -> None:
    """Raise a Refusal where `name` couldn't listen on `port`, which the environment's `variable` chooses."""
    choose = f"Set {variable} to a free port, such as {variable}=18765"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise Refusal(f"{variable} is {port!r}, and a port is a number from 1 to 65535. {choose}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was in use just now is free
        try:
            probe.bind(("127.0.0.1", int(port)))
        except OSError:
            said = f"Port {port} is taken, and {name} needs it. {choose}, or stop the process that listens there."
            raise Refusal(said) from None


def wait_until_ready(name: str, process: subprocess.Popen[bytes] | copies.Copy, log: Path, until: float) -> None:
    """Return once `log` holds the line of a ready process of this kind; `until` is a time.monotonic()."""
    said = re.compile(READY[kind(name)], re.MULTILINE)
    while True:
        ended = process.poll() is not None  # before reading: what it said last is in the log by then
        text = log.read_text(errors="replace")
        if said.search(text):
            return
        if ended:
            raise NotReady(f"{name} ended while starting. Its log:\n{last_lines(text)}")
        if monotonic() > until:
            raise NotReady(f"{name} isn't ready yet. Its log so far:\n{last_lines(text)}")
        sleep(0.02)


def last_lines(log: str, count: int = 15) -> str:
    """The end of a log, indented; a worker's coloured banner above it is left out where it is longer."""
    return "\n".join(f"  {line}" for line in log.rstrip().splitlines()[-count:]) or "  (it wrote nothing)"


class Stopped(SystemExit):
    """Somebody ended us by a signal."""


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """While the block runs, Ctrl-C, SIGTERM and SIGHUP unwind it, so that what it started is ended.

    Then one sentence says so, and Stopped goes on. Once one has come, further ones are ignored until the process ends.
    """
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def unwind(number: int, _frame: object) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(128 + number)

    before = {number: signal.signal(number, unwind) for number in signals}
    try:
        yield
    except Stopped:
        before.clear()
        with suppress(OSError):  # after SIGHUP there may be no terminal any more
            if sys.stderr.isatty():
                print("\033[?25h", file=sys.stderr)  # a progress bar in the middle of its line had hidden the cursor
            print("Stopped; nothing is left running.", file=sys.stderr)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
