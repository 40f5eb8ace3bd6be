"""Lesson 11's claims, on live workers, and on others that are killed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Thread
from time import monotonic
from urllib.parse import urlsplit

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
from global_config import LESSONS_HOME, POSTGRES_URL, RABBITMQ_URL, REDIS_BROKER_URL
from lesson11 import ledger, tasks_redis
from lesson11.tasks import app, deliver, deliver_late, deliver_rejecting, take_stock, which_process
from lesson11.victims import at_work, help_with, kill, victim, wait_until
from lesson11.whole_workers import end, send, wait_for_begun

pytestmark = pytest.mark.usefixtures("workers", "books")

LAB = """
import os
from time import sleep
from celery import Celery
from celery.signals import worker_process_init
from global_config import LESSONS_HOME, POSTGRES_URL, RABBITMQ_URL
from lesson11 import ledger, tasks
app = Celery("lab", broker=RABBITMQ_URL, backend=POSTGRES_URL, set_as_current=False)
app.config_from_object("global_config")
app.conf.update(task_default_queue="lesson11-lab", control_exchange="lesson11-lab", worker_lost_wait=0.5,
                worker_timer_precision=0.05, task_retry_on_worker_lost=True)
deliver_early = app.task(name="deliver_early", max_retries=1, default_retry_delay=0.1)(tasks.carry)

@app.task(name="overtime", acks_late=True, time_limit=0.5, acks_on_timeout=False)
def overtime(parcel):
    if ledger.note(parcel, "begun") < 3:
        sleep(60)

@app.task(name="peak")
def peak(megabytes):
    held = b"x" * megabytes * 1_000_000
    del held
    return os.getpid()

@worker_process_init.connect
def slow_to_begin(**_):
    if "SLOW" in os.environ:
        ledger.note("process", "begun")
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
def books() -> Iterator[None]:
    """An empty ledger."""
    with ledger.opened():
        yield


@pytest.fixture
def servers(profile: str) -> None:
    """Only real servers can show it."""
    if profile == "embedded":
        pytest.skip("files keep no message for a worker that died")


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
        wait_until(lambda: ledger.count("begun", "late") == 3, "a third run")

        pids = [sender.send_task("peak", [size]).get(timeout=30, interval=0.05) for size in (0, 250, 0)]
        assert pids[0] == pids[1] != pids[2]


@pytest.mark.usefixtures("servers")
def test_a_process_that_is_slow_to_begin_is_replaced_before_it_has_begun(tmp_path: Path) -> None:
    """The first one may take its time; those after it are killed after worker_proc_alive_timeout. Not so with files."""
    limits = "--max-tasks-per-child=1", "--", "worker.proc_alive_timeout=0.5"
    with lab(tmp_path, *limits, SLOW="1") as sender:
        first, second = (sender.send_task("deliver_early", [parcel]) for parcel in ("one", "two"))
        first.get(timeout=30, interval=0.05)
        wait_until(lambda: ledger.count("begun", "process") >= 4, "a third process in place of the first")
        assert second.state == "PENDING"


@pytest.mark.once
def test_a_rejected_task_is_pending_while_it_kills_one_process_after_the_other() -> None:
    """Who asks for the state of a poisonous task isn't told of its deaths."""
    receipt = deliver_rejecting.delay("poison", deaths=3)
    wait_until(lambda: ledger.count("begun", "poison") > 1, "a second run")
    assert receipt.state == "PENDING"
    assert receipt.get(timeout=30, interval=0.05) == "run 4"


@pytest.mark.once
def test_only_a_known_key_counts_as_booked_before() -> None:
    """An amount that the database refuses is an error, also for an order that was booked."""
    assert [ledger.book("order", 30, once=True) for _ in range(2)] == ["booked", "was booked before"]
    for order in "order", "another order":
        with pytest.raises(IntegrityError):
            ledger.book(order, 0, once=True)
    assert ledger.booked("order") == 30


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


def test_early_ack_and_a_cold_shutdown_leave_a_retry_that_never_comes() -> None:
    """The task was cut, its message is gone, and its state is RETRY."""
    with victim(app, "lesson11-victim", "--concurrency=1") as worker:
        (receipt,) = send(deliver, "lesson11-victim", 60, "a parcel")
        wait_for_begun("a parcel")
        wait_until(lambda: at_work(app, "lesson11-victim") == 1, "it has acknowledged")
        worker.send_signal(signal.SIGQUIT)
        wait_until(lambda: receipt.state == "RETRY", "it is said to be retried")
        with help_with(app, "lesson11-victim"):
            end(*send(deliver, "lesson11-victim", 0, "the next one"))
    assert ledger.count("begun", "a parcel") == 1
    assert ledger.count("delivered", "a parcel") == 0


