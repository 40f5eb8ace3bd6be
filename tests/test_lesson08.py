"""Lesson 08's claims, on live workers."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from types import ModuleType

import pytest
from celery import Celery, Signature, chain, group, uuid
from celery.backends.redis import RedisBackend
from celery.concurrency import get_implementation
from celery.exceptions import NotRegistered, TaskRevokedError
from celery.result import AsyncResult
from celery.utils.serialization import UnpickleableExceptionWrapper
from celery.worker import state as worker_state

from classroom.processes import running
from classroom.recorder import recording
from lesson08 import tasks, tasks_postgres
from lesson08.errors import OutOfPaper
from lesson08.progress import watch
from lesson08.tasks import FAILURES, app, deliver, mark_failed, note_failure, print_pages, print_photo

pytestmark = pytest.mark.usefixtures("workers")
either_backend = pytest.mark.parametrize("shop", [tasks, tasks_postgres], ids=["redis", "postgres"])
on_redis = isinstance(app.backend, RedisBackend)  # on the embedded profile, SQLite stands in
UNREADABLE = "Exception information must include the exception type"


@pytest.fixture
def failures() -> Iterator[Path]:
    """The book that note_failure writes, empty."""
    FAILURES.unlink(missing_ok=True)
    yield FAILURES
    FAILURES.unlink(missing_ok=True)


def until(holds: object, what: str) -> None:
    """Wait until a function returns something true."""
    deadline = monotonic() + 30
    while not holds():  # type: ignore[operator]
        assert monotonic() < deadline, f"never: {what}"
        sleep(0.02)


def wait_for_the_worker(shop: ModuleType = tasks) -> None:
    """Return when all that was sent before has ended: there is one process."""
    fence = shop.print_pages.delay(0)
    until(lambda: fence.state == "SUCCESS", "the tasks before the fence have ended")


def test_progress_is_seen_and_the_result_takes_its_place() -> None:
    """current goes from 1 upwards, total and message come with it; at the end there is the result alone."""
    looks = watch(print_pages.delay(4))
    told = [look["result"] for look in looks if look["status"] == "PROGRESS"]
    assert told == sorted(told, key=lambda meta: meta["current"])
    assert all(meta["total"] == 4 and meta["message"] == f"page {meta['current']} of 4" for meta in told)
    assert (looks[-1]["status"], looks[-1]["result"]) == ("SUCCESS", "4 pages")


def test_started_knows_who_runs_it() -> None:
    """With task_track_started the info of a task that runs is its worker's host name and the process."""
    receipt = print_pages.delay(3)
    (*_, look) = watch(receipt, until="STARTED")
    assert set(look["result"]) == {"hostname", "pid"}
    assert look["result"]["hostname"].startswith("worker@")
    receipt.get(timeout=10)


def test_tracking_is_off_unless_asked_for() -> None:
    """A running task without it is PENDING until its first progress."""
    assert not Celery("other", set_as_current=False).conf.task_track_started
    looks = watch(tasks_postgres.print_pages.delay(1))
    assert "STARTED" not in {look["status"] for look in looks}


@either_backend
def test_a_failure_set_by_hand(shop: ModuleType) -> None:
    """On Redis nobody can read it, whatever comes then; a database overwrites it, unless Ignore leaves it."""
    receipts = [shop.mark_failed.delay(then) for then in ("raise", "return", "raise Ignore")]
    wait_for_the_worker(shop)
    unreadable = receipts if isinstance(shop.app.backend, RedisBackend) else receipts[2:]
    for receipt in unreadable:
        for _ in range(2):
            with pytest.raises(ValueError, match=UNREADABLE):
                _ = AsyncResult(receipt.id, app=shop.app).state
        receipt.forget()
        assert receipt.state == "PENDING"
    if len(unreadable) == 1:
        assert isinstance(receipts[0].result, OSError)
        assert "error" not in str(receipts[0].result)
        assert (receipts[1].state, receipts[1].result) == ("SUCCESS", "all printed")
    if shop is tasks and on_redis:
        swallow(3)


def swallow(times: int) -> None:
    """What lies unread on the connection to Redis raises once for each poisoned result."""
    neighbour = print_pages.delay(3)
    for _ in range(times):
        with pytest.raises(ValueError, match=UNREADABLE):
            neighbour.get(timeout=10)
    assert neighbour.get(timeout=10) == "3 pages"


@pytest.mark.skipif(not on_redis, reason="Redis isn't there: SQLite stands in for it")
def test_on_redis_it_poisons_another_ones_get() -> None:
    """get() of a task with which all is well raises the neighbour's error, once."""
    receipt = mark_failed.delay("raise")
    wait_for_the_worker()
    swallow(1)
    receipt.forget()


def test_on_redis_its_error_callback_is_not_called(failures: Path) -> None:
    """Storing the real failure fails there before callbacks are called; a database gets that far."""
    receipt = mark_failed.apply_async(args=("raise",), link_error=note_failure.s())
    wait_for_the_worker()
    assert failures.exists() is not on_redis
    if on_redis:
        swallow(1)
    receipt.forget()


