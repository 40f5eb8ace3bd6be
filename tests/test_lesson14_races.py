"""Lesson 14's claims about what happens at the same moment, or comes twice: nothing is lost, nothing done twice."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from lesson14 import dispatcher, service, store
from lesson14.model import WrongTransition
from lesson14.settings import ATTEMPTS, LEASE_SECONDS
from tests.island import eventually
from tests.jobs import ended, sql

live = pytest.mark.usefixtures("workers")


@live
def test_of_two_copies_of_a_message_one_finds_nothing_to_do() -> None:
    """Also where both come at the same moment, or later, or after the end."""
    job_id, task_id, *_ = service.create()
    done: list[int] = []
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda _: service.process(job_id, task_id, lambda _, n: done.append(n)), range(4)))
    assert sorted(results) == ["nothing more to do"] + ["nothing to do"] * 3
    assert done == [1, 2, 3]
    assert service.process(job_id, task_id, lambda _, n: done.append(n)) == "nothing to do"


@live
def test_a_message_of_an_earlier_try_finds_nothing_to_do() -> None:
    """After a retry the job answers to its new task's id alone."""
    job_id, task_id, *_ = service.create()
    turn = service.begin(job_id, task_id)
    assert turn
    service.fail(turn, "no")
    again = service.retry(job_id)
    assert service.begin(job_id, task_id) is None
    assert service.begin(job_id, again.task_id)
    service.cancel(job_id)


@live
def test_a_worker_whose_lease_ended_has_lost_its_turn() -> None:
    """Another goes on with the same step; what the first one writes then comes to nothing."""
    job_id, task_id, *_ = service.create()
    slow = service.begin(job_id, task_id)
    assert slow
    assert service.begin(job_id, task_id) is None  # the lease holds
    sql("UPDATE lesson14.jobs SET leased_until = now(), due_at = NULL WHERE id = :id", id=job_id)
    quick = service.begin(job_id, task_id)
    assert quick
    assert quick.step_number == slow.step_number
    assert service.advance(slow) is None
    service.fail(slow, "too late")
    second = service.advance(quick)
    assert second
    assert second.step_number == 2
    assert [step.status for step in service.find(job_id).steps] == ["COMPLETED", "IN_PROGRESS"]
    service.cancel(job_id)


@live
def test_a_working_worker_keeps_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a step takes, it is extended meanwhile; one that was lost isn't."""
    monkeypatch.setattr(service, "LEASE_SECONDS", 0.1)
    job_id, task_id, *_ = service.create()
    turn = service.begin(job_id, task_id)
    assert turn

    def left() -> float:
        command = "SELECT extract(epoch FROM leased_until - clock_timestamp()) FROM lesson14.jobs WHERE id = :id"
        return float(sql(command, id=job_id)[0][0])

    sql("UPDATE lesson14.jobs SET leased_until = now() + interval '1s' WHERE id = :id", id=job_id)
    with service.kept(turn):
        eventually(lambda: left() > LEASE_SECONDS / 2, "the lease isn't extended")
    store.extend_lease(job_id, turn.last_event - 1)
    service.cancel(job_id)
    store.extend_lease(job_id, service.find(job_id).last_event)
    assert sql("SELECT due_at FROM lesson14.jobs WHERE id = :id", id=job_id) == [(None,)]


@live
def test_a_job_that_kills_its_workers_is_given_up() -> None:
    """After so many over one step it has failed, and says why."""
    job_id, task_id, *_ = service.create()
    for _ in range(ATTEMPTS):
        assert service.begin(job_id, task_id)
        sql("UPDATE lesson14.jobs SET leased_until = now(), due_at = NULL WHERE id = :id", id=job_id)
    assert service.begin(job_id, task_id) is None
    job = service.find(job_id)
    assert (job.status, job.steps[0].message) == ("FAILED", "Step 1 failed: 10 workers ended in the middle of it")


@live
def test_dispatchers_are_given_different_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four that ask at once get each due job once; a job is due again later, and each time twice as late."""
    monkeypatch.setattr(dispatcher, "at_work", dispatcher.Event())
    jobs = {service.create().job_id for _ in range(40)}
    due = "UPDATE lesson14.jobs SET due_at = now() - interval '1 day' WHERE id = ANY(:ids)"  # before all others
    with ThreadPoolExecutor(4) as threads:
        for _ in range(3):
            sql(due, ids=list(jobs))
            taken = [one for batch in threads.map(lambda _: store.take_due(10), range(4)) for one in batch]
            mine = [one for one in taken if one.job_id in jobs]
            assert len(mine) == len({one.job_id for one in mine})
    job_id, task_id, *_ = service.create()  # another one, which isn't due yet: the living dispatcher leaves it alone
    jobs.add(job_id)
    for times in 1, 2, 4:
        [(before,)] = sql("SELECT clock_timestamp()")
        store.mark_sent([store.Sending(job_id, task_id, last_event=0)])
        [(due_at, after)] = sql("SELECT due_at, clock_timestamp() FROM lesson14.jobs WHERE id = :id", id=job_id)
        assert before <= due_at - timedelta(seconds=times * LEASE_SECONDS) <= after
    for job_id in jobs:
        with suppress(WrongTransition):  # a living dispatcher may have been quicker
            service.cancel(job_id)


@live
def test_what_nobody_sent_is_found_and_sent(http: httpx.Client) -> None:
    """A row that was committed by a process that died then is a job like any other."""
    job_id = store.add(str(uuid4()))
    sql("UPDATE lesson14.jobs SET due_at = now() WHERE id = :id", id=job_id)
    assert ended(http, f"/jobs/{job_id}")["status"] == "COMPLETED"