@pytest.mark.once
def test_a_soft_shutdown_waits_its_whole_time() -> None:
    """All of the 2 s, although the task ends at once; cold shutdown comes only then."""
    softly = "--", "worker.soft_shutdown_timeout=2"
    with victim(app, "lesson11-victim", "--concurrency=1", *softly, REMAP_SIGTERM="SIGQUIT") as worker:
        (receipt,) = send(deliver_late, "lesson11-victim", 60, "a parcel")
        wait_for_begun("a parcel")
        worker.send_signal(signal.SIGTERM)
        since = monotonic()
        ledger.note("a parcel", "go on")
        end(receipt)
        log = Path(LESSONS_HOME, "lesson11-victim.log")
        wait_until(lambda: "Cold shutdown" in log.read_text(), "the cold shutdown", 20)
        assert monotonic() - since > 1.9
    assert ledger.count("begun", "a parcel") == 1


@pytest.mark.once
def test_prefetch_multiplier_1_still_runs_as_many_as_there_are_processes() -> None:
    """Two processes, two tasks at a time; and max_tasks_per_child replaces them under the same parent."""
    with victim(app, "lesson11-victim", "--concurrency=2", "--prefetch-multiplier=1", "--max-tasks-per-child=1"):
        receipts = send(deliver, "lesson11-victim", 60, "one", "two")
        wait_for_begun("one", "two")
        for parcel in "one", "two":
            ledger.note(parcel, "go on")
        end(*receipts)
        ran = [which_process.apply_async(queue="lesson11-victim").get(timeout=20, interval=0.05) for _ in range(3)]
    children, parents = zip(*ran, strict=True)
    assert len(set(children)) == 3
    assert len(set(parents)) == 1


@pytest.mark.once
def test_the_lock_dies_with_its_holder() -> None:
    """While it is held a second task leaves; when the holder's worker has been killed, the next one gets it."""
    with victim(app, "lesson11-victim", "--concurrency=1") as worker:
        take_stock.apply_async(("shelf", True), queue="lesson11-victim")
        wait_for_begun("shelf")
        assert take_stock.delay("shelf", True).get(timeout=20) == 0
        kill(worker)
    ledger.note("shelf", "go on")
    assert take_stock.delay("shelf", True).get(timeout=20) > 0


@pytest.mark.usefixtures("servers")
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


@pytest.mark.usefixtures("servers")
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


@pytest.mark.usefixtures("servers")
def test_on_redis_a_wait_longer_than_the_visibility_timeout_runs_the_task_more_than_once() -> None:
    """A countdown is waited for in the worker, unacknowledged; the list of such messages has the app's own prefix."""
    from redis import Redis

    receipt = tasks_redis.deliver_late.apply_async(("a parcel",), countdown=5)
    with Redis.from_url(REDIS_BROKER_URL) as client:
        wait_until(lambda: bool(client.exists("lesson11.unacked")), "the message is noted as unacknowledged", 10)
    end(receipt)
    wait_until(lambda: ledger.count("delivered", "a parcel") > 1, "a second delivery", 10)


@pytest.mark.usefixtures("servers")
def test_on_redis_messages_taken_ahead_run_more_than_once_with_early_ack() -> None:
    """They wait behind a slow task for longer than the visibility timeout; the slow task itself was acknowledged."""
    queue, parcels = "lesson11-redis-victim", [*"abc"]
    with victim(tasks_redis.app, queue, "--concurrency=1"):
        slow = send(tasks_redis.deliver, queue, 60, "slow")
        wait_for_begun("slow")
        send(tasks_redis.deliver, queue, 0, *parcels)
        with tasks_redis.app.connection_for_write() as connection:
            client = connection.default_channel.client
            wait_until(lambda: client.llen(queue) == 0, "all three are taken ahead", 30)
            wait_until(lambda: client.llen(queue) > 0, "one is handed out again", 30)
        ledger.note("slow", "go on")
        end(*slow)
        wait_until(lambda: ledger.count("delivered", *parcels) > len(parcels), "a second delivery", 30)
    assert ledger.count("delivered", "slow") == 1


