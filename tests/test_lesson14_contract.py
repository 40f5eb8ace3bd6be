"""Lesson 14's claims about jobs: what is answered, and what becomes of them."""

import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from classroom import catalog, readme
from lesson14 import service
from tests.jobs import THREE_DONE, created, ended, steps
from tests.refusals import refused

LESSON = catalog.find("14")
live = pytest.mark.usefixtures("workers")


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
    job_id, task_id, *_ = service.create()
    job = f"/jobs/{job_id}"
    assert http.get(job).json()["steps"] == []
    turn = service.begin(job_id, task_id)
    for number in 1, 2, 3:  # this test is the worker, so nothing goes on while it looks
        *before, begun = http.get(job).json()["steps"]
        assert (begun["step_number"], begun["status"], begun["completed_at"]) == (number, "IN_PROGRESS", None)
        assert begun["message"] == f"Processing step {number}"
        assert [(step["step_number"], step["status"], step["message"]) for step in before] == THREE_DONE[: number - 1]
        assert turn
        turn = service.advance(turn)
    done = http.get(job).json()
    assert set(done) == {"id", "task_id", "status", "created_at", "updated_at", "steps"}
    assert set(done["steps"][0]) == {"id", "step_number", "status", "message", "started_at", "completed_at"}
    assert done["status"] == "COMPLETED"
    assert steps(done) == THREE_DONE
    times = [step[when] for step in done["steps"] for when in ("started_at", "completed_at")]
    assert times == sorted(times)


@live
def test_times_are_aware_and_utc(http: httpx.Client) -> None:
    """Whatever the zone of this computer is."""
    before = datetime.now(UTC)
    at = datetime.fromisoformat(http.get(created(http)).json()["created_at"])
    assert at.utcoffset() == UTC.utcoffset(None)
    assert before <= at <= datetime.now(UTC)  # PostgreSQL is on this computer


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
    job_id, task_id, *_ = service.create()
    job, answers = f"/jobs/{job_id}", []
    said = service.process(job_id, task_id, lambda *_: answers.append(http.post(f"{job}/cancel").json()))
    assert said == "nothing more to do"  # the step in which it was cancelled has ended, and is the only one
    [cancelled] = answers
    assert cancelled["status"] == "CANCELLED"
    assert cancelled["steps"][-1]["status"] == "CANCELLED"
    assert refused(http.post(f"{job}/cancel")) == (409, "conflict")
    assert refused(http.post(f"{job}/retry")) == (409, "conflict")
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
