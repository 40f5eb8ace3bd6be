"""Lesson 14's claims about events: each is heard once, in order, and when it happens."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from lesson14 import service
from lesson14.client import events
from tests.island import eventually
from tests.jobs import created, sql

live = pytest.mark.usefixtures("workers")


@live
def test_events_come_in_order_and_can_be_resumed(http: httpx.Client) -> None:
    """Numbers without gaps from 0 to the last; after any of them the rest; after the last one 204, which ends it."""
    job = created(http)
    told = list(events(f"{job}/events"))
    assert [event["number"] for event in told] == list(range(8))
    assert told[0]["status"] == "PENDING"
    assert [event["status"] for event in told[1:]] == ["IN_PROGRESS"] * 6 + ["COMPLETED"]
    changes = [(event["step_number"], event["step_status"]) for event in told[1:-1]]
    assert changes == [(n, status) for n in (1, 2, 3) for status in ("IN_PROGRESS", "COMPLETED")]
    for number in range(7):
        assert list(events(f"{job}/events", after=number)) == told[number + 1 :]
    assert http.get(f"{job}/events", headers={"Last-Event-ID": "7"}).status_code == 204


@live
def test_a_number_that_the_job_has_not_reached_gives_all_of_its_events(http: httpx.Client) -> None:
    """It can't be from this job: nothing is waited for in silence, and nothing is left out, also after the end."""
    job = created(http)
    assert [event["number"] for event in events(f"{job}/events", after=1000)] == list(range(8))
    assert [event["number"] for event in events(f"{job}/events", after=1000)] == list(range(8))


@live
def test_events_are_told_when_they_happen(http: httpx.Client) -> None:
    """Each is here before what comes next has happened."""
    job_id, task_id, *_ = service.create()
    told = events(f"/jobs/{job_id}/events")
    assert next(told)["status"] == "PENDING"
    turn = service.begin(job_id, task_id)
    while turn:  # this test is the worker: it goes on once it has heard what it did
        while next(told)["number"] < turn.last_event:
            pass
        assert http.get(f"/jobs/{job_id}").json()["status"] == "IN_PROGRESS"
        turn = service.advance(turn)
    assert [event["status"] for event in told] == ["IN_PROGRESS", "COMPLETED"]  # of the last step, and of the job


@live
def test_many_listeners_hear_all_also_when_the_line_to_postgresql_is_cut(http: httpx.Client) -> None:
    """What is committed meanwhile is read afterwards: nobody misses an event or hears one twice."""
    job_id, task_id, *_ = service.create()
    turn = service.begin(job_id, task_id)
    heard: list[list[int]] = [[] for _ in range(10)]
    cut = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE query LIKE 'LISTEN lesson14%'"

    def listen(numbers: list[int]) -> None:
        numbers.extend(event["number"] for event in events(f"/jobs/{job_id}/events"))

    with ThreadPoolExecutor(10) as threads:
        listeners = [threads.submit(listen, numbers) for numbers in heard]
        for cuts in (True, False, True):  # the last event of all is committed while nobody can hear it
            assert turn
            so_far = list(range(turn.last_event + 1))
            if cuts:
                eventually(lambda: heard == [so_far] * 10, "not all of them listen")  # noqa: B023
                eventually(lambda: sql(cut), "the API doesn't listen")
            turn = service.advance(turn)
        for listener in listeners:
            listener.result(timeout=60)
    assert heard == [list(range(8))] * 10
