"""Lesson 11's claims, on live workers, and on others that are killed."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import psutil
import pytest
from celery import Celery
from celery.exceptions import TimeLimitExceeded
from kombu import Queue
from kombu.exceptions import OperationalError
from kombu.transport.redis import Channel
from sqlalchemy import NullPool, Pool, QueuePool, create_engine, text
from sqlalchemy.exc import IntegrityError

from classroom import answers, catalog
from classroom.processes import running
from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson11 import book, money
from lesson11.tasks import app, deliver, deliver_rejecting, take_stock, which_process
from lesson11.workers import kill, two_tasks, wait_until, worker

pytestmark = pytest.mark.usefixtures("workers", "empty_book")

LAB = """
import os
from time import sleep
from celery import Celery
from celery.signals import worker_process_init
from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson11 import book, tasks
app = Celery("lab", broker=RABBITMQ_URL, backend=POSTGRES_URL, set_as_current=False)
app.config_from_object("global_config")
app.conf.update(task_default_queue="lesson11-lab", control_exchange="lesson11-lab", worker_lost_wait=0.5,
                worker_timer_precision=0.05, task_retry_on_worker_lost=True)
deliver_early = app.task(name="deliver_early", max_retries=1, default_retry_delay=0.1)(tasks.carry)

@app.task(name="overtime", acks_late=True, time_limit=0.5, acks_on_timeout=False)
def overtime(parcel):
    if book.note(parcel, "begun") < 3:
        sleep(60)

@app.task(name="peak")
def peak(megabytes):
    held = b"x" * megabytes * 1_000_000
    del held
    return os.getpid()

@worker_process_init.connect
def slow_to_begin(**_):
    if "SLOW" in os.environ:
        book.note("process", "begun")
        sleep(2)
"""


@contextmanager
def lab(tmp_path: Path, *options: str, **environment: str) -> Iterator[Celery]:
    """A caller without the tasks' code, while a worker with one process runs those of LAB."""
    (tmp_path / "lab11.py").write_text(LAB)
    room = tmp_path, {**os.environ, "PYTHONPATH": str(tmp_path), **environment}
    sender = Celery("sender", broker=RABBITMQ_URL, backend=POSTGRES_URL, set_as_current=False)
    sender.config_from_object("global_config")
    sender.conf.update(task_default_queue="lesson11-lab", control_exchange="lesson11-lab")
    command = f"celery -A lab11 worker --loglevel=info --concurrency=1 --hostname=lab@%h {' '.join(options)}"
    with running({"worker": command}, tmp_path / "logs", place=room):
        yield sender


@pytest.fixture
def empty_book() -> None:
    """What earlier tests noted is gone."""
    book.begin()


@pytest.mark.once
def test_the_defaults_are_what_the_readme_says() -> None:
    """Early ack, four messages ahead per process, 180 s between retries, 10 s until a child is lost, 1 h on Redis."""
    plain = Celery("plain", set_as_current=False)
    assert (plain.conf.task_acks_late, plain.conf.worker_prefetch_multiplier) == (False, 4)
    assert (plain.Task.default_retry_delay, plain.conf.worker_lost_wait) == (180, 10)
    assert (Channel.visibility_timeout, plain.conf.worker_soft_shutdown_timeout) == (3600, 0)


def test_what_ends_a_process_and_what_becomes_of_its_task(tmp_path: Path) -> None:
    """A lost process: with early ack, too, the task is retried, if the setting for all tasks says so.

    A hard limit with acks_on_timeout=False: the task has failed, and is run again and again. A memory limit: a process
    that had more once is replaced, though it has given it back.
    """
    with lab(tmp_path, "--max-memory-per-child=250000") as sender:
        receipt = sender.send_task("deliver_early", ["a parcel", 1])
        assert receipt.get(timeout=30, interval=0.05) == "run 2"

        with pytest.raises(TimeLimitExceeded):
            sender.send_task("overtime", ["late"]).get(timeout=30, interval=0.05)
        wait_until(lambda: book.count("late", "begun") == 3, "a third run")

        pids = [sender.send_task("peak", [size]).get(timeout=30, interval=0.05) for size in (0, 250, 0)]
        assert pids[0] == pids[1] != pids[2]


