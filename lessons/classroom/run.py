"""What `lesson run` does: start a lesson's processes, run its driver, show it, stop everything."""

import fcntl
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Event, Thread

from rich.console import Console

import global_config
from classroom import queues, servers
from classroom.catalog import Lesson
from classroom.processes import end, ended_by_signals, guarded, kind, last_lines, running
from classroom.refusal import Refusal

FREE = 1_000_000  # bytes that must be free: on a full disk messages and results fail at odd places
IN_USE = "in-use"  # the file in a run's folder that the run holds locked
MISTYPED = 2  # the exit status of a driver that refuses its arguments, as argparse has it: no log could say more
console = Console(stderr=True, highlight=False, soft_wrap=True)


def run_lesson(lesson: Lesson, arguments: Sequence[str] = (), svg: Path | None = None, logs: bool = False) -> int:
    """Run `lesson` in a LESSONS_HOME of its own, its driver with `arguments`; returns the driver's exit status.

    The driver's story goes to stdout. `svg` saves its timeline there; `logs` shows the workers' logs as they grow.
    """
    commands = lesson.processes
    console.print(f"lesson {lesson.number} · {lesson.title}", style="bold")
    with ended_by_signals(), _lock(lesson), fresh_home(lesson.name) as home:
        if _needs_servers():
            commands = _meet_servers(lesson, commands)
        with running(commands, home / "logs") as files:
            with _following(files) if logs else nullcontext():
                code = _drive(lesson, arguments, svg)
            if code not in (0, MISTYPED) and not logs:
                for name, file in files.items():
                    end_of_log = last_lines(file.read_text(errors="replace"))
                    console.print(f"The end of the log of {name}:\n{end_of_log}", style="dim", markup=False)
    return code


@contextmanager
def fresh_home(name: str) -> Iterator[Path]:
    """An empty LESSONS_HOME for this process and all it starts, removed afterwards: nobody else's messages."""
    before = os.environ.get("LESSONS_HOME")
    with _run_folder() as folder:
        remove_left_homes(folder)
        home = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder))
        in_use = (home / "claimed").open("w")
        fcntl.flock(in_use, fcntl.LOCK_EX)  # until this process ends, whatever ends it
        Path(in_use.name).rename(home / IN_USE)
    os.environ["LESSONS_HOME"] = str(home)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
        in_use.close()
        if before is None:
            del os.environ["LESSONS_HOME"]
        else:
            os.environ["LESSONS_HOME"] = before


def remove_left_homes(folder: Path) -> None:
    """Remove what runs have left that were killed by SIGKILL: the folders whose lock no process holds."""
    for lock in folder.glob(f"*/{IN_USE}"):
        with suppress(OSError), lock.open() as left:  # BlockingIOError: it is in use
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


@contextmanager
def _run_folder() -> Iterator[Path]:
    """Where runs have their folders and locks; refuses a full disk, and a folder that the block can't write to."""
    folder = global_config.LESSONS_HOME / "run"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (free := shutil.disk_usage(folder).free) < FREE:
            raise Refusal(
                f"A run needs {FREE // 1000} kB, and only {free // 1000} are free at {folder}. "
                "Make room there, or set LESSONS_HOME to another folder."
            )
        yield folder
    except OSError as error:
        raise Refusal(f"Can't write to {folder}: {error.strerror}. Set LESSONS_HOME to another folder.") from None


def _drive(lesson: Lesson, arguments: Sequence[str], svg: Path | None) -> int:
    if svg:
        os.environ["LESSONS_SVG"] = str(svg.absolute())
    driver = guarded(shlex.join(["python", "-m", f"{lesson.name}.call_tasks", *arguments]))
    try:
        return driver.wait()
    finally:
        end(driver)


def _needs_servers() -> bool:
    """Whether any address leads to a server: files and SQLite are this run's own, and need no preparation."""
    urls = (getattr(global_config, name) for name in global_config.SCHEMES)
    return any(servers.server(url) not in ("files", "SQLite") for url in urls)


def _meet_servers(lesson: Lesson, commands: Mapping[str, str]) -> dict[str, str]:
    """Refuse what doesn't answer, throw away what an earlier run left, and leave out workers that are there already."""
    try:
        apps = queues.apps(commands.values())
    except Exception:
        return dict(commands)  # the worker will fail at the same place, and its log says why
    for url in dict.fromkeys(url for app in apps for url in (app.conf.broker_url, app.conf.result_backend)):
        if why := servers.trouble(url):
            raise Refusal(why)
    everywhere = len(apps)
    apps = [app for app in apps if servers.server(app.conf.broker_url) != "files"]
    if not apps:
        return dict(commands)
    every = {queue for app in apps for queue in app.amqp.queues}
    unread = {queue for app in apps for queue in queues.unread(app, set(app.amqp.queues))}
    if unread == every:
        if thrown := sum(queues.purge(app) for app in apps):
            console.print(f"deleted {thrown} messages that an earlier run left", style="dim")
        return dict(commands)
    if unread or len(apps) < everywhere:
        others = ", ".join(sorted(unread)) or "the queues on files"
        raise Refusal(
            f"A worker is already reading {', '.join(sorted(every - unread))}, but no worker is reading {others}. "
            "Stop that worker (Ctrl-C in its terminal) and try again."
        )
    console.print(f"using the worker that is already reading {', '.join(sorted(every))}", style="dim")
    return {name: command for name, command in commands.items() if kind(name) != "worker"}


@contextmanager
def _lock(lesson: Lesson) -> Iterator[None]:
    """On servers, two runs of one lesson would take each other's messages: refuse the second."""
    if not _needs_servers():
        yield
        return
    with _run_folder() as folder:
        lock = (folder / f"{lesson.name}.lock").open("a+")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise Refusal(
                f"lesson run {lesson.number} is already running (process {lock.read()}), and on servers two runs "
                "would take each other's messages. Wait for it, or stop it with Ctrl-C."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def _following(files: Mapping[str, Path]) -> Iterator[None]:
    """Print what is added to `files` while the block runs, each line after its process's name."""
    stop = Event()
    width = max(map(len, files), default=0)

    def follow() -> None:
        with_names = [(name, file.open(errors="replace")) for name, file in files.items()]
        while True:
            last = stop.wait(0.05)
            for name, log in with_names:
                for line in log.read().splitlines():
                    console.print(f"{name:{width}} │ {line}", style="dim", markup=False)
            if last:
                return

    thread = Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
