"""Lesson 16's claims: every experiment on every broker that it applies to, and what brokers can do, measured again."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from time import monotonic
from uuid import uuid4

import psutil
import pytest
from celery import Celery
from kombu import Connection, Queue

from classroom import catalog, readme
from classroom.processes import running
from global_config import RABBITMQ_URL
from lesson16 import capabilities
from lesson16.call_tasks import AT_ONCE, EXPERIMENTS
from lesson16.lab import INTERRUPTED, Lab, until, wait_for
from lesson16.tasks import charge_late

NUMBERS = {  # after the fault, and with the cure
    "child_killed": (0, 1),
    "child_killed_late_ack": (0, 1),
    "poison": (5, 3),
    "worker_killed": (0, 1),
    "prefetch": (4, 0),
    "prefetch_multiplier_1": (1, 0),
    "cold_shutdown": (0, 1),
    "soft_shutdown": (2, 1),
    "visibility_timeout": (2, 1),
    "taken_ahead": (2, 1),
    "long_countdown": (2, 1),
    "frozen_worker": (2, 1),
    "connection_cut": (2, 1),
    "before_commit": (0, 1),
    "forked_engine": (1, 4),
    "broker_down": (0, 1),
    "result_store_down": (0, 1),
    "naive_eta": (9, 0),
    "two_beats": (2, 1),
    "unknown_task": (0, 1),
    "unreadable_message": (0, 1),
    "large_message": (6, 0),
    "chord_ignored": (0, 1),
    "chord_failed": (0, 1),
}
ON_FILES = {"prefetch": (1, 0)}  # where they differ
README = catalog.find("16").folder / "README.md"
# The driver makes each on the first of its brokers, and the README's transcripts are held by the tests of all lessons.
REAL = {name: [broker for broker in one.brokers if broker != "files"] for name, one in EXPERIMENTS.items()}
FURTHER = [(name, broker) for name, brokers in REAL.items() for broker in brokers[1:]]


@pytest.mark.once
@pytest.mark.parametrize("shown", ["embedded", "services"])
def test_the_transcripts_have_the_outcome_of_each_experiment(shown: str) -> None:
    """All of them on servers, and on files all that files can do: what the README shows is what is claimed here."""
    blocks = [step for step in readme.steps(README.read_text()) if isinstance(step, readme.Block)]
    everything = [output for block in blocks if block.profile == shown for _, output in block.commands][1]
    told = {name: (int(a), int(b)) for name, a, b in re.findall(r"^(\w+) +(\d+) +(\d+)  ", everything, re.MULTILINE)}
    if shown == "services":
        assert told == NUMBERS
    else:
        assert told == {name: numbers for name, numbers in (NUMBERS | ON_FILES).items() if name in told}
        assert set(told) == {name for name, one in EXPERIMENTS.items() if "files" in one.brokers}


def test_rabbitmq_keeps_a_message_of_an_unknown_task_for_a_dead_letter_exchange(tmp_path: Path, profile: str) -> None:
    """The worker rejects it, and doesn't acknowledge it."""
    if profile == "embedded":
        pytest.skip("needs RabbitMQ")
    name, dead = f"lesson16-{uuid4()}", f"lesson16-{uuid4()}"
    (tmp_path / "lonely.py").write_text(
        "from celery import Celery\n"
        "from kombu import Queue\n"
        "from global_config import RABBITMQ_URL\n"
        f"to = {{'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': {dead!r}}}\n"
        f"app = Celery(broker=RABBITMQ_URL, control_exchange={name!r}, task_default_queue={name!r})\n"
        f"app.conf.task_queues = [Queue({name!r}, queue_arguments=to)]\n"
    )
    queue = Queue(name, queue_arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
    with Connection(RABBITMQ_URL) as connection:
        channel = connection.default_channel
        channel.queue_declare(dead, durable=True)
        try:
            line = "celery -A lonely worker --pool=solo --hostname=lonely@%h --loglevel=info"
            with running({"worker": line}, tmp_path, place=(tmp_path, dict(os.environ))):
                Celery(broker=RABBITMQ_URL).send_task("nowhere.known", queue=queue)
                assert until(lambda: channel.queue_declare(dead, passive=True).message_count, "it is kept")
        finally:
            for each in name, dead:
                channel.queue_delete(each)


@pytest.fixture(scope="module")
def outcomes(workers: dict[str, Path]) -> Iterator[dict[tuple[str, str], "Future[tuple[int, int]]"]]:
    """Experiments on further brokers, some side by side."""
    INTERRUPTED.clear()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {(name, broker): pool.submit(EXPERIMENTS[name], broker) for name, broker in FURTHER}
        pool.shutdown(cancel_futures=True)


@pytest.mark.servers
@pytest.mark.parametrize(("name", "broker"), FURTHER)
def test_an_experiment_comes_out_the_same_on_another_broker(
    name: str, broker: str, outcomes: dict[tuple[str, str], "Future[tuple[int, int]]"]
) -> None:
    """The numbers depend on the fault, and not on the broker, where both can show it."""
    assert outcomes[name, broker].result(timeout=100) == NUMBERS[name]


@pytest.mark.once
def test_the_readme_asks_what_the_experiments_ask() -> None:
    """Its table has each question, in the order of the driver."""
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", README.read_text(), re.MULTILINE)
    assert rows == [(name, one.question) for name, one in EXPERIMENTS.items()]
    assert all(one.why and one.cure for one in EXPERIMENTS.values())


def test_what_brokers_and_result_stores_can_do_is_what_was_measured() -> None:
    """Measured again here, each answer is the one that capabilities.json has."""
    INTERRUPTED.clear()
    known = json.loads(capabilities.FILE.read_text())
    for kind, columns in capabilities.measure().items():
        for column, cells in columns.items():
            assert cells == known[kind][column], column


@pytest.mark.once
def test_the_readme_shows_what_was_measured() -> None:
    """Its tables are those of capabilities.json, all of whose columns have an answer in each row."""
    known = json.loads(capabilities.FILE.read_text())
    assert capabilities.in_readme(README.read_text(), known) == README.read_text()
    assert capabilities.tables(known) in README.read_text()
    assert {kind: list(columns) for kind, columns in known.items()} == {
        "brokers": ["files", "RabbitMQ", "Redis"],
        "stores": ["SQLite", "PostgreSQL", "Redis"],
    }
    assert "?" not in capabilities.tables(known)


@pytest.mark.once
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nonsense", "There is no experiment nonsense; there are: child_killed, child_killed_late_ack, poison"),
        ("poison child_killed --predict 1", "A prediction is for one experiment: lesson run 16 child_killed"),
        ("--predict 1", "A prediction is for one experiment"),
    ],
)
def test_what_cannot_be_made_is_refused(typed: str, said: str) -> None:
    """One sentence, and nothing is started."""
    driver = [sys.executable, "-m", "lesson16.call_tasks", *typed.split()]
    ended = subprocess.run(driver, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith(said)


@pytest.mark.once
@pytest.mark.usefixtures("workers")
def test_an_interrupted_experiment_leaves_nothing_running() -> None:
    """Ctrl-C in the middle of one ends the driver, and all that it has started."""
    command = [sys.executable, "-m", "lesson16.call_tasks", "prefetch", "cold_shutdown"]
    driver = psutil.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: len(driver.children(recursive=True)) >= 4, "two workers, with a process each")
        family = driver.children(recursive=True)
        os.kill(driver.pid, signal.SIGINT)
        driver.wait(timeout=30)
        assert not psutil.wait_procs(family, timeout=10)[1]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(driver.pid, signal.SIGKILL)