def test_no_event_says_that_an_ignored_run_has_ended() -> None:
    """After raise Ignore there is neither task-succeeded nor task-failed."""
    with recording(app, patience=0.5) as events:
        receipt = mark_failed.delay("raise Ignore")
        wait_for_the_worker()
    assert [event["type"] for event in events].count("task-succeeded") == 1  # the fence's, which is later
    mine = [event["type"] for event in events if event["uuid"] == receipt.id]
    assert sorted(mine) == ["task-received", "task-sent", "task-started"]
    if on_redis:
        swallow(1)
    receipt.forget()


def test_exceptions_travel_as_their_args() -> None:
    """All that __init__ takes must be in args; otherwise a wrapper comes, and the class isn't caught."""
    error = print_pages.delay(3, paper=1).get(timeout=10, propagate=False)
    assert (type(error), error.tray, error.missing) == (OutOfPaper, "A4", 2)
    wrapper = print_photo.delay().get(timeout=10, propagate=False)
    assert type(wrapper) is UnpickleableExceptionWrapper
    assert str(wrapper) == "OutOfInk('5 ml of red')"


@pytest.mark.once
def test_a_class_that_the_caller_has_not_imported_is_another_one() -> None:
    """It only has the name."""
    stored = {"exc_type": "OutOfPaper", "exc_module": "not_imported", "exc_message": ["A4", 2]}
    error = app.backend.exception_to_python(stored)
    assert type(error).__name__ == "OutOfPaper"
    assert not isinstance(error, OutOfPaper)


def test_an_error_callback_of_three_is_called_on_the_spot(failures: Path) -> None:
    """It knows the failed task and the exception, and no message is sent for it."""
    with recording(app) as events:
        print_photo.apply_async(link_error=note_failure.s()).get(timeout=10, propagate=False)
        until(failures.exists, "the error callback was called")
    assert failures.read_text() == "lesson08.tasks.print_photo: UnpickleableExceptionWrapper\n"
    assert {event["name"] for event in events if event["type"] == "task-sent"} == {print_photo.name}


def test_after_a_hard_limit_it_is_called_in_the_main_process(workers: dict[str, Path]) -> None:
    """One argument too many, so that the log names the process where it failed: twice after a hard limit."""
    callback = note_failure.s("one too many")

    def called_in() -> list[str]:
        return re.findall(r"ERROR/(\w+?)(?:-\d+)?\] Errback", workers["worker"].read_text())

    before = len(called_in())
    print_photo.apply_async(link_error=callback).get(timeout=10, propagate=False)
    wait_for_the_worker()
    # Its result isn't waited for: until its process is killed, the task may replace FAILURE by its next PROGRESS.
    print_pages.apply_async(args=(80,), time_limit=1, link_error=callback)
    until(lambda: len(called_in()) == before + 3, "three calls")
    assert called_in()[before:] == ["ForkPoolWorker", "MainProcess", "MainProcess"]


def test_after_a_hard_limit_it_is_sent_twice() -> None:
    """One parameter makes no difference."""
    with recording(app) as events:
        print_pages.apply_async(args=(80,), time_limit=1, link_error=deliver.s())
        wait_for_the_worker()
    assert [event["name"] for event in events if event["type"] == "task-sent"].count(deliver.name) == 2


def test_a_task_that_no_worker_knows_calls_none(failures: Path) -> None:
    """It fails; its callback isn't called, and the next link of its chain is PENDING after its worker has gone on."""
    unknown = Signature("unknown", app=app, options={"queue": "lesson08"})
    link = chain(unknown, deliver.s()).on_error(note_failure.s()).apply_async()
    with pytest.raises(NotRegistered):
        link.parent.get(timeout=10)
    wait_for_the_worker()
    assert link.state == "PENDING"
    assert not failures.exists()


@pytest.mark.parametrize("callback", [deliver.s(), print_pages.s()], ids=["of one", "bound"])
def test_an_error_callback_of_one_is_sent_with_the_id(callback: Signature) -> None:
    """It is a task of its own, and looks up by itself what lies under that id."""
    with recording(app) as events:
        failed = print_photo.apply_async(link_error=callback)
        failed.get(timeout=10, propagate=False)
        wait_for_the_worker()
    sent = [event["args"] for event in events if event["type"] == "task-sent" and event["name"] == callback.task]
    assert f"('{failed.id}',)" in sent


def test_a_chain_calls_it_for_the_link_that_fails_and_a_group_for_each(failures: Path) -> None:
    """Once, with the failing link as its request; a group of two failing tasks: twice."""
    chain(deliver.s("a book"), print_photo.si(), deliver.s()).on_error(note_failure.s()).delay()
    two = group(print_pages.s(2, 1), print_pages.s(2, 1))
    two.link_error(note_failure.s())
    two.delay()
    until(lambda: failures.exists() and len(failures.read_text().splitlines()) == 3, "three calls")
    wait_for_the_worker()
    called = sorted(line.partition(":")[0] for line in failures.read_text().splitlines())
    assert called == [print_pages.name, print_pages.name, print_photo.name]


