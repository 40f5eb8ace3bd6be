"""Lesson 14's claims: the pipeline on a real PostgreSQL, and while each of its parts is killed."""

import ast
import asyncio
import json
import os
import random
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from threading import Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url, text

from classroom import catalog, readme
from classroom.processes import running
from global_config import APP_DATABASE_URL
from lesson14 import dispatcher, gate, service, store
from lesson14.client import events
from lesson14.database import ANSWER, engine
from lesson14.model import JOB_MOVES, SCHEMA, Base, Job, JobStatus, WrongTransition
from lesson14.names import TaskNames
from lesson14.settings import ATTEMPTS, LEASE_SECONDS
from tests import island as islands
from tests.island import Island, client, eventually, free_port

LESSON = catalog.find("14")
THREE_DONE = [(n, "COMPLETED", f"Step {n} completed successfully") for n in (1, 2, 3)]
live = pytest.mark.usefixtures("workers")
once = pytest.mark.once


@pytest.fixture(scope="module")
def http(workers: dict[str, Path]) -> Iterator[httpx.Client]:
    """The lesson's API, with its worker."""
    with client(os.environ["API_PORT"]) as http:
        yield http


def created(http: httpx.Client) -> str:
    """The address of a new job."""
    return http.post("/jobs").headers["Location"]


def ended(http: httpx.Client, job: str, seconds: float = 20) -> dict[str, Any]:
    """A job, once it has ended."""

    def look() -> dict[str, Any] | None:
        found = http.get(job).json()
        return found if found["status"] in ("COMPLETED", "FAILED", "CANCELLED") else None

    return eventually(look, f"{job} doesn't end", seconds)


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error, in the one shape that all have."""
    body = answer.json()
    assert set(body) == {"error"}, body
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    return answer.status_code, body["error"]["code"]


def said(line: socket.socket) -> tuple[int, str]:
    """The same, of what comes over a plain connection."""
    received = b""
    while not received.endswith(b"}}"):
        more = line.recv(10_000)
        assert more, received
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    return refused(httpx.Response(int(head.split()[1]), content=body))


def steps(job: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(step["step_number"], step["status"], step["message"]) for step in job["steps"]]


def sql(command: str, **values: Any) -> list[Any]:
    """What PostgreSQL answers."""
    with engine().begin() as connection:
        result = connection.execute(text(command), values)
        return list(result) if result.returns_rows else []


# The contract.


@live
def test_creating_a_job_answers_at_once_with_its_address(http: httpx.Client) -> None:
    """202, PENDING, both ids and the sentence; Location leads to the job."""
    answer = http.post("/jobs")
    body = answer.json()
    assert answer.status_code == 202
    assert list(body) == ["job_id", "task_id", "status", "message"]
    assert body["status"] == "PENDING"
    assert body["message"] == "Job created and submitted successfully"
    assert answer.headers["Location"] == f"/jobs/{body['job_id']}"
    assert http.get(answer.headers["Location"]).json()["task_id"] == body["task_id"]


@live
def test_steps_are_written_when_they_start_and_when_they_end(http: httpx.Client) -> None:
    """A step that hasn't begun has no row; one that has says so; in the end all three have completed, in turn."""
    job = created(http)
    begun = eventually(lambda: http.get(job).json()["steps"], "no step begins")
    assert len(begun) < 3
    assert (begun[-1]["status"], begun[-1]["completed_at"]) == ("IN_PROGRESS", None)
    assert begun[-1]["message"] == f"Processing step {len(begun)}"
    done = ended(http, job)
    assert set(done) == {"id", "task_id", "status", "created_at", "updated_at", "steps"}
    assert set(done["steps"][0]) == {"id", "step_number", "status", "message", "started_at", "completed_at"}
    assert done["status"] == "COMPLETED"
    assert steps(done) == THREE_DONE
    times = [step[when] for step in done["steps"] for when in ("started_at", "completed_at")]
    assert times == sorted(times)


