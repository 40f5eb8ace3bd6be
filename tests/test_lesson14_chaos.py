"""Lesson 14's claims on an island: servers and processes of its own, which can be stopped and killed."""

import asyncio
import os
import random
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from uuid import uuid4

import httpx
import psutil
import pytest

from classroom.processes import running
from tests import island as islands
from tests.island import Island, client, eventually, free_port
from tests.jobs import created, ended

once = pytest.mark.once
ENDPOINTS = [
    ("GET", "/jobs"),
    ("POST", "/jobs"),
    ("GET", "/jobs/1"),
    ("POST", "/jobs/1/cancel"),
    ("POST", "/jobs/1/retry"),
    ("GET", "/jobs/1/events"),
]


# A connection may wait for an hour, so only what bounds a request can end it: no client here waits for that long.
PATIENT = "from lesson14 import database; database.SILENCE = 3600"


async def crowd(port: str) -> set[int]:
    """Twenty clients at each endpoint at once: all statuses."""
    key = {"Idempotency-Key": str(uuid4())}
    options = {"trust_env": False, "timeout": 60, "limits": httpx.Limits(max_connections=None), "headers": key}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", **options) as http:  # type: ignore[arg-type]

        async def ask(method: str, path: str) -> int:
            async with http.stream(method, path) as answer:  # events don't end while a job runs
                return answer.status_code

        return set(await asyncio.gather(*(ask(*endpoint) for endpoint in ENDPOINTS for _ in range(20))))


@pytest.fixture(scope="module")
def island(request: pytest.FixtureRequest) -> Iterator[Island]:
    """A pipeline of our own; each step takes 0.4 s, and a lease 2 s."""
    commands = {
        "worker": "python -m lesson14.worker --loglevel=info --concurrency=4",  # in the worst order
        "api": shlex.join(["python", "-c", f"{PATIENT}; from lesson14 import api; api.main()"]),
        "postgres": "python -m classroom.postgres",
    }
    profile = request.config.getoption("--profile")
    with islands.island(profile, commands, "/", STEP_SECONDS="0.4", LEASE_SECONDS="2") as island:
        yield island


def test_a_database_that_stops_is_503_in_time_and_all_is_well_when_it_goes_on(island: Island) -> None:
    """Its kernel still takes all that is sent. Requests that are refused in a transaction need no second connection."""
    with client(island.api) as http:
        ended(http, created(http))
        assert asyncio.run(crowd(island.api)) <= {200, 202, 204, 409}
        tree = psutil.Process(island.started["postgres"].pid).children(recursive=True)
        server = [process for process in tree if process.name() == "postgres"]
        assert server
        for process in server:
            process.suspend()
        try:
            assert asyncio.run(crowd(island.api)) == {503}
            assert http.get("/").status_code == 200
        finally:
            for process in server:
                process.resume()
        eventually(lambda: http.get("/jobs").status_code == 200, "it doesn't recover")
        assert asyncio.run(crowd(island.api)) <= {200, 202, 204, 409}
        assert ended(http, created(http))["status"] == "COMPLETED"


@once
def test_a_database_that_never_says_a_word_is_503_in_time(tmp_path: Path) -> None:
    """As above, from the first request on: the port takes connections, and nobody reads them."""
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg2://postgres@127.0.0.1:{silent.getsockname()[1]}/celery_jobs"
        serve = f"import uvicorn; uvicorn.run('lesson14.api:app', port={port})"  # main() would wait for the tables
        command = shlex.join([sys.executable, "-c", f"{PATIENT}; {serve}"])
        with running(
            {"api": command}, tmp_path, place=(tmp_path, {**os.environ, "API_PORT": port, "APP_DATABASE_URL": url})
        ):
            assert asyncio.run(crowd(port)) == {503}


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
