"""What lesson 14's API costs, beside a bare floor and a textbook version of itself: python tests/bench_jobs.py [ROUNDS]

Takes the servers of the services profile where they answer, else a PostgreSQL of the wheel's and files; a database and
a queue of its own, which it removes. Prints a table, and the same as JSON on the last line.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median, quantiles
from threading import Event
from time import perf_counter
from typing import Any
from uuid import uuid4

from bench import row, show
from sqlalchemy import create_engine, text

from classroom.processes import running
from classroom.use import servers_down
from tests.island import free_port

CLIENTS, THREADS, SECONDS = 32, 8, 4.0
LISTENERS, STEPS, PER_SECOND = 200, 160, 20
DATABASE = "celery_lessons_bench"

# The servers, each a process of its own: python tests/bench_jobs.py serve ours|floor|textbook PORT


def serve(which: str, port: str) -> None:
    """Run one of the three on `port`; all with 8 threads, on uvicorn, and without a line for each request."""
    import uvicorn
    from anyio.to_thread import current_default_thread_limiter
    from fastapi import FastAPI

    from lesson14.api import app as ours

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        yield

    app = ours if which == "ours" else FastAPI(lifespan=lifespan)
    if which == "floor":
        floor(app)
    if which == "textbook":
        textbook(app)
    uvicorn.run(app, host="127.0.0.1", port=int(port), access_log=False)


def floor(app: Any) -> None:
    """One INSERT + COMMIT and one publish, on connections that are there already, and nothing else."""
    from psycopg2.pool import ThreadedConnectionPool
    from sqlalchemy import make_url

    from global_config import APP_DATABASE_URL
    from lesson14.celery_app import app as celery

    pool = ThreadedConnectionPool(THREADS, THREADS, make_url(APP_DATABASE_URL).set(drivername="postgresql")
                                  .render_as_string(hide_password=False))  # fmt: skip

    @app.post("/jobs", status_code=202)
    def create() -> dict[str, Any]:
        task_id, connection = str(uuid4()), pool.getconn()
        try:
            with connection, connection.cursor() as cursor:  # commits
                cursor.execute("INSERT INTO lesson14.jobs (task_id, status, created_at, updated_at)"
                               " VALUES (%s, 'PENDING', now(), now()) RETURNING id", [task_id])  # fmt: skip
                (job_id,) = cursor.fetchone() or (0,)
        finally:
            pool.putconn(connection)
        celery.send_task("tasks.process_job", args=[job_id], task_id=task_id, retry=False)
        return {"job_id": job_id, "task_id": task_id}


def textbook(app: Any) -> None:
    """A new engine and a new connection to the broker for each request, as many a tutorial has it."""
    from sqlalchemy.orm import Session

    from global_config import APP_DATABASE_URL
    from lesson14.celery_app import app as celery
    from lesson14.model import Job

    @app.post("/jobs", status_code=202)
    def create() -> dict[str, Any]:
        engine = create_engine(APP_DATABASE_URL)
        with Session(engine) as session:
            job = Job(task_id=str(uuid4()))
            session.add(job)
            session.commit()
            job_id, task_id = job.id, job.task_id
        engine.dispose()
        with celery.connection_for_write() as connection:
            celery.send_task("tasks.process_job", args=[job_id], task_id=task_id, connection=connection)
        return {"job_id": job_id, "task_id": task_id}


# The clients: bytes over sockets, so that they take as little as can be of the cores that the server needs.


async def load(port: int) -> tuple[float, float]:
    """Requests per second, and the 99th percentile of their seconds, at CLIENTS connections that are kept."""
    request = b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    took: list[float] = []

    async def client(until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (start := perf_counter()) < until:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 202"), head
            await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
            took.append(perf_counter() - start)
        writer.close()

    await asyncio.gather(*[client(perf_counter() + 0.7) for _ in range(CLIENTS)])  # warm
    took.clear()
    start = perf_counter()
    await asyncio.gather(*[client(start + SECONDS) for _ in range(CLIENTS)])
    return len(took) / (perf_counter() - start), quantiles(took, n=100)[98]


async def listen(port: int, job_id: int, task_id: str) -> list[float]:
    """The seconds from the beginning of each worker's transaction to each listener; all hear all, in order."""
    begun: dict[int, float] = {}
    late: list[float] = []
    loop = asyncio.get_running_loop()
    done = asyncio.Semaphore(0)

    class Listener(asyncio.Protocol):
        rest, number = b"", -1

        def data_received(self, data: bytes) -> None:
            now = perf_counter()
            *events, self.rest = (self.rest + data).split(b"\n\n")
            for event in events:
                if (told := event.rpartition(b"\nid: ")[2]).isdigit():  # the first is the head of the answer
                    assert int(told) == self.number + 1, (told, self.number)
                    self.number += 1
                    if self.number:
                        late.append(now - begun[self.number])
                    if self.number in (0, 2 * STEPS + 1):
                        done.release()

    for _ in range(LISTENERS):
        transport, _ = await loop.create_connection(Listener, "127.0.0.1", port)
        transport.write(f"GET /jobs/{job_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    for _ in range(LISTENERS):
        await done.acquire()
    await asyncio.sleep(0.5)  # they have read the past by now, and only hear from here on
    await asyncio.to_thread(work, job_id, task_id, begun)
    for _ in range(LISTENERS):
        await done.acquire()
    assert len(late) == LISTENERS * (2 * STEPS + 1)
    return late


def work(job_id: int, task_id: str, begun: dict[int, float]) -> None:
    """Be the job's worker: one commit every 50 ms, and two events with each."""
    from lesson14 import service

    begun[1] = perf_counter()
    turn = service.begin(job_id, task_id)
    pace = Event()
    while turn:
        pace.wait(max(0.0, begun[turn.last_event] + 1 / PER_SECOND - perf_counter()))
        begun[turn.last_event + 1] = begun[turn.last_event + 2] = perf_counter()
        turn = service.advance(turn)


# One round of everything.


@contextmanager
def served(which: str) -> Iterator[int]:
    """The port of a server that runs while the block does."""
    port = int(free_port())
    room = (Path.cwd(), {**os.environ, "API_PORT": str(port)})
    logs = Path(os.environ["LESSONS_HOME"], "logs")
    with running({"api": f"{sys.executable} {__file__} serve {which} {port}"}, logs, place=room):
        yield port


def measure(rounds: int) -> list[dict[str, Any]]:
    """The rows of the table; the servers take turns in each round."""
    from classroom.queues import purge
    from classroom.servers import create_database
    from global_config import APP_DATABASE_URL
    from lesson14 import store
    from lesson14.celery_app import app
    from lesson14.migrate import migrate

    create_database(APP_DATABASE_URL)
    migrate()
    seen: dict[str, list[tuple[float, float]]] = {which: [] for which in ("floor", "ours", "textbook")}
    late = []
    for _ in range(rounds):
        for which, figures in seen.items():
            with served(which) as port:
                figures.append(asyncio.run(load(port)))
            purge(app, "lesson14")
        with served("ours") as port:
            task_id = str(uuid4())
            late.append(quantiles(asyncio.run(listen(port, store.add(task_id), task_id)), n=100)[94])
    rate = {which: median(one[0] for one in figures) for which, figures in seen.items()}
    slowest = {which: median(one[1] for one in figures) for which, figures in seen.items()}
    return [
        row("POST /jobs per second, ours / floor", rate["ours"] / rate["floor"], "×", 0.95,
            f"{rate['ours']:.0f} / {rate['floor']:.0f}", least=True),
        row("POST /jobs per second, ours / textbook", rate["ours"] / rate["textbook"], "×", 5.0,
            f"{rate['ours']:.0f} / {rate['textbook']:.0f}", least=True),
        row("POST /jobs, 99th percentile, ours / floor", slowest["ours"] / slowest["floor"], "×", 1.25,
            f"{slowest['ours']:.3f} s / {slowest['floor']:.3f} s"),
        row(f"commit to each of {LISTENERS} listeners, 95th percentile", 1000 * median(late), "ms", 15.0,
            f"{PER_SECOND} commits a second, every event in order"),
    ]  # fmt: skip


def main() -> None:
    """Measure, on a database and a queue of our own."""
    if sys.argv[1:2] == ["serve"]:
        return serve(*sys.argv[2:])
    if sys.argv[1:2] == ["measure"]:
        found = measure(int(sys.argv[2]))
        show(found)
        sys.exit(not all(one["ok"] for one in found))
    home = tempfile.mkdtemp(prefix="bench-")
    env = {"LESSONS_HOME": home, "STEPS": str(STEPS)}
    command = [sys.executable, __file__, "measure", *(sys.argv[1:] or ["3"])]  # in an environment of its own
    if servers_down():
        env |= {"LESSONS_PROFILE": "embedded"}
        with running(
            {"postgres": "python -m classroom.postgres"}, Path(home), place=(Path.cwd(), {**os.environ, **env})
        ):
            sys.exit(subprocess.run(command, env={**os.environ, **env}).returncode)
    usual = "postgresql+psycopg2://postgres:postgres@localhost:5432"
    env |= {"LESSONS_PROFILE": "services", "REDIS_BROKER_URL": "redis://localhost:6379/9"}
    env |= {"APP_DATABASE_URL": f"{usual}/{DATABASE}"}
    try:
        sys.exit(subprocess.run(command, env={**os.environ, **env}).returncode)
    finally:
        drop(f"{usual}/postgres")


def drop(url: str) -> None:
    """Remove the database that we have made."""
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))


if __name__ == "__main__":
    main()
