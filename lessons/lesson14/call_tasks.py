"""Lesson 14 · A job pipeline: a client of the API, which creates jobs and watches them.

python -m lesson14.call_tasks
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID

from classroom.driver import run_driver
from lesson14.celery_app import app
from lesson14.client import api, events


def create() -> list[str]:
    answers = [api.post("/jobs") for _ in range(3)]
    first = answers[0]
    print("POST /jobs:", first.status_code, first.json()["status"], "·", first.json()["message"])
    return [answer.headers["Location"] for answer in answers]


def watch(jobs: list[str]) -> None:
    with Progress("{task.description:30}", BarColumn(), console=Console(stderr=True)) as bars:
        shown = [bars.add_task("PENDING", total=3) for _ in jobs]

        def follow(job: str, bar: TaskID) -> list[str]:
            story = []
            for event in events(f"{job}/events"):
                done = event["step_status"] == "COMPLETED"
                bars.update(bar, description=event["message"] or event["status"], advance=int(done))
                story.append(f"{event['number']} {event['status']} {event['message'] or ''}".rstrip())
            return story

        with ThreadPoolExecutor(len(jobs)) as threads:
            first, *others = threads.map(follow, jobs, shown)
    print("the first one's events:", *first, sep="\n  ")
    print("the others' are the same:", all(one == first for one in others))


def look(job: str) -> None:
    steps = api.get(job).json()["steps"]
    print("GET /jobs/…:", ", ".join(f"step {step['step_number']} {step['status']}" for step in steps))
    print("events after 5:", [event["number"] for event in events(f"{job}/events", after=5)])
    answer = api.post(f"{job}/cancel")
    print(answer.status_code, answer.json()["error"]["message"].replace(job.rpartition("/")[2], "…"))


def create_twice() -> None:
    key = {"Idempotency-Key": str(uuid4())}
    one, other = (api.post("/jobs", headers=key) for _ in range(2))
    print("the same key twice is one job:", one.json()["job_id"] == other.json()["job_id"])
    job = one.headers["Location"]
    print("cancelled:", api.post(f"{job}/cancel").json()["status"])
    print("and so it ends:", [event["status"] for event in events(f"{job}/events")][-1])


def retry() -> None:
    latest = api.get("/jobs", params={"status": "FAILED", "limit": 1}).json()[0]
    job = f"/jobs/{latest['id']}"
    *_, failure = events(f"{job}/events")
    print(f"{failure['number']} {failure['status']}: {failure['message']}")
    print("POST /jobs/…/retry:", api.post(f"{job}/retry").json()["message"])
    for event in events(f"{job}/events", after=failure["number"]):
        print(f"  {event['number']} {event['status']} {event['message'] or ''}".rstrip())
    print("step 1 wasn't done again:", api.get(job).json()["steps"][0] == latest["steps"][0])


def main(retrying: bool = False) -> None:
    if retrying:
        return retry()
    jobs = create()
    watch(jobs)
    look(jobs[0])
    create_twice()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--retry", action="store_true", help="have the job that failed last worked on again")
    chosen = parser.parse_args()
    run_driver(lambda: main(chosen.retry), app)
