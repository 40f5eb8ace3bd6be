"""A worker that is a copy behaves like the command; each claim is made of both."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import psutil
import pytest

from classroom import copies, strays
from classroom.processes import Running, guarded, running
from tests.island import eventually

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(sys.platform != "linux", reason="workers are copied on Linux only"),
]
both = pytest.mark.parametrize("copied", [False, True], ids=["command", "copy"])
WORKER = "celery -A probe worker --loglevel=info --concurrency=1 --hostname=probe-1@%h"
APP = """
import json
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import time

from celery import Celery, signals

import global_config

app = Celery("probe", broker=global_config.RABBITMQ_URL)
app.config_from_object("global_config")
app.conf.update(task_default_queue="probe", control_exchange="probe")

STREAMS = [(one.isatty(), one.encoding, one.errors, one.line_buffering) for one in (sys.stdout, sys.stderr)]


@signals.worker_ready.connect
def report(sender, **_):
    state = {
        "argv": [os.path.basename(sys.argv[0]), *sys.argv[1:]],
        "folder": os.getcwd(),
        "variable": os.environ.get("PROBE"),
        "unknown variables": sorted(set(os.environ) - set(json.loads(os.environ["KNOWN"]))),
        "clock": time.strftime("%Z", time.gmtime(0)) and time.tzname[0],
        "path": sys.path,
        "main": sys.modules["__main__"].__name__,
        "process": multiprocessing.current_process().name,
        "parent": multiprocessing.parent_process() is None,
        "course": sorted(name for name in sys.modules if name.startswith(("classroom", "lesson", "exercise"))),
        "temporary": tempfile.gettempdir(),
        "limit": resource.getrlimit(resource.RLIMIT_FSIZE)[0],
        "signals": [str(signal.getsignal(number)) for number in (signal.SIGCHLD, signal.SIGALRM, signal.SIGPIPE)],
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "streams": STREAMS,
        "files": sorted(os.readlink(f"/proc/self/fd/{number}") for number in (0, 1, 2)),
        "session": os.getsid(0) == os.getpid(),
        "node": sender.hostname,
        "spoilt": hasattr(json, "spoilt"),
    }
    json.spoilt = True
    with open("state.unfinished", "w") as file:
        json.dump([state, random.random()], file)
    os.rename("state.unfinished", "state.json")
"""


@contextmanager
def probe(folder: Path, copied: bool, app: str = APP, command: str = WORKER, **variables: str) -> Iterator[Running]:
    """A worker of `app` that runs in `folder` while the block runs."""
    folder.mkdir(exist_ok=True)
    (folder / "probe.py").write_text(app)
    env = {**os.environ, "LESSONS_HOME": str(folder / "home"), **variables}
    env["KNOWN"] = json.dumps([*env, "TMPDIR", "KNOWN", "PATH"])
    assert copies.can_copy(command, env)
    with running({"worker": command}, folder / "logs", place=(folder, env), copied=copied) as logs:
        yield logs


def reported(folder: Path) -> list[Any]:
    """What the worker in `folder` found out about itself, and a random number that it drew."""
    file = folder / "state.json"
    eventually(file.exists, "it never said that it is ready")
    found: list[Any] = json.loads(file.read_text())
    return found


def workers(folder: Path) -> list[psutil.Process]:
    """The processes that run in `folder`, the eldest first: a worker and its pool."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and not strays.is_guard(process):
                found.append(process)
        except psutil.Error:
            continue
    return sorted(found, key=lambda process: (process.create_time(), process.pid))


def test_a_copy_finds_what_the_command_finds(tmp_path: Path) -> None:
    """The same arguments, environment, clock, search path, modules, limits, signals, streams, session and node name."""
    command, copy = {}, {}
    for copied, found in ((False, command), (True, copy)):
        folder = tmp_path / "here"
        with probe(folder, copied, command=f"PROBE=2 {WORKER}", PROBE="1", TZ="Asia/Seoul"):
            found |= reported(folder)[0]
        folder.rename(tmp_path / f"before-{copied}")
    assert copy == command
    assert copy["variable"] == "2"
    assert copy["clock"] == "KST"
    assert copy["course"] == ["classroom", "classroom.environment", "classroom.file_broker"]  # by global_config


def test_a_copy_shares_no_state_with_the_next(tmp_path: Path) -> None:
    """Neither what a worker changes in a module, nor the generator of random numbers that the fork server had."""
    drawn = set()
    for folder in (tmp_path / "one", tmp_path / "another"):
        with probe(folder, copied=True):
            state, number = reported(folder)
        drawn.add(number)
        assert not state["spoilt"]
    assert len(drawn) == 2


