"""Whatever is started becomes ready or says why not, and nothing outlives who started it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

from classroom import processes
from classroom.processes import NotReady, end, guarded, running
from classroom.refusal import Refusal

pytestmark = pytest.mark.once

Alive = Callable[[], list[str]]
Gone = Callable[[], bool]

READY = "print('celery@here ready.', flush=True)"
SLEEP = "import time; time.sleep(600)"
PARENT = f"import subprocess, sys; {READY}; subprocess.run([sys.executable, '-c', {SLEEP!r}])"  # has a child
LEAVES_A_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}])"


def python(code: str) -> str:
    """A command line, as in a Procfile, that runs `code`."""
    return f'python -c "{code}"'


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    """Return once `condition()` is true; fails after `seconds`."""
    until = monotonic() + seconds
    while not condition():
        assert monotonic() < until
        sleep(0.02)


def test_all_are_ready_in_the_block_and_gone_after_it(tmp_path: Path, alive: Alive, gone: Gone) -> None:
    """A ready line ends the wait, each log lies under its process's name, and grandchildren end with the rest."""
    commands = {"worker": python(PARENT), "worker-high": python(PARENT)}
    with running(commands, tmp_path / "logs") as logs:
        assert {name: log.read_text() for name, log in logs.items()} == dict.fromkeys(commands, "celery@here ready.\n")
        wait_for(lambda: len(alive()) == 6)  # guard, command and its child, twice
    assert gone()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("worker", "[2026-01-01 12:00:00,000: INFO/MainProcess] celery@here ready."),
        ("beat", "[2026-01-01 12:00:00,000: INFO/MainProcess] beat: Starting..."),
        ("api", "INFO:     Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)"),
        ("flower", "[I 260101 12:00:00 mixins:228] Connected to filesystem://localhost//"),
        ("postgres", "LOG:  database system is ready to accept connections"),
    ],
)
def test_each_kind_has_a_line_that_says_ready(tmp_path: Path, name: str, line: str) -> None:
    """The line that this kind of process writes is recognised."""
    with running({name: python(f"print('starting', flush=True); print({line!r}, flush=True); {SLEEP}")}, tmp_path):
        pass


def test_a_name_of_no_known_kind_is_refused(tmp_path: Path, alive: Alive) -> None:
    """Nobody could say when it is ready, so it isn't started."""
    with pytest.raises(Refusal, match="wroker") as refusal, running({"wroker": python(READY)}, tmp_path):
        pass
    assert "worker" in str(refusal.value)
    assert alive() == []


@pytest.mark.parametrize(("name", "variable"), [("flower", "FLOWER_PORT"), ("api-docs", "API_PORT")])
def test_a_taken_port_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alive: Alive, name: str, variable: str
) -> None:
    """Before anything is started, with the variable that mends it; a free port isn't refused."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv(variable, str(port))
        commands = {"worker": python(READY), name: python(READY)}
        refused = pytest.raises(Refusal, match=f"^Port {port} is taken, and {name} needs it.* {variable}=")
        with refused, running(commands, tmp_path):
            pass
    assert alive() == []
    for wrong in ("many", "0", "65536"):
        monkeypatch.setenv(variable, wrong)
        refused = pytest.raises(Refusal, match=f"^{variable} is '{wrong}', and a port is a number")
        with refused, running(commands, tmp_path):
            pass
    monkeypatch.setenv(variable, str(port))
    said = "Connected to" if name == "flower" else "Uvicorn running on"
    with running({name: python(f"print({said!r}, flush=True); {SLEEP}")}, tmp_path):
        pass


def test_one_that_ends_while_starting_shows_its_log(tmp_path: Path, gone: Gone) -> None:
    """The sentence names it, the end of its log follows, and those that had started are ended."""
    commands = {"worker-good": python(PARENT), "worker-bad": python("print('no such module'); raise SystemExit(3)")}
    with pytest.raises(NotReady) as refusal, running(commands, tmp_path):
        pytest.fail("it was never ready")
    assert str(refusal.value) == "worker-bad ended while starting. Its log:\n  no such module"
    assert gone()


def test_one_that_says_ready_and_ends_was_ready(tmp_path: Path) -> None:
    """What it wrote last counts, however soon it ends after that."""
    with running({"worker": python(READY)}, tmp_path) as logs:
        assert "ready." in logs["worker"].read_text()


def test_a_command_that_does_not_exist_is_said_by_name(tmp_path: Path) -> None:
    """The shell's own words are the log."""
    with pytest.raises(NotReady, match=r"(?s)^worker ended while starting.*no-such-command"):
        running({"worker": "no-such-command --loglevel=info"}, tmp_path).__enter__()