@live
def test_times_are_aware_and_utc(http: httpx.Client) -> None:
    """Whatever the zone of this computer is."""
    at = datetime.fromisoformat(http.get(created(http)).json()["created_at"])
    assert at.utcoffset() == UTC.utcoffset(None)
    assert abs((datetime.now(UTC) - at).total_seconds()) < 5


@live
def test_the_list_is_filtered_and_paged(http: httpx.Client) -> None:
    """A bare list with steps, the latest first; what it doesn't know is refused."""
    jobs = [created(http) for _ in range(3)]
    for job in jobs:
        ended(http, job)
    listed = http.get("/jobs", params={"status": "COMPLETED", "limit": 3}).json()
    assert [f"/jobs/{job['id']}" for job in listed] == jobs[::-1]
    assert all(steps(job) == THREE_DONE for job in listed)
    assert http.get("/jobs", params={"limit": 1, "offset": 1}).json() == [listed[1]]
    assert all(job["status"] == "FAILED" for job in http.get("/jobs?status=FAILED").json())
    for query in "status=DONE", "status=completed", "colour=red", "limit=0", "limit=1001", "offset=-1", "limit=x":
        assert refused(http.get(f"/jobs?{query}")) == (422, "invalid"), query


@live
def test_health_needs_nothing(http: httpx.Client) -> None:
    """It is the contract's sentence."""
    assert http.get("/").json() == {"status": "ok"}


@live
def test_one_idempotency_key_is_one_job(http: httpx.Client) -> None:
    """Also where eight requests with it come at the same moment; another key is another job."""
    key = {"Idempotency-Key": str(uuid4())}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: http.post("/jobs", headers=key), range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert sum("created before" in answer.json()["message"] for answer in answers) == 7
    other = http.post("/jobs", headers={"Idempotency-Key": str(uuid4())})
    assert other.json()["job_id"] != answers[0].json()["job_id"]


@live
def test_a_cancelled_job_stays_cancelled(http: httpx.Client) -> None:
    """What its worker is doing comes to nothing; a second cancel is refused."""
    job = created(http)
    eventually(lambda: http.get(job).json()["steps"], "no step begins")
    cancelled = http.post(f"{job}/cancel").json()
    assert cancelled["status"] == "CANCELLED"
    assert cancelled["steps"][-1]["status"] == "CANCELLED"
    assert refused(http.post(f"{job}/cancel")) == (409, "conflict")
    assert refused(http.post(f"{job}/retry")) == (409, "conflict")
    sleep(0.5)  # the worker ends its step of 0.3 s, and must not write
    assert http.get(job).json() == cancelled


@live
def test_a_failed_job_goes_on_where_it_stopped(http: httpx.Client) -> None:
    """A retry is a new task, and a completed step keeps its times; what hasn't failed can't be retried."""
    job_id, task_id, *_ = service.create()
    turn = service.begin(job_id, task_id)
    assert turn
    second = service.advance(turn)
    assert second
    service.fail(second, "out of paper \0\ud800" + "x" * 10_000)  # whatever an exception may say
    failed = http.get(f"/jobs/{job_id}").json()
    assert failed["status"] == "FAILED"
    number, status, message = steps(failed)[1]
    assert (number, status, len(message)) == (2, "FAILED", 500)
    assert message.startswith("Step 2 failed: out of paper ?xxx")
    answer = http.post(f"/jobs/{job_id}/retry")
    assert answer.status_code == 202
    assert answer.json()["status"] == "PENDING"
    assert answer.json()["task_id"] != task_id
    done = ended(http, f"/jobs/{job_id}")
    assert done["status"] == "COMPLETED"
    assert done["steps"][0] == failed["steps"][0]
    assert steps(done) == THREE_DONE
    assert refused(http.post(f"/jobs/{job_id}/retry")) == (409, "conflict")


# Bad input and bad days.