@both
def test_its_log_has_the_same_lines(copied: bool, tmp_path: Path) -> None:
    """With the names of the processes, as `lesson run --logs` shows them."""
    with probe(tmp_path, copied) as logs:
        text = logs["worker"].read_text()
    assert re.search(r"^\[\d{4}-\d\d-\d\d [\d:,]+: INFO/MainProcess\] probe-1@\S+ ready\.$", text, re.MULTILINE)
    assert "concurrency: 1 (prefork)" in text


@both
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGQUIT, 0), (signal.SIGKILL, 137)])
def test_a_signal_ends_it_with_the_same_status(number: int, status: int, copied: bool, tmp_path: Path) -> None:
    """A warm shutdown, a cold one, and none."""
    with probe(tmp_path, copied) as logs:
        os.kill(workers(tmp_path)[0].pid, number)
        assert eventually(logs.ended, "it is still running") == ["worker"]
        assert logs.processes["worker"].wait() == status
        eventually(lambda: not workers(tmp_path), "its pool is still running")


@both
@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        ("raise SystemExit(3)", 3, ""),
        ("raise SystemExit('not today')", 1, "not today"),
        ("import os; os._exit(5)", 5, ""),
        ("1 / 0", 2, "division by zero"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 139, ""),
        ("import atexit; atexit.register(print, 'the end'); raise SystemExit", 0, "the end"),
        (
            "import threading; threading.Thread(target=print, args=['a thread']).start(); raise SystemExit",
            0,
            "a thread",
        ),
    ],
)
def test_a_worker_that_ends_early_has_the_same_status_and_last_words(
    end: str, status: int, said: str, copied: bool, tmp_path: Path
) -> None:
    """What it prints at its exit, and in threads that are still running then, is in its log."""
    (tmp_path / "probe.py").write_text(end)
    log = tmp_path / "worker.log"
    env = dict(os.environ)
    with log.open("w") as output:
        process = copies.Copy(WORKER, log, tmp_path, env) if copied else guarded(WORKER, 0, output, (tmp_path, env))
    assert process.wait() == status
    assert said in log.read_text()


@both
def test_it_ends_with_the_block_and_so_does_its_pool(copied: bool, tmp_path: Path) -> None:
    """Nothing of it runs afterwards."""
    with probe(tmp_path, copied):
        assert len(workers(tmp_path)) > 1
    eventually(lambda: not workers(tmp_path), "it is still running")


def test_a_copy_takes_with_it_what_left_its_process_group(tmp_path: Path) -> None:
    """A program in a session of its own, whose parent has ended."""
    daemon = "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'setsid sleep 300 &'])\n"
    with probe(tmp_path, copied=True, app=daemon + APP):
        eventually(lambda: "sleep" in [process.name() for process in workers(tmp_path)], "no daemon")
    eventually(lambda: not workers(tmp_path), "it is still running")


@both
def test_it_dies_with_a_process_that_is_killed(copied: bool, tmp_path: Path) -> None:
    """SIGKILL for the process that started it ends worker and pool."""
    (tmp_path / "probe.py").write_text(APP)
    script = tmp_path / "script.py"
    script.write_text(KILLED.format(folder=str(tmp_path), command=WORKER, copied=copied))
    env = {**os.environ, "LESSONS_HOME": str(tmp_path / "home"), "KNOWN": "[]"}
    with subprocess.Popen([sys.executable, script], env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        assert len(workers(tmp_path)) > 1
        process.kill()
    eventually(lambda: not workers(tmp_path), "it is still running")


KILLED = """
import os
import time
from pathlib import Path

from classroom.processes import running

if __name__ == "__main__":
    folder = Path({folder!r})
    with running({{"worker": {command!r}}}, folder / "logs", place=(folder, dict(os.environ)), copied={copied}):
        print("ready", flush=True)
        time.sleep(300)
"""


def test_a_new_fork_server_replaces_one_that_was_killed(tmp_path: Path) -> None:
    """The next worker is a copy again."""
    servers = []
    for folder in (tmp_path / "one", tmp_path / "another"):
        with probe(folder, copied=True) as logs:
            assert isinstance(logs.processes["worker"], copies.Copy)
        servers.append(forkserver._forkserver._forkserver_pid)  # type: ignore[attr-defined]
        os.kill(servers[-1], signal.SIGKILL)
    assert len(set(servers)) == 2


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        ("python -m http.server", {}),
        ("celery -A probe beat", {}),
        ("celery -A probe inspect ping", {}),
        ("celery -A probe worker", {"PYTHONPATH": "/elsewhere"}),
        ("celery -A probe worker", {"PYTHONHASHSEED": "1"}),
        ("celery -A probe worker", {"KOMBU_LOG_DEBUG": "1"}),
    ],
)
def test_what_a_copy_could_not_be_stays_a_command(command: str, variables: dict[str, str]) -> None:
    """Other programs, and variables that Python or kombu read when they start."""
    assert not copies.can_copy(command, {**os.environ, **variables})
    assert copies.can_copy("NAME=value celery -A probe worker --loglevel=info", dict(os.environ))