def test_waiting_has_a_deadline(tmp_path: Path, gone: Gone) -> None:
    """One that never gets ready is given up, with its log so far, and ended."""
    with (
        pytest.raises(NotReady) as refusal,
        running({"worker": python(f"print('thinking', flush=True); {SLEEP}")}, tmp_path, deadline=0.5),
    ):
        pytest.fail("it was never ready")
    assert str(refusal.value) == "worker isn't ready yet. Its log so far:\n  thinking"
    assert gone()


def test_a_variable_may_stand_before_a_command(tmp_path: Path) -> None:
    """NAME=value command, as one types it."""
    command = "GREETING='ready.' python -c \"import os; print('', os.environ['GREETING'])\""
    with running({"worker": command}, tmp_path) as logs:
        assert logs["worker"].read_text() == " ready.\n"


def test_this_environment_comes_first_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python` and `celery` are the course's own, also where the virtual environment isn't active."""
    monkeypatch.setenv("PATH", os.defpath)
    with running({"worker": python(f"import sys; print(sys.executable); {READY}")}, tmp_path) as logs:
        assert logs["worker"].read_text().splitlines()[0] == str(Path(sys.executable).with_name("python"))


def test_a_room_is_the_folder_and_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is started there sees that environment and no other."""
    monkeypatch.setenv("OUTSIDE", "1")
    code = f"import os; print(os.getcwd(), os.environ['INSIDE'], 'OUTSIDE' in os.environ); {READY}"
    room = (tmp_path, {"INSIDE": "yes", "PATH": os.defpath})
    with running({"worker": python(code)}, tmp_path, place=room) as logs:
        assert logs["worker"].read_text().splitlines()[0] == f"{tmp_path} yes False"


@pytest.mark.parametrize(("code", "status"), [("raise SystemExit(0)", 0), ("raise SystemExit(3)", 3),
                                              ("import os; os.kill(os.getpid(), 9)", 137)])  # fmt: skip
def test_the_exit_status_is_passed_on(code: str, status: int) -> None:
    """As a shell does: 128 and the signal's number for one that a signal ended."""
    process = guarded(python(code))
    try:
        assert process.wait(timeout=10) == status
    finally:
        end(process)


def test_a_command_that_ends_leaves_no_orphans(alive: Alive) -> None:
    """What it started goes with it, though nobody waited for it."""
    process = guarded(python(LEAVES_A_CHILD))
    try:
        assert process.wait(timeout=10) == 0
        wait_for(lambda: not alive())
    finally:
        end(process)


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_only_what_holds_state_is_asked_before_it_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """beat gets SIGTERM and time to save; a worker whose tasks have all ended has nothing to lose."""
    monkeypatch.setitem(processes.GRACE, "beat", 300.0)  # seconds; this test may take 120
    script, saved = tmp_path / "stateful.py", tmp_path / "saved"
    script.write_text(
        "import pathlib, signal, sys, time\n"
        "def save(*_):\n"
        "    time.sleep(0.3)\n"
        f"    pathlib.Path({str(saved)!r}).touch()\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, save)\n"
        "print('beat: Starting... ready.', flush=True)\n"
        "time.sleep(600)\n"
    )
    with running({name: f"python {script}"}, tmp_path):
        pass
    assert saved.exists() == (name == "beat")


def test_one_that_will_not_go_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: Gone) -> None:
    """SIGKILL follows when the grace is over."""
    monkeypatch.setitem(processes.GRACE, "beat", 0.3)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('beat: Starting', flush=True)"
    with running({"beat": python(f"{code}; time.sleep(600)")}, tmp_path):
        pass
    assert gone()


STARTER = """
import sys, time
from pathlib import Path
from classroom.processes import ended_by_signals, running
from classroom.refusal import Refusal

with ended_by_signals(), running({"worker": sys.argv[1], "worker-two": sys.argv[1]}, Path(sys.argv[2])):
    print("all ready", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def starter(tmp_path: Path, alive: Alive) -> subprocess.Popen[str]:
    """A Python program in the block of `running`, with two commands that each have a child."""
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER, python(PARENT), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "all ready\n"
    return process


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_whatever_ends_the_starter_ends_all(
    starter: subprocess.Popen[str], alive: Alive, gone: Gone, number: int, status: int
) -> None:
    """Even after SIGKILL, which leaves it no time to clean up, not one process of either group is left."""
    wait_for(lambda: len(alive()) == 7)  # itself; guard, command and its child, twice
    starter.send_signal(number)
    assert starter.wait(timeout=10) == status
    assert gone()


def test_a_starter_whose_threads_crash_ends_all(starter: subprocess.Popen[str], gone: Gone) -> None:
    """SIGABRT, as of a crash in C, runs no cleanup of Python's either."""
    starter.send_signal(signal.SIGABRT)
    starter.wait(timeout=10)
    assert gone()