@live
def test_bad_requests_are_refused_in_one_shape(http: httpx.Client) -> None:
    """4xx with a code and a sentence, and never 500."""
    large = "9" * 400
    for path in "/jobs/0", "/jobs/-1", "/jobs/x", "/jobs/1.5", "/jobs/2147483648", f"/jobs/{large}", "/jobs/%00":
        assert refused(http.get(path)) == (422, "invalid"), path
        assert refused(http.get(f"{path}/events")) == (422, "invalid"), path
        assert refused(http.post(f"{path}/retry")) == (422, "invalid"), path
    for method, path in ("GET", ""), ("GET", "/events"), ("POST", "/retry"), ("POST", "/cancel"):
        assert refused(http.request(method, f"/jobs/2147483647{path}")) == (404, "not_found")
    assert refused(http.get("/nowhere")) == (404, "not_found")
    answer = http.delete("/jobs")
    assert refused(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, POST"
    for body in '{"x": 1}', "[]", "7", "NaN", '{"x": NaN}', '"\\ud800"', '{"\\ud800": 1}', "{":
        answer = http.post("/jobs", content=body, headers={"Content-Type": "application/json"})
        assert refused(answer) == (422, "invalid"), body
    for key in "", "a b", "x" * 201, "é":
        assert refused(http.post("/jobs", headers={"Idempotency-Key": key.encode()})) == (422, "invalid"), key
    for after in "x", "-2", large:
        assert refused(http.get("/jobs/1/events", headers={"Last-Event-ID": after})) == (422, "invalid"), after


@live
def test_a_body_over_the_bound_is_refused_before_it_is_read(http: httpx.Client) -> None:
    """By its announced length, and where none was announced after that many bytes."""
    with socket.create_connection(("127.0.0.1", int(os.environ["API_PORT"])), timeout=5) as line:
        line.sendall(b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000001\r\n\r\n")
        assert said(line) == (413, "too_large")

    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 10_000

    answer = http.post("/jobs", content=endless(), headers={"Content-Type": "application/json"})
    assert refused(answer) == (413, "too_large")


@live
def test_pages_of_other_sites_are_refused(http: httpx.Client) -> None:
    """By Origin, and by the name in Host where a page had its own name lead here; only browsers send an Origin."""
    port = os.environ["API_PORT"]
    for headers in (
        {},
        {"Host": "localhost"},
        {"Host": "LOCALHOST:1"},
        {"Host": f"[::1]:{port}", "Origin": f"http://[::1]:{port}"},
        {"Origin": f"http://127.0.0.1:{port}"},
    ):
        assert http.get("/jobs?limit=1", headers=headers).status_code == 200, headers
    before = sql("SELECT count(*) FROM lesson14.jobs")
    for foreign in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": f"http://127.0.0.1:{port}.evil.example"},
        {"Host": "evil.example"},
        {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"},
        {"Host": "localhost.evil.example"},
        {"Host": "127.0.0.1.evil.example"},
    ):
        for method, path in ("POST", "/jobs"), ("GET", "/jobs"), ("GET", "/"), ("GET", "/nowhere"):
            assert refused(http.request(method, path, headers=foreign)) == (403, "forbidden"), foreign
    for request in (
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "nonsense\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", int(port)), timeout=30) as line:
            line.sendall(request.encode())
            assert said(line) == (400, "bad_request"), request
    assert sql("SELECT count(*) FROM lesson14.jobs") == before


@once
def test_a_service_is_known_by_the_names_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it listens, unless that is everywhere, and API_HOSTNAMES; this computer's own names always."""
    own = {"localhost", "127.0.0.1", "[::1]"}
    for listens, names, known in (
        ("", "", set()),
        ("0.0.0.0", "", set()),
        ("::", "jobs-api", {"jobs-api"}),
        ("10.0.0.7", "Jobs.example, api", {"10.0.0.7", "jobs.example", "api"}),
        ("fe80::1", "", {"[fe80::1]"}),
    ):
        monkeypatch.setenv("API_HOST", listens)
        monkeypatch.setenv("API_HOSTNAMES", names)
        assert gate.own_names() == own | known


@live
def test_the_documentation_names_no_other_host(http: httpx.Client) -> None:
    """Neither the pages nor what they load send a browser elsewhere; what they load is there."""
    for page in "/docs", "/redoc":
        html = http.get(page).text
        loaded = re.findall(r"""(?:src|href)=["']([^"']+)""", html)
        assert loaded
        assert not re.search(r"(https?:)?//[\w.-]+\.\w+", html), html
        for path in loaded:
            assert http.get(path).status_code == 200, path
    assert '"validatorUrl": null' in http.get("/docs").text
    assert refused(http.delete("/static-offline-docs/favicon.png")) == (405, "method_not_allowed")


@live
def test_slow_clients_keep_nobody_out_and_fill_no_log() -> None:
    """600 half-sent headers where 400 files may be open: others are answered, and in the end the slow ones are, too."""
    env = {**os.environ, "API_PORT": free_port()}
    hurried = "from lesson14 import api, slow_clients; slow_clients.TURN = 4; api.main()"
    command = shlex.join(["sh", "-c", f"ulimit -n 400; exec {sys.executable} -c '{hurried}'"])
    with (
        running({"api": command}, Path(env["LESSONS_HOME"], "logs", "lesson14-slow"), place=(Path.cwd(), env)) as logs,
        client(env["API_PORT"]) as honest,
        ExitStack() as stack,
    ):
        slow = []
        for _ in range(600):
            slow.append(stack.enter_context(socket.create_connection(("127.0.0.1", int(env["API_PORT"])), timeout=30)))
            slow[-1].sendall(b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        for _ in range(20):
            with client(env["API_PORT"]) as newcomer:  # on a connection of its own
                assert newcomer.get("/jobs?limit=1").status_code == 200
        assert said(slow[0]) == (503, "unavailable")
        assert said(slow[-1]) == (408, "too_slow")
        with socket.create_connection(("127.0.0.1", int(env["API_PORT"])), timeout=30) as body:
            body.sendall(b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
            assert said(body) == (408, "too_slow")
        assert honest.get("/").status_code == 200
        assert logs["api"].stat().st_size < 10_000


@live
def test_connections_that_postgresql_closed_are_replaced_unnoticed(http: httpx.Client) -> None:
    """No request fails for a connection that died while it was at rest."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: http.get("/jobs?limit=1"), range(50)))
        closed = sql("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'lesson14'"
                     " AND pid <> pg_backend_pid()")  # fmt: skip
        assert closed == [(True,)] * max(3, len(closed))  # gone, and not only told to go
        answers = list(threads.map(lambda _: http.get("/jobs?limit=1"), range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert ended(http, created(http))["status"] == "COMPLETED"


@live
def test_a_broker_that_is_down_holds_up_nobody_and_a_token_is_asked_for() -> None:
    """202 within a second, and the job is sent by whoever reaches a broker; only health goes without the token."""
    env = {**os.environ, "API_PORT": free_port(), "REDIS_BROKER_URL": "redis://127.0.0.1:1/0", "API_TOKEN": "s3cret"}
    logs = Path(env["LESSONS_HOME"], "logs", "lesson14-alone")
    with running({"api": "python -m lesson14.api"}, logs, place=(Path.cwd(), env)), client(env["API_PORT"]) as stranger:
        assert stranger.get("/").status_code == 200
        for path in "/jobs", "/docs", "/openapi.json", "/nowhere":
            assert refused(stranger.get(path)) == (401, "unauthorized")
        assert refused(stranger.post("/jobs", headers={"Authorization": "Bearer s3cre"})) == (401, "unauthorized")
        assert refused(stranger.post("/jobs", headers={"Authorization": b"Bearer s\xe9cret"})) == (401, "unauthorized")
        with client(env["API_PORT"], headers={"Authorization": "Bearer s3cret"}) as friend:
            answers = [friend.post("/jobs") for _ in range(5)]
            assert {answer.status_code for answer in answers} == {202}
            assert median(answer.elapsed.total_seconds() for answer in answers) < 1
            for answer in answers:
                assert ended(friend, answer.headers["Location"])["status"] == "COMPLETED"


@once
@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"API_HOST": "0.0.0.0"}, "Set API_TOKEN"),
        ({"API_HOST": "example.invalid"}, "Set API_TOKEN"),
        ({"API_PORT": "eighty"}, "API_PORT is 'eighty'"),
        ({"API_TOKEN": "geheim\u00e9"}, "API_TOKEN must be"),
        ({"API_TOKEN": "two words"}, "API_TOKEN must be"),
        ({"STEP_SECONDS": "nan"}, "STEP_SECONDS is 'nan'"),
    ],
)
def test_a_dangerous_or_wrong_setting_is_refused_at_start(env: dict[str, str], why: str) -> None:
    """Exit 1 and one sentence, before anything else happens."""
    command = [sys.executable, "-m", "lesson14.api"]
    ended = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert why in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


# Events.


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
    """The first ones are here while later ones are still to come."""
    job = created(http)
    for event in events(f"{job}/events"):
        if event["number"] == 1:
            assert http.get(job).json()["status"] == "IN_PROGRESS"
            break


@live
def test_many_listeners_hear_all_also_when_the_line_to_postgresql_is_cut(http: httpx.Client) -> None:
    """What is committed meanwhile is read afterwards: nobody misses an event or hears one twice."""
    job_id, task_id, *_ = service.create()
    turn = service.begin(job_id, task_id)
    with ThreadPoolExecutor(10) as threads:
        listeners = [threads.submit(list, events(f"/jobs/{job_id}/events")) for _ in range(10)]
        for cut in (True, False, True):  # the last event of all is committed while nobody can hear it
            if cut:
                sleep(0.6)  # most of them listen by now; who comes later must hear the same
                sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN lesson14%'")
            assert turn
            turn = service.advance(turn)
        heard = [[event["number"] for event in listener.result(timeout=20)] for listener in listeners]
    assert heard == [list(range(8))] * 10


# Nothing lost, nothing twice.


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
    one = store.Sending(min(jobs), service.find(min(jobs)).task_id, 0)
    waits = []
    for _ in range(3):
        store.mark_sent([one])
        wait = "SELECT round(extract(epoch FROM due_at - now())) FROM lesson14.jobs WHERE id = :id"
        waits.append(int(sql(wait, id=one.job_id)[0][0]))
    assert waits == [LEASE_SECONDS, 2 * LEASE_SECONDS, 4 * LEASE_SECONDS]
    for job_id in jobs:
        with suppress(WrongTransition):  # a living dispatcher may have been quicker
            service.cancel(job_id)


@live
def test_what_nobody_sent_is_found_and_sent(http: httpx.Client) -> None:
    """A row that was committed by a process that died then is a job like any other."""
    job_id = store.add(str(uuid4()))
    sql("UPDATE lesson14.jobs SET due_at = now() WHERE id = :id", id=job_id)
    assert ended(http, f"/jobs/{job_id}")["status"] == "COMPLETED"


# Shape.


@once
def test_illegal_transitions_are_refused() -> None:
    """Each that the table doesn't name."""
    ways: dict[JobStatus, Callable[[Job], None]] = {
        JobStatus.IN_PROGRESS: lambda job: job.begin_step(1),
        JobStatus.COMPLETED: Job.complete,
        JobStatus.FAILED: lambda job: job.fail(1, "no"),
        JobStatus.CANCELLED: Job.cancel,
        JobStatus.PENDING: lambda job: job.retry("other"),
    }
    for before in JobStatus:
        for after, go in ways.items():
            job = Job(id=1, task_id="one", status=JobStatus.PENDING, last_event=0, sent=0, attempts=0)
            job.begin_step(1)
            if before is JobStatus.FAILED:
                job.fail(1, "no")
            job.status = before
            if after in JOB_MOVES[before] or before is after is JobStatus.IN_PROGRESS:
                go(job)
                assert job.status is after
            else:
                with pytest.raises(WrongTransition):
                    go(job)
                assert (job.status, job.last_event) == (before, 2 if before is JobStatus.FAILED else 1)
    assert {status for status in JobStatus if not JOB_MOVES[status]} == {JobStatus.COMPLETED, JobStatus.CANCELLED}


@once
def test_the_api_never_knows_the_workers_code() -> None:
    """Importing it loads no task, and no work."""
    code = "import sys, lesson14.api; print(*sorted(m for m in sys.modules if m.startswith('lesson14.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"lesson14.tasks", "lesson14.work", "lesson14.worker"} & set(loaded)


@once
def test_the_arrows_point_inwards() -> None:
    """api, tasks → service → store → model: nothing knows who stands further out."""
    order = [{"settings", "names"}, {"model"}, {"database"}, {"store"}, {"dispatcher"}, {"service"}, {"api", "tasks"}]
    for at, names in enumerate(order):
        outer = {f"lesson14.{name}" for further in order[at + 1 :] for name in further}
        for name in names:
            known = set()
            for node in ast.walk(ast.parse((LESSON.folder / f"{name}.py").read_text())):
                if isinstance(node, ast.ImportFrom):
                    known |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
            assert not known & outer, name


@once
def test_the_tasks_name_is_its_value_everywhere() -> None:
    """A StrEnum shows as what it is."""
    assert (
        f"{TaskNames.PROCESS_JOB}" == str(TaskNames.PROCESS_JOB) == TaskNames.PROCESS_JOB.value == "tasks.process_job"
    )


@once
def test_no_connection_is_opened_before_the_fork() -> None:
    """Importing the worker's code makes no engine."""
    code = "from lesson14 import database as d, tasks; print(d.engine.cache_info(), d.autocommit_engine.cache_info())"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert made.count("currsize=0") == 2


@live
def test_each_process_of_the_worker_has_connections_of_its_own(http: httpx.Client) -> None:
    """Four jobs at once, and none reads another's answers."""
    jobs = [created(http) for _ in range(8)]
    assert [steps(ended(http, job)) for job in jobs] == [THREE_DONE] * 8


# Migrations.


@live
def test_model_and_migrations_agree() -> None:
    """Alembic finds nothing that it would change."""
    with engine().connect() as connection:
        options = {"include_schemas": True, "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
                   "version_table_schema": SCHEMA}  # fmt: skip
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


@live
def test_migrations_may_run_at_once_and_from_any_folder(tmp_path: Path) -> None:
    """Four on an empty database: each succeeds, and so does one more."""
    name = f"lesson14_{uuid4().hex}"
    admin = create_engine(APP_DATABASE_URL, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        env = {
            **os.environ,
            "APP_DATABASE_URL": make_url(APP_DATABASE_URL).set(database=name).render_as_string(hide_password=False),
        }
        command = [sys.executable, "-m", "lesson14.migrate"]
        four = [subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE) for _ in range(4)]
        assert [one.communicate(timeout=30)[0] for one in four] == [b"The tables are up to date.\n"] * 4
        assert [one.returncode for one in four] == [0] * 4
        subprocess.run(command, cwd=tmp_path, env=env, check=True, timeout=30)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


# The README.


@live
def test_its_curl_commands_answer_as_it_shows(http: httpx.Client) -> None:
    """But for ids and times, which are the reader's own."""

    def shape(output: str) -> str:
        output = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", output)
        return re.sub(r'("(?:job_)?id": )\d+', r"\1ID", re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "TIME", output))

    text = (LESSON.folder / "README.md").read_text()
    (block,) = re.findall(r"```text\n(\$ curl -s -X POST.*?)```", text, re.DOTALL)
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)
    job = 1
    for command, told in zip(parts[1::2], parts[2::2], strict=True):
        typed = readme.at_its_port(command.replace("/jobs/1", f"/jobs/{job}"), os.environ)
        output = subprocess.run(typed, shell=True, capture_output=True, text=True, timeout=60, check=True).stdout
        assert shape(output) == shape(told), typed
        if "POST" in command:
            job = json.loads(output)["job_id"]
            ended(http, f"/jobs/{job}")


# On an island: servers and processes of its own, which can be killed.


ENDPOINTS = [
    ("GET", "/jobs"),
    ("POST", "/jobs"),
    ("GET", "/jobs/1"),
    ("POST", "/jobs/1/cancel"),
    ("POST", "/jobs/1/retry"),
    ("GET", "/jobs/1/events"),
]


async def crowd(port: str) -> tuple[set[int], float]:
    """Twenty clients at each endpoint at once: all statuses, and the seconds that the slowest answer took."""
    key = {"Idempotency-Key": str(uuid4())}
    options = {"trust_env": False, "timeout": 60, "limits": httpx.Limits(max_connections=None), "headers": key}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", **options) as http:  # type: ignore[arg-type]

        async def ask(method: str, path: str) -> tuple[int, float]:
            began = monotonic()
            async with http.stream(method, path) as answer:  # events don't end while a job runs
                return answer.status_code, monotonic() - began

        answers = await asyncio.gather(*(ask(*endpoint) for endpoint in ENDPOINTS for _ in range(20)))
    return {status for status, _ in answers}, max(seconds for _, seconds in answers)


def test_a_database_that_stops_is_503_in_time_and_all_is_well_when_it_goes_on(island: Island) -> None:
    """Its kernel still takes all that is sent. Requests that are refused in a transaction need no second connection."""
    with client(island.api) as http:
        ended(http, created(http), 60)
        assert asyncio.run(crowd(island.api))[0] <= {200, 202, 204, 409}
        tree = psutil.Process(island.started["postgres"].pid).children(recursive=True)
        server = [process for process in tree if process.name() == "postgres"]
        assert server
        for process in server:
            process.suspend()
        try:
            statuses, slowest = asyncio.run(crowd(island.api))
            assert statuses == {503}
            assert slowest < 4 * ANSWER
            assert http.get("/").status_code == 200
        finally:
            for process in server:
                process.resume()
        eventually(lambda: http.get("/jobs").status_code == 200, "it doesn't recover", 30)
        assert asyncio.run(crowd(island.api))[0] <= {200, 202, 204, 409}
        assert ended(http, created(http), 60)["status"] == "COMPLETED"


@once
def test_a_database_that_never_says_a_word_is_503_in_time(tmp_path: Path) -> None:
    """As above, from the first request on: the port takes connections, and nobody reads them."""
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg2://postgres@127.0.0.1:{silent.getsockname()[1]}/celery_jobs"
        command = f"{sys.executable} -m uvicorn lesson14.api:app --port {port}"  # main() would wait for the tables
        with running(
            {"api": command}, tmp_path, place=(tmp_path, {**os.environ, "API_PORT": port, "APP_DATABASE_URL": url})
        ):
            statuses, slowest = asyncio.run(crowd(port))
    assert statuses == {503}
    assert slowest < 4 * ANSWER


@pytest.fixture(scope="module")
def island(request: pytest.FixtureRequest) -> Iterator[Island]:
    """A pipeline of our own; each step takes 0.4 s, and a lease 2 s."""
    commands = {
        "worker": "python -m lesson14.worker --loglevel=info --concurrency=4",  # in the worst order
        "api": "python -m lesson14.api",
        "postgres": "python -m classroom.postgres",
    }
    profile = request.config.getoption("--profile")
    with islands.island(profile, commands, "/", STEP_SECONDS="0.4", LEASE_SECONDS="2") as island:
        yield island


@once
def test_schemathesis_finds_nothing(island: Island) -> None:
    """No 5xx, and every answer as OpenAPI has it."""
    command = ["schemathesis", "run", f"http://127.0.0.1:{island.api}/openapi.json", "--seed=14", "--max-examples=15",
               "--phases=examples,coverage,fuzzing", "--request-timeout=15", "--generation-database=none",
               "--no-color"]  # fmt: skip
    ran = subprocess.run(command, cwd=island.home, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stdout[-5000:]


def audit(island: Island) -> None:
    """From now on PostgreSQL itself counts how often a step becomes completed, whoever says so."""
    island.sql("""
        DROP TABLE IF EXISTS audit;
        DROP FUNCTION IF EXISTS audit CASCADE;
        CREATE TABLE audit (job_id integer, step_number integer);
        CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO audit VALUES (NEW.job_id, NEW.step_number); RETURN NULL; END $$;
        CREATE TRIGGER audit AFTER INSERT OR UPDATE ON lesson14.job_steps FOR EACH ROW
            WHEN (NEW.status = 'COMPLETED') EXECUTE FUNCTION audit();
    """)


@pytest.mark.timeout(300)
def test_all_jobs_are_completed_once_whatever_is_killed(island: Island) -> None:
    """Each part, and pool processes, are killed at moments drawn from a seed: every job completed, every step once.

    CHAOS_JOBS=100 CHAOS_SECONDS=40 CHAOS_SEED=7 make it longer, or the same as before.
    """
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))
    jobs = int(os.environ.get("CHAOS_JOBS") or 20)
    seconds = float(os.environ.get("CHAOS_SECONDS") or 8)
    print(f"CHAOS_SEED={seed}")
    chance, kills = random.Random(seed), dict.fromkeys(island.commands, 0)
    begun, ids, ours = 0, dict[int, int](), uuid4()  # a second try of this test shall not be given the first one's jobs

    def create() -> None:
        with client(island.api) as http:
            for number in range(jobs):
                while number not in ids:
                    with suppress(httpx.TransportError):
                        answer = http.post("/jobs", headers={"Idempotency-Key": f"chaos-{ours}-{number}"})
                        assert answer.status_code in (202, 503), answer.text
                        if answer.status_code == 202:
                            ids[number] = answer.json()["job_id"]
                    sleep(seconds / jobs / 2)

    audit(island)
    older = "SELECT id FROM lesson14.jobs WHERE status IN ('PENDING', 'IN_PROGRESS')"
    eventually(lambda: not island.sql(older), "the jobs of the test before don't end", 60)
    first = island.sql("SELECT coalesce(max(id), 0) FROM lesson14.jobs")[0][0]
    caller = Thread(target=create, daemon=True)
    caller.start()
    running = f"SELECT 1 FROM lesson14.job_steps WHERE job_id > {first} AND status = 'IN_PROGRESS'"
    eventually(lambda: island.sql(running), "no step begins")
    victim, began = "worker", monotonic()
    while monotonic() - began < seconds:
        island.kill(victim)
        kills[victim] += 1
        if victim == "worker":
            begun += len(island.sql(running))  # they stay so, until another worker begins them again
        sleep(chance.uniform(0, 0.7))
        island.start(victim)
        sleep(chance.uniform(0.3, 2))  # in some of these all four are up, and jobs go on
        island.kill_below("worker", chance)
        sleep(chance.uniform(0, 2))
        island.supervise()
        victim = chance.choice(list(island.commands)) if begun else "worker"
    assert begun > 0, seed
    caller.join(timeout=40)
    assert len(set(ids.values())) == jobs

    def states() -> dict[str, int]:
        island.supervise()
        return dict(island.sql(f"SELECT status, count(*) FROM lesson14.jobs WHERE id > {first} GROUP BY 1"))

    eventually(lambda: states() == {"COMPLETED": jobs}, f"seed {seed}: {states()}", 90)
    mine = f"job_id > {first}"
    assert island.sql(f"SELECT count(*), count(DISTINCT (job_id, step_number)) FROM audit WHERE {mine}") == [
        (3 * jobs, 3 * jobs)
    ]
    gaps = f"SELECT job_id FROM lesson14.job_events WHERE {mine} GROUP BY 1 HAVING max(number) <> count(*)"
    assert island.sql(gaps) == []
    again = island.sql(f"SELECT count(*) - 7 * {jobs} FROM lesson14.job_events WHERE {mine}")[0][0]
    assert again > 0, seed
    print(f"seed {seed}: {jobs} jobs completed once, {again} steps begun again, killed {kills}, "
          f"{monotonic() - began:.0f} s")  # fmt: skip
