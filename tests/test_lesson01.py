"""Lesson 01's claims, on a live worker."""

import os
from pathlib import Path
from time import monotonic, sleep

import pytest
from celery import Celery, uuid
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from celery.result import AsyncResult

from classroom.processes import running
from lesson01.tasks import app, export, export_and_tidy, export_carelessly, look

pytestmark = pytest.mark.usefixtures("workers")


def wait_for(text: str, log: Path, times: int = 1) -> None:
    """Return once `text` is in `log` that many times."""
    deadline = monotonic() + 30
    while (found := log.read_text().count(text)) < times:
        assert monotonic() < deadline, f"{text!r} is in {log} {found} times, not {times}"
        sleep(0.02)


def test_a_soft_limit_lets_the_task_clean_up() -> None:
    """SoftTimeLimitExceeded is raised inside the task, which removes its draft; the process goes on."""
    before = look.delay().get(timeout=10)
    receipt = export.delay(5)
    assert isinstance(receipt.get(timeout=10, propagate=False), SoftTimeLimitExceeded)
    assert receipt.state == "FAILURE"
    assert "sleep(seconds)" in receipt.traceback
    assert look.delay().get(timeout=10) == {"draft": False, "process": before["process"]}


def test_a_hard_limit_ends_the_process_and_the_next_task_runs_in_a_new_one() -> None:
    """Nothing is cleaned up, not even by a `finally` that takes a moment, and there is no traceback."""
    before = look.delay().get(timeout=10)
    receipt = export_and_tidy.apply_async(args=(5,), time_limit=0.5)
    assert repr(receipt.get(timeout=10, propagate=False)) == "TimeLimitExceeded(0.5)"
    assert receipt.state == "FAILURE"
    assert receipt.traceback is None
    after = look.delay().get(timeout=10)
    assert after["draft"]
    assert after["process"] != before["process"]


def test_limits_at_the_call_go_before_those_of_the_task() -> None:
    """The task's own soft limit of 0.5 seconds would have ended it."""
    receipt = export.apply_async(args=(1.8,), soft_time_limit=60, time_limit=90)
    assert receipt.get(timeout=10) == "exported"


def test_a_hard_limit_at_the_call_below_the_soft_one(profile: str, workers: dict[str, Path]) -> None:
    """Files end the task in time; RabbitMQ's worker watches the hard limit only after the soft one has expired."""
    receipt = export_carelessly.apply_async(args=(12,), soft_time_limit=3, time_limit=0.3)
    with pytest.raises(TimeLimitExceeded):
        receipt.get(timeout=30)
    limits = [f"Soft time limit (3s) exceeded for lesson01.tasks.export_carelessly[{receipt.id}]"]
    limits.append(f"Hard time limit (0.3s) exceeded for lesson01.tasks.export_carelessly[{receipt.id}]")
    wait_for(limits[1], workers["worker"])
    assert (limits[0] in workers["worker"].read_text()) is (profile == "services")


def test_except_exception_swallows_the_soft_limit() -> None:
    """The limit is taken for one bad page, and the task ends in SUCCESS."""
    receipt = export_carelessly.apply_async(args=(5,), soft_time_limit=0.5)
    assert receipt.get(timeout=10) == "5 pages, 1 skipped"


def test_a_hard_limit_ends_what_swallowed_the_soft_one(workers: dict[str, Path]) -> None:
    """And its error callback runs: twice, in Celery 5.7.0."""
    callback = look.si().set(task_id=uuid())
    receipt = export_carelessly.apply_async(args=(50,), soft_time_limit=0.5, time_limit=2, link_error=callback)
    with pytest.raises(TimeLimitExceeded):
        receipt.get(timeout=10)
    assert "process" in AsyncResult(callback.id, app=app).get(timeout=10)
    wait_for(f"look[{callback.id}] succeeded", workers["worker"], times=2)  # the lesson's README says so


def test_other_pools_ignore_both_limits() -> None:
    """In a thread, or in the worker's own process, the task runs to its end."""
    queues = {pool: f"lesson01-{pool}" for pool in ("threads", "solo")}
    commands = {
        f"worker-{pool}": f"celery -A lesson01.tasks worker --pool={pool} --queues={queue} --hostname={pool}@%h -l INFO"
        for pool, queue in queues.items()
    }
    try:
        with running(commands, Path(os.environ["LESSONS_HOME"], "logs", "other-pools")):
            receipts = [
                export_carelessly.apply_async(args=(4,), soft_time_limit=0.2, time_limit=0.3, queue=queue)
                for queue in queues.values()
            ]
            assert [receipt.get(timeout=10) for receipt in receipts] == ["4 pages, 0 skipped"] * 2
    finally:
        with app.connection_for_write() as connection:
            for queue in queues.values():
                connection.default_channel.queue_delete(queue)


@pytest.mark.once
def test_a_soft_limit_above_the_hard_one_is_refused() -> None:
    """Where both stand at the task, sending it raises ValueError."""
    other = Celery("other", broker="memory://", set_as_current=False)

    @other.task(soft_time_limit=2, time_limit=1)
    def upside_down() -> None: ...

    with pytest.raises(ValueError, match="soft_time_limit"):
        upside_down.delay()