@pytest.mark.once
def test_a_soft_shutdown_waits_its_whole_time() -> None:
    """All of the 2 s, although the task ends at once; the cold shutdown comes only then."""
    INTERRUPTED.clear()
    softly = "--", "worker.soft_shutdown_timeout=2"
    with Lab("softly", "files") as lab:
        queue = lab.queue()
        worker = lab.worker(queue, "--concurrency=1", *softly, REMAP_SIGTERM="SIGQUIT")
        order = lab.send(charge_late, queue=queue, seconds=60)
        wait_for(order, "begun")
        lab.wait_until_at_work(queue)
        worker.send_signal(signal.SIGTERM)
        since = monotonic()
        order.go_on()
        until(lambda: "Cold shutdown" in lab.log(queue).read_text(), "the cold shutdown")
        assert monotonic() - since > 1.9
        assert (order.count("begun"), order.count("charged")) == (1, 1)


SYMPTOMS = {  # of the broken project, and of the mended one
    "incident1": (r"ada got [2-9]", r"ada got 1"),
    "incident2": (r"the report of the day: nothing, in 6 seconds", r"the report of the day: 100"),
    "incident3": (
        r"had \d\d MB; 40 pictures later it has [2-9]\d\d MB",
        r"had \d\d MB; 40 pictures later it has 1?\d\d MB",
    ),
}


@pytest.mark.parametrize(
    "incident", ["incident1", *(pytest.param(f"incident{n}", marks=pytest.mark.once) for n in (2, 3))]
)
def test_a_symptom_is_seen_and_is_gone_when_the_incident_is_mended(
    incident: str, alone: Callable[[str], AbstractContextManager[None]], tmp_path: Path
) -> None:
    """As a learner sees it: a worker in one terminal, symptom.py in another; and without a worker, a sentence."""
    lesson = catalog.find_parts(f"16/{incident}")[0]
    for version, seen in zip(("exercise.py", "solution.py"), SYMPTOMS[incident], strict=True):
        folder = tmp_path / version
        folder.mkdir()
        shutil.copy(lesson.folder / version, folder / "exercise.py")
        shutil.copy(lesson.folder / "symptom.py", folder)
        room = folder, {**os.environ, "LESSONS_HOME": str(folder)}
        ask = functools.partial(
            subprocess.run, [sys.executable, "symptom.py"], cwd=folder, env=room[1], capture_output=True, text=True
        )
        with alone(f"exercise16-{incident}"):
            if incident == "incident1":
                assert ask().stderr.startswith("No worker answers. In another terminal, in this folder: celery -A exer")
            with running(catalog.WORKER, folder / "logs", place=room):
                told = ask()
        assert re.fullmatch(f".*{seen}\n", told.stdout), told.stdout + told.stderr
