"""Lesson 13's claims about results: each id leads to what became of the work."""

from uuid import uuid4

import httpx
from celery import chain
from redis import Redis

from global_config import REDIS_URL
from lesson13 import service, store
from lesson13.names import TaskNames
from tests.island import eventually
from tests.results import outcome


def test_both_ways_to_add_give_an_id_and_an_address(http: httpx.Client) -> None:
    """202 with Location, and the sum under it."""
    for accepted in http.post("/add", json={"x": 2, "y": 5}), http.get("/add/2/5"):
        told = accepted.json()
        assert accepted.headers["location"] == told["result_url"] == f"/result/{told['task_id']}"
        wanted = {"task_id": told["task_id"], "state": "SUCCESS", "result": 7, "error": None, "progress": None}
        assert outcome(http, accepted).items() >= wanted.items()


def test_a_task_tells_what_it_knows_about_its_call(http: httpx.Client) -> None:
    """The fields that the seed lists; alone, a task is its own root."""
    accepted = http.post("/test-request-info")
    told = outcome(http, accepted)["result"]
    assert list(told) == ["task_id", "task_name", "retries", "args", "kwargs", "group", "root_id", "parent_id"]
    assert told["task_id"] == told["root_id"] == accepted.json()["task_id"]
    assert (told["task_name"], told["retries"], told["group"], told["parent_id"]) == ("requests.info", 0, None, None)
    assert store.results.get_task_meta(told["task_id"])["kwargs"] == {
        "sent_by": "the API"
    }  # result_extended keeps them


def test_a_group_comes_back_by_its_one_id(http: httpx.Client) -> None:
    """The squares in order, and each member's state."""
    told = outcome(http, http.post("/group", json={"numbers": list(range(10))}))
    assert told["result"] == [number**2 for number in range(10)]
    assert {member["state"] for member in told["members"]} == {"SUCCESS"}
    assert told["progress"] == {"current": 10, "total": 10}


def test_a_chord_that_fails_in_its_header_fails_under_its_id(http: httpx.Client) -> None:
    """Nobody waits for ever."""
    told = outcome(http, http.post("/chord", json={"numbers": [1, 1e10]}))
    assert told["state"] == "FAILURE"
    assert "OverflowError" in told["error"]


def test_no_result_is_too_large_for_json(http: httpx.Client) -> None:
    """A chain that would end in Infinity fails instead."""
    told = outcome(http, http.post("/chain", json={"start": 1e15, "steps": [["multiply", 1e15]] * 100}))
    assert (told["state"], told["error"]) == ("FAILURE", "OverflowError: the result is beyond 1e+15")


def test_running_is_told_from_waiting(http: httpx.Client) -> None:
    """Between PENDING and the first PROGRESS, a document is STARTED."""

    def was_started() -> bool:
        """A document is STARTED for a tenth of a second, which a busy machine may let pass."""
        seen: set[str] = set()
        url = http.post("/documents/count", json={"name": "walden.txt"}).json()["result_url"]
        while (state := http.get(url).json()["state"]) not in ("PROGRESS", "SUCCESS"):
            seen.add(state)
        return "STARTED" in seen

    eventually(was_started, "no document is STARTED")


def test_a_chain_with_a_link_that_no_worker_knows_stays_pending(http: httpx.Client) -> None:
    """The link has failed, and no worker tells the last one; a link that raises does (see the README's transcript)."""
    unknown = str(uuid4())
    links = [service.call(TaskNames.ADD, 1, 2), service.client.signature("nowhere.known", task_id=unknown)]
    last = service.send(chain([*links, service.call(TaskNames.ADD, 3)]))
    eventually(lambda: store.results.get_task_meta(unknown)["status"] == "FAILURE", "the link doesn't fail")
    assert http.get(f"/result/{last}", params={"wait": 0.5}).json()["state"] == "PENDING"


def test_what_was_issued_expires_like_a_result(http: httpx.Client, profile: str) -> None:
    """On Redis the record has Celery's result_expires, a day, to live."""
    task_id = http.post("/group", json={"numbers": [1]}).json()["task_id"]
    if profile == "services":
        assert 86000 < Redis.from_url(REDIS_URL).ttl(f"celery-task-meta-{task_id}") <= 86400
    assert service.client.conf.result_expires.days == 1