@pytest.mark.servers
def test_a_process_that_is_slow_to_begin_is_replaced_before_it_has_begun(tmp_path: Path) -> None:
    """The first one may take its time; those after it are killed after worker_proc_alive_timeout. Not so with files."""
    limits = "--max-tasks-per-child=1", "--", "worker.proc_alive_timeout=0.5"
    with lab(tmp_path, *limits, SLOW="1") as sender:
        first, second = (sender.send_task("deliver_early", [parcel]) for parcel in ("one", "two"))
        first.get(timeout=30, interval=0.05)
        wait_until(lambda: book.count("process", "begun") >= 4, "a third process in place of the first")
        assert second.state == "PENDING"


@pytest.mark.once
def test_a_rejected_task_is_pending_while_it_kills_one_process_after_the_other() -> None:
    """Who asks for the state of a poisonous task isn't told of its deaths."""
    receipt = deliver_rejecting.delay("poison", deaths=3)
    wait_until(lambda: book.count("poison", "begun") > 1, "a second run")
    assert receipt.state == "PENDING"
    assert receipt.get(timeout=30, interval=0.05) == "run 4"


@pytest.mark.once
def test_only_a_known_key_counts_as_moved_before() -> None:
    """An amount that the database refuses is an error, also for an order whose money was moved."""
    with money.empty_table():
        assert [money.move("order", 30, once=True) for _ in range(2)] == ["moved", "was moved before"]
        for order in "order", "another order":
            with pytest.raises(IntegrityError):
                money.move(order, 0, once=True)
        assert money.moved("order") == 30


REFUSED = """
import importlib.util, sys
from sqlalchemy.exc import IntegrityError
from lesson11 import exercise_bank as bank

spec = importlib.util.spec_from_file_location("exercise", sys.argv[1])
exercise = importlib.util.module_from_spec(spec)
spec.loader.exec_module(exercise)

bank.open_accounts({"ada": 0, "bob": 0})
try:
    try:
        print("said:", exercise.transfer("1", "ada", "bob", 10))
    except IntegrityError:
        print("failed", bank.balances())
    bank.pay_in("ada", 30)
    for _ in range(2):
        print(exercise.transfer("1", "ada", "bob", 10), bank.balances())
finally:
    bank.close()
"""


@pytest.mark.once
@pytest.mark.parametrize("answer", ["solution", "by_settings", "rejected_and_key_last", "catches_its_own_key"])
def test_an_answer_takes_only_its_key_for_done_before(answer: str, tmp_path: Path) -> None:
    """If the bank refuses the payment, the receipt doesn't say that it was made, and a later run can still make it."""
    lesson = catalog.find("11")
    file = solution = lesson.folder / "solution.py"
    if answer != "solution":
        file = tmp_path / "answer.py"
        file.write_text(answers.compose(solution, answers.find([lesson], answer)[1].file))
    command = [sys.executable, "-c", REFUSED, file]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    made = "order 1: 10 from ada to bob {'ada': 20, 'bob': 10}"
    assert said == ["failed {'ada': 0, 'bob': 0}", made, made]


@pytest.mark.once
def test_prefetch_multiplier_1_still_runs_as_many_as_there_are_processes() -> None:
    """Two processes run two tasks at a time; max_tasks_per_child replaces the processes, and not the worker."""
    queue = "lesson11-own"
    with worker(queue, "--concurrency=2", "--prefetch-multiplier=1", "--max-tasks-per-child=1") as parent:
        two_tasks(queue)
        for way in "early", "late":
            book.note(f"{queue}, {way}", "go on")
        children = {which_process.apply_async(queue=queue).get(timeout=20, interval=0.05) for _ in range(3)}
        assert len(children) == 3
        assert parent.poll() is None


@pytest.mark.once
def test_the_lock_dies_with_its_holder() -> None:
    """While it is held a second task leaves; when the holder's worker has been killed, the next one gets it."""
    with worker("lesson11-own", "--concurrency=1") as holder:
        take_stock.apply_async(("shelf", True), queue="lesson11-own")
        wait_until(lambda: book.count("shelf", "begun") == 1, "the first task has the lock")
        assert take_stock.delay("shelf", True).get(timeout=20) == 0
        kill(holder)
    book.note("shelf", "go on")
    # The system needs a moment for a process that was killed: until then it keeps its files open.
    wait_until(lambda: take_stock.delay("shelf", True).get(timeout=20) > 0, "the lock is free")