@pytest.mark.usefixtures("servers")
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


@pytest.mark.usefixtures("servers")
def test_rabbitmqs_clock_stands_at_half_an_hour() -> None:
    """consumer_timeout, in milliseconds, as a RabbitMQ has it that nobody has told otherwise."""
    if not shutil.which("rabbitmqctl") or os.geteuid() != 0:
        pytest.skip("only root may ask RabbitMQ")
    ask = ["rabbitmqctl", "eval", "application:get_env(rabbit, consumer_timeout)."]
    assert "{ok,1800000}" in subprocess.run(ask, capture_output=True, text=True, check=True).stdout


def test_what_a_killed_driver_has_left_is_thrown_away() -> None:
    """Messages on a victim's queue would be run by the next victim, and counted."""
    with app.connection_for_write() as connection:
        app.amqp.queues["lesson11-victim"](connection.default_channel).declare()
    left = send(deliver, "lesson11-victim", 0, "left behind")
    with victim(app, "lesson11-victim", "--concurrency=1"):
        end(*send(deliver, "lesson11-victim", 0, "the next one"))
    assert ledger.count("delivered", "the next one") == 1
    assert ledger.count("delivered", "left behind") == 0
    assert left[0].state == "PENDING"


@pytest.mark.usefixtures("servers")
def test_on_redis_disable_prefetch_takes_nothing_ahead() -> None:
    """With early ack, and the default multiplier: all five short tasks are run by the worker that is free."""
    queue = "lesson11-redis-victim"
    with victim(tasks_redis.app, queue, "--concurrency=1", "--disable-prefetch"):
        slow = send(tasks_redis.deliver, queue, 60, "slow")
        wait_for_begun("slow")
        short = send(tasks_redis.deliver, queue, 0, *"abcde")
        with help_with(tasks_redis.app, queue):
            end(*short)
            assert ledger.count("delivered", "slow") == 0
            ledger.note("slow", "go on")
            end(*slow)


@contextmanager
def wire(url: str) -> Iterator[tuple[int, Callable[[], None]]]:
    """A port that leads to the server of `url`, and a function that cuts all connections that go through it."""
    parts = urlsplit(url)
    pairs: list[socket.socket] = []

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        hang_up(source, target)

    def hang_up(*ends: socket.socket) -> None:
        for one in ends:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                server = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 5672))
                pairs.extend((caller, server))
                for ends in (caller, server), (server, caller):
                    Thread(target=pump, args=ends, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], lambda: hang_up(*pairs)
        hang_up(*pairs, listener)


@pytest.mark.usefixtures("servers")
def test_a_lost_connection_makes_two_runs_of_which_the_setting_of_6_cancels_the_first() -> None:
    """RabbitMQ gives the message out again; without the setting the first run goes on, and both deliver."""
    cancelling = "--", "worker.cancel_long_running_tasks_on_connection_loss=true"
    with wire(RABBITMQ_URL) as (port, cut), ExitStack() as stack:
        parts = urlsplit(RABBITMQ_URL)
        through = parts._replace(netloc=parts.netloc.rpartition("@")[0] + f"@127.0.0.1:{port}").geturl()
        queues = {"lesson11-goes-on": (), "lesson11-cancels": cancelling}
        for queue, options in queues.items():
            stack.enter_context(victim(app, queue, "--concurrency=2", *options, RABBITMQ_URL=through))
            send(deliver_late, queue, 60, queue)
        wait_for_begun(*queues)
        cut()
        wait_until(lambda: all(ledger.count("begun", queue) == 2 for queue in queues), "each is begun again")
        for queue in queues:
            wait_until(lambda queue=queue: ledger.count("delivered", queue) == 1, "the second run delivers")  # type: ignore[misc]
            ledger.note(queue, "go on")
        wait_until(lambda: ledger.count("delivered", "lesson11-goes-on") == 2, "the first run delivers too")
        assert ledger.count("delivered", "lesson11-cancels") == 1


@pytest.mark.once
def test_victims_end_with_an_interrupted_driver() -> None:
    """Ctrl-C in the middle of an experiment leaves no worker behind."""
    command = [sys.executable, "-m", "lesson11.call_tasks", "shutdown"]
    driver = psutil.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(driver.children(recursive=True)) >= 9, "three victims, with two processes each")
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
    assert ended.stderr.startswith("There is no experiment nonsense; there are: child, poison, twice, lock, machine")