def test_a_revoked_task_has_not_failed(failures: Path) -> None:
    """It is ready, its exception is TaskRevokedError, and its error callback isn't called."""
    receipt = print_pages.apply_async(args=(80,), link_error=note_failure.s())
    watch(receipt, until="PROGRESS")
    receipt.revoke(terminate=True)
    with pytest.raises(TaskRevokedError, match="terminated"):
        receipt.get(timeout=10)
    assert (receipt.ready(), receipt.failed(), receipt.successful()) == (True, False, False)
    wait_for_the_worker()
    assert not failures.exists()


@pytest.mark.parametrize("asks", [False, True], ids=["without-mingle", "mingle"])
def test_a_worker_that_starts_later_knows_what_others_tell_it(asks: bool, profile: str, tmp_path: Path) -> None:
    """REVOKED at once, but the message waits; a worker that couldn't ask the others runs it. On files it can't."""
    if asks and profile == "embedded":
        pytest.skip("on files, workers don't ask each other")
    receipt = print_pages.apply_async(args=(1,), queue="lesson08-later")
    receipt.revoke()
    until(lambda: receipt.state == "REVOKED", "the worker that is there has marked it")
    command = "celery -A lesson08.tasks worker --queues=lesson08-later --hostname=later@%h --concurrency=1"
    command += " --loglevel=info" + ("" if asks else " --without-mingle")
    with running({"worker": command}, tmp_path) as logs:
        task = (
            f"print_pages[{receipt.id}]"  # Redis may also hand out what an earlier test's worker had when it was killed
        )
        words = f"Discarding revoked task: lesson08.tasks.{task}" if asks else f"{task} succeeded in "
        until(lambda: words in logs["worker"].read_text(), words)
    assert AsyncResult(receipt.id, app=app).state == ("REVOKED" if asks else "SUCCESS")


@pytest.mark.once
@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_only_some_pools_can_end_a_task(pool: str) -> None:
    """What terminate=True asks for isn't implemented by threads and solo."""
    with pytest.raises(NotImplementedError):
        get_implementation(pool)(1).terminate_job(1)


@pytest.mark.once
def test_who_remembers_forgets_after_three_hours() -> None:
    """Celery's own figures, unless the environment says otherwise: so long, and so many."""
    assert (worker_state.revoked.expires, worker_state.revoked.maxlen) == (3 * 60 * 60, 50_000)


@pytest.mark.once
def test_a_state_file_remembers_revoked_ids(tmp_path: Path) -> None:
    """That is what --statedb is for."""
    one = uuid()
    kept = worker_state.Persistent(worker_state, str(tmp_path / "state"))
    worker_state.revoked.add(one)
    kept.save()
    worker_state.revoked.clear()
    worker_state.Persistent(worker_state, str(tmp_path / "state"))
    assert one in worker_state.revoked
    worker_state.revoked.clear()


def test_an_ignored_task_still_stores_its_own_states() -> None:
    """get() is None at once; under its id lies the last progress, for ever."""
    ignored = print_pages.apply_async(args=(1,), ignore_result=True)
    assert ignored.get(timeout=10) is None
    wait_for_the_worker()
    assert AsyncResult(ignored.id, app=app).state == "PROGRESS"


@pytest.mark.once
def test_the_task_goes_before_the_setting_and_the_call_before_both() -> None:
    """task_ignore_result holds for tasks that don't say otherwise, and not for send_task()."""
    other = Celery("other", broker="memory://", backend="cache+memory://", set_as_current=False)
    other.conf.task_ignore_result = True

    @other.task
    def silent() -> None: ...

    @other.task(ignore_result=False)
    def kept() -> None: ...

    assert [task.delay().ignored for task in (silent, kept)] == [True, False]
    assert [task.apply_async(ignore_result=no).ignored for task, no in ((silent, False), (kept, True))] == [False, True]
    assert not other.send_task(silent.name).ignored
    assert other.send_task(silent.name, ignore_result=True).ignored


def test_results_are_kept_for_a_day() -> None:
    """Redis deletes them by itself; a database leaves that to a task that beat sends."""
    assert app.conf.result_expires == timedelta(days=1)
    assert app.backend.supports_autoexpire is on_redis
    assert not tasks_postgres.app.backend.supports_autoexpire
    assert "celery.backend_cleanup" in app.tasks
    receipt = deliver.delay("a book")
    receipt.get(timeout=10)
    if on_redis:
        assert 86_000 < app.backend.client.ttl(app.backend.get_key_for_task(receipt.id)) <= 86_400
    receipt.forget()
    assert receipt.state == "PENDING"


@pytest.mark.once
def test_the_driver_runs_one_part_alone() -> None:
    """An unknown part is refused with the names of those there are."""
    command = [sys.executable, "-m", "lesson08.call_tasks"]
    refused = subprocess.run([*command, "nonsense"], capture_output=True, text=True)
    assert refused.returncode
    assert "poison" in refused.stderr