@pytest.mark.servers
def test_an_advisory_lock_of_postgresql_dies_with_its_holder() -> None:
    """pg_try_advisory_lock says no while another process has it, and yes when that was killed."""
    import psycopg2

    url = POSTGRES_URL.removeprefix("db+").replace("+psycopg2", "")
    holder = f"""
import psycopg2
cursor = psycopg2.connect({url!r}).cursor()
cursor.execute("SELECT pg_try_advisory_lock(1111)")
print(cursor.fetchone()[0], flush=True)
input()
"""
    connection = psycopg2.connect(url)
    connection.autocommit = True

    def free() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(1111)")
            return bool(cursor.fetchone()[0])

    with subprocess.Popen([sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"True\n"
        assert not free()
        process.kill()
    wait_until(free, "the lock is free", 10)
    connection.close()


@pytest.mark.servers
@pytest.mark.parametrize(
    ("pool", "take", "left"),
    [(QueuePool, "lock", True), (NullPool, "lock", False), (QueuePool, "xact_lock", False)],
)
def test_a_pooled_connection_keeps_its_advisory_lock(pool: type[Pool], take: str, left: bool) -> None:
    """Its task has ended, but it isn't closed. NullPool closes it, and xact_lock ends with the transaction."""
    url = POSTGRES_URL.removeprefix("db+")
    engine, other = create_engine(url, poolclass=pool), create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        assert connection.scalar(text(f"SELECT pg_try_advisory_{take}(1112)"))
    with other.connect() as connection:
        assert connection.scalar(text("SELECT pg_try_advisory_lock(1112)")) is not left
    engine.dispose()


@pytest.mark.servers
def test_rabbitmq_confirms_what_it_keeps_only_if_asked() -> None:
    """A full queue refuses a message: delay() succeeds by default, and raises with confirm_publish."""
    full = Queue("lesson11-full", queue_arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    for confirm in False, True:
        sender = Celery("sender", broker=RABBITMQ_URL, set_as_current=False)
        sender.conf.update(task_queues=[full], broker_transport_options={"confirm_publish": confirm})
        with sender.connection_for_write() as connection:
            sender.send_task("anything", queue="lesson11-full", retry=False)
            refused = pytest.raises(OperationalError) if confirm else nullcontext()
            with refused:
                sender.send_task("anything", queue="lesson11-full", retry=False)
            full(connection.default_channel).delete()


@pytest.mark.servers
def test_rabbitmqs_clock_stands_at_half_an_hour() -> None:
    """consumer_timeout, in milliseconds, as a RabbitMQ has it that nobody has told otherwise."""
    if not shutil.which("rabbitmqctl") or os.geteuid() != 0:
        pytest.skip("only root may ask RabbitMQ")
    ask = ["rabbitmqctl", "eval", "application:get_env(rabbit, consumer_timeout)."]
    assert "{ok,1800000}" in subprocess.run(ask, capture_output=True, text=True, check=True).stdout


def test_what_a_killed_driver_has_left_is_thrown_away() -> None:
    """The next worker on that queue would run its messages, and they would be counted."""
    queue = "lesson11-own"
    with app.connection_for_write() as connection:
        app.amqp.queues[queue](connection.default_channel).declare()
    left = deliver.apply_async(("left behind",), queue=queue)
    with worker(queue, "--concurrency=1"):
        deliver.apply_async(("the next one",), queue=queue).get(timeout=30, interval=0.05)
    assert book.count("left behind", "begun") == 0
    assert left.state == "PENDING"


@pytest.mark.once
def test_its_workers_end_with_an_interrupted_driver() -> None:
    """Ctrl-C in the middle of an experiment leaves no worker behind."""
    command = [sys.executable, "-m", "lesson11.call_tasks", "recycle"]
    driver = psutil.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(driver.children(recursive=True)) >= 4, "two workers, with a process each")
        family = driver.children(recursive=True)
        os.killpg(driver.pid, signal.SIGINT)
        driver.wait(timeout=30)
        assert not psutil.wait_procs(family, timeout=10)[1]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(driver.pid, signal.SIGKILL)


@pytest.mark.once
def test_an_unknown_experiment_is_refused_by_name() -> None:
    """One sentence names those that there are."""
    driver = [sys.executable, "-m", "lesson11.call_tasks", "child", "nonsense"]
    ended = subprocess.run(driver, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("There is no experiment nonsense; there are: child, twice, lock, shutdown, recycle")
