"""Start a worker as a copy of a process that has already imported Celery, in about half the CPU time.

`lesson check`, `lesson watch` and most tests do so; `lesson run` keeps the command. A copy behaves like the command
`celery -A … worker …`: it has the same arguments, environment, folder, limits, signals, log and exit status, and it has
imported no module of the course. Two things differ: its command line in `ps`, and that pytest is imported already.

The process that is copied is a fork server of multiprocessing (start method "forkserver"), which also forks the judges.
It starts at the first use, and a new one replaces one that was killed.
"""

import atexit
import gc
import multiprocessing
import multiprocessing.process
import os
import re
import resource
import shlex
import signal
import sys
import sysconfig
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType, TracebackType
from typing import NoReturn

from classroom import guard, strays

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "pytest",
        "pytest_timeout",
        "classroom.judge",
        "classroom.queues",
        "classroom.recorder",
        "classroom.file_broker",
        "classroom.copies",
        "celery.__main__",
        "celery.bin.worker",
        "celery.apps.worker",
        "celery.concurrency.prefork",
        "celery.worker.consumer",
        "celery.app.amqp",
        "celery.backends.database",
        "celery.backends.redis",
        "kombu.transport.pyamqp",
        "kombu.transport.redis",
    ]
)
LINUX = sys.platform == "linux"  # elsewhere, a fork without exec can crash system libraries
COMMAND = re.compile(r"((?:\w+=\S* )*)(celery -A \S+ worker\b.*)")
EARLY = ("PYTHON", "KOMBU_", "C_FORCE")  # variables that Python and its packages read when they start
LIMITS = [value for name, value in vars(resource).items() if name.startswith("RLIMIT_")]
PATIENCE = 2.0  # seconds until the system reports that a fork server was killed
Limits = dict[int, tuple[int, int]]


def can_copy(command: str, env: dict[str, str]) -> bool:
    """Whether a copy would behave like `command`: a worker, in an environment that starts Python in the same way."""
    names = {name for name in {*env, *os.environ} if name.startswith(EARLY)}
    same = all(env.get(name) == os.environ.get(name) for name in names)
    return LINUX and same and COMMAND.fullmatch(command) is not None


def is_copy() -> bool:
    """Whether this process itself is a copy."""
    return multiprocessing.parent_process() is not None


def share_server() -> None:
    """Let this process, which is a copy, ask the fork server that made it; otherwise it would start one of its own."""
    forkserver._forkserver.ensure_running = lambda: None  # type: ignore[method-assign]


def fork(target: Callable[..., object], arguments: tuple[object, ...], daemon: bool = False) -> ForkServerProcess:
    """Call `target` in a new copy of the fork server; starts a new server if the last one was killed."""
    until = time.monotonic() + PATIENCE
    while True:
        process = FORKS.Process(target=target, args=arguments, daemon=daemon)
        try:
            process.start()
            return process
        except (EOFError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


class Copy:
    """A worker that is a copy; closing `stdin` ends it, and so does the end of this process, whatever its cause."""

    def __init__(self, command: str, log: Path, folder: Path | None, env: dict[str, str]) -> None:
        """Start `command` in `folder` (None: the current one) with the environment `env`; its output goes to `log`."""
        match = COMMAND.fullmatch(command)
        assert match
        variables = dict(word.split("=", 1) for word in shlex.split(match[1]))
        limits = {limit: resource.getrlimit(limit) for limit in LIMITS}
        ours, self.stdin = FORKS.Pipe(duplex=False)
        arguments = (ours, shlex.split(match[2]), log.absolute(), folder or Path.cwd(), env | variables, limits)
        self.process = fork(guarded_copy, arguments, daemon=True)
        ours.close()

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        return self.process.exitcode

    def wait(self) -> int:
        """Return the exit status once it has ended."""
        self.process.join()
        return self.process.exitcode or 0


def guarded_copy(
    pipe: Connection, words: list[str], log: Path, folder: Path, env: dict[str, str], limits: Limits
) -> NoReturn:
    """In a fork of the fork server: fork the worker, and be its guard (see guard.py)."""
    os.setsid()  # Ctrl-C in a terminal is for the process that started us
    strays.adopt_orphans()
    if not (child := os.fork()):
        pipe.close()
        run_celery(words, log, folder, env, limits)
    signal.signal(signal.SIGTERM, lambda *_: guard.end_group(child, signal.SIGKILL))  # sent if we are left at exit
    guard.end_when(lambda: pipe.poll(None), child, 0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    guard.end_group(child, signal.SIGKILL)
    strays.end_strays()
    os._exit(guard.exit_status(code))


def run_celery(words: list[str], log: Path, folder: Path, env: dict[str, str], limits: Limits) -> NoReturn:
    """In a fork of the guard: run Celery's own command line, and exit as Python does."""
    status = 1
    try:
        become(words, log, folder, env, limits)
        from celery.__main__ import main

        try:
            main()
        except SystemExit as ended:
            if isinstance(ended.code, str):
                print(ended.code, file=sys.stderr)
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except KeyboardInterrupt:
            status = 128 + signal.SIGINT
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except BaseException:
        if folder.exists():  # else the command that wanted this copy has ended
            traceback.print_exc()
    finally:
        os._exit(status)


def become(words: list[str], log: Path, folder: Path, env: dict[str, str], limits: Limits) -> None:
    """Replace what this process has from the fork server by what a new `celery` would have."""
    os.setsid()
    for server in (forkserver._forkserver, resource_tracker._resource_tracker):
        vars(server).update(vars(type(server)()))  # tasks that use multiprocessing start their own
    gc.freeze()  # leave the pages with shared objects alone
    os.closerange(3, 1024)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    tempfile.tempdir = None
    sys.excepthook = sys.__excepthook__
    for limit, values in limits.items():
        resource.setrlimit(limit, values)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    scripts = sysconfig.get_path("scripts")
    sys.argv = [str(Path(scripts, "celery")), *words[1:]]
    sys.path[:] = [scripts, *(place for place in SEARCH if place not in ("", scripts))]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("classroom", "__mp_main__")]:
        del sys.modules[name]
    sys.modules["__main__"] = ModuleType("__main__")
    MAIN.name = "MainProcess"
    multiprocessing.process._current_process = MAIN  # type: ignore[attr-defined]
    multiprocessing.process._parent_process = None  # type: ignore[attr-defined]
    with open(os.devnull) as nothing, log.open("a") as output:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=False)  # type: ignore[union-attr]  # it may have been a terminal


def quiet_about_clients(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what ended the fork server, unless it is a client that was killed while asking for a copy."""
    if kind is not EOFError:
        sys.__excepthook__(kind, error, trace)


# Of the fork server, which imports this module before it forks anything:
SEARCH = list(sys.path)
MAIN = multiprocessing.current_process()
if any("multiprocessing.forkserver" in word for word in sys.orig_argv):
    os.setpgrp()  # a terminal's Ctrl-C isn't for copies that are just starting; the command ends them
    sys.excepthook = quiet_about_clients
