"""Lesson 15's claims about bad days: many requests at once, and servers that are down or hang."""

import asyncio
import os
import shlex
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from classroom import catalog
from classroom.processes import running
from global_config import VECTOR_DATABASE_URL
from tests import island as islands
from tests.island import Redis, client, eventually, free_port
from tests.refusals import refused
from tests.uploads import (
    essay,
    processed,
    upload,
)

LESSON = catalog.find("15")
live = pytest.mark.usefixtures("workers")
once = pytest.mark.once
GIVES_UP = 15  # seconds until a caller here gives up; with the defaults, Celery goes on trying for 19, or 120


@pytest.fixture
def redis() -> Iterator[Redis]:
    redis = Redis()
    yield redis
    redis.end()


@contextmanager
def api(**env: str) -> Iterator[httpx.Client]:
    """An API of our own, without workers, on the database that is there."""
    env = {**os.environ, "API_PORT": free_port(), "APP_DATABASE_URL": VECTOR_DATABASE_URL, **env}
    logs = Path(env["LESSONS_HOME"], "logs", f"lesson15-{env['API_PORT']}")
    with running({"api": "python -m lesson15.api"}, logs, place=(Path.cwd(), env)), client(env["API_PORT"]) as http:
        yield http


def asked(http: httpx.Client, question: str = "Where?") -> httpx.Response:
    return http.post("/questions", json={"question": question})


@once
@live
def test_a_request_that_is_refused_takes_one_connection_at_a_time(http: httpx.Client) -> None:
    """32 requests share 8 connections; a request that held one while it waits for another would fail with 503."""
    document = processed(http, "whales.txt", essay())["id"]
    for method, path, expected in (
        ("POST", f"/start/{document}", (409, "conflict")),
        ("POST", f"/documents/{document}/retry", (409, "conflict")),
        ("POST", "/start/2147483647", (404, "not_found")),
        ("DELETE", "/documents/2147483647", (404, "not_found")),
    ):
        with ThreadPoolExecutor(32) as threads:
            answers = threads.map(lambda _: http.request(method, path), range(32))  # noqa: B023
            assert {refused(answer) for answer in answers} == {expected}, path


@once
@live
def test_a_redis_that_is_down_hangs_or_ends_delays_nobody(redis: Redis, tmp_path: Path) -> None:
    """An upload is taken, a question is refused at once: if Redis is broker and backend, and if only backend."""
    both = {"REDIS_BROKER_URL": f"{redis.url}/1", "REDIS_URL": f"{redis.url}/0"}
    results = {"REDIS_BROKER_URL": "filesystem://localhost//redis", "REDIS_URL": f"{redis.url}/0"}
    for urls in both, results:
        with api(**urls, LESSONS_HOME=str(tmp_path), ANSWER_SECONDS="5") as http, ThreadPoolExecutor(16) as threads:
            http.timeout = httpx.Timeout(GIVES_UP)

            def why(count: int = 1, http: httpx.Client = http, threads: ThreadPoolExecutor = threads) -> set[str]:
                """Why `count` questions are refused: the beginnings of the sentences."""
                answers = list(threads.map(lambda _: asked(http), range(count)))
                assert {refused(answer) for answer in answers} == {(503, "unavailable")}
                return {answer.json()["error"]["message"][:26] for answer in answers}

            # Refused.
            answer = upload(http, "whales.txt", essay())
            assert answer.status_code == 202
            assert http.post(f"{answer.headers['Location']}/retry").status_code == 202
            assert why(16) == {"Questions can't be answere"}

            # Killed while a question waits; then there again.
            redis.start()
            waiting = threads.submit(why, 1)
            eventually(lambda: redis.cli("pubsub", "channels", "celery-task-meta-*"), "it doesn't ask")
            redis.end()
            assert waiting.result() == {"Questions can't be answere"}
            redis.start()
            assert why() == {"No answer came within 5 se"}  # it is sent, and no chat worker is there

            # Frozen. For whatever reason, they are refused before a caller gives up.
            redis.freeze()
            assert upload(http, "whales.txt", essay()).status_code == 202
            assert why(16)
            redis.end()


@once
@live
def test_abandoned_questions_keep_no_places(redis: Redis, tmp_path: Path) -> None:
    """While 16 questions wait, another one is Busy at once; when their clients leave, their places are free again."""
    redis.start()
    urls = {"REDIS_BROKER_URL": f"{redis.url}/1", "REDIS_URL": f"{redis.url}/0"}
    with api(**urls, LESSONS_HOME=str(tmp_path), ANSWER_SECONDS="60") as http, ExitStack() as stack:

        def ask() -> None:
            """Send a question, and wait for no answer."""
            line = stack.enter_context(socket.create_connection((http.base_url.host, int(http.base_url.port or 0))))
            body = b'{"question": "Where?"}'
            line.sendall(b"POST /questions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n%b" % (len(body), body))  # fmt: skip

        for _ in range(16):
            ask()
        eventually(lambda: redis.cli("llen", "lesson15.chat_processing", db=1) == "16", "they aren't asked")
        answer = asked(http)
        assert refused(answer) == (503, "unavailable")
        assert "16 questions" in answer.json()["error"]["message"]
        assert redis.cli("llen", "lesson15.chat_processing", db=1) == "16"
        stack.close()
        eventually(lambda: redis.cli("pubsub", "channels", "celery-task-meta-*") == "", "their places aren't freed")
        ask()
        eventually(lambda: redis.cli("llen", "lesson15.chat_processing", db=1) == "17", "it isn't asked")


ENDPOINTS = [
    ("GET", "/documents"),
    ("POST", "/documents"),
    ("GET", "/documents/1"),
    ("POST", "/start/1"),
    ("POST", "/documents/1/retry"),
    ("GET", "/documents/1/events"),
    ("DELETE", "/documents/2"),
]


# A connection may wait for an hour, so only what bounds a request can end it: no client here waits for that long.
PATIENT = "from lesson15 import database; database.SILENCE = 3600"


async def crowd(port: str) -> set[int]:
    """Twenty clients at each endpoint at once: all statuses."""
    options = {"trust_env": False, "timeout": 60, "limits": httpx.Limits(max_connections=None)}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", **options) as http:  # type: ignore[arg-type]

        async def ask(method: str, path: str) -> int:
            files = {"file": ("a.txt", b"text")} if (method, path) == ("POST", "/documents") else None
            async with http.stream(method, path, files=files) as answer:  # events may never end
                return answer.status_code

        return set(await asyncio.gather(*(ask(*endpoint) for endpoint in ENDPOINTS for _ in range(20))))


@once
def test_a_database_that_stops_is_503_in_time_and_all_is_well_when_it_continues() -> None:
    """Its kernel still takes all that is sent. A stream of all events begins anyway, with a comment."""
    api = shlex.join(["python", "-c", f"{PATIENT}; from lesson15 import api; api.main()"])
    commands = {"api": api, "postgres": LESSON.processes["postgres"]}
    with islands.island("embedded", commands, "/health") as island, client(island.api) as http:
        usual = {200, 202, 204, 404, 409}
        assert asyncio.run(crowd(island.api)) <= usual
        tree = psutil.Process(island.started["postgres"].pid).children(recursive=True)
        server = [process for process in tree if process.name() == "postgres"]
        assert server
        for process in server:
            process.suspend()
        try:
            assert asyncio.run(crowd(island.api)) == {503}
            assert http.get("/health").status_code == 200
            with http.stream("GET", "/events") as stream:
                assert next(stream.iter_lines()).startswith(":")
        finally:
            for process in server:
                process.resume()
        eventually(lambda: http.get("/documents").status_code == 200, "it doesn't recover")
        assert asyncio.run(crowd(island.api)) <= usual
        assert upload(http, "whales.txt", essay()).status_code == 202


@once
def test_a_database_that_never_says_a_word_is_503_in_time(tmp_path: Path) -> None:
    """As above, from the first request on: the port takes connections, and nobody reads them."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg2://postgres@127.0.0.1:{silent.getsockname()[1]}/celery_jobs"
        port = free_port()
        env = {**os.environ, "API_PORT": port, "APP_DATABASE_URL": url}
        serve = f"import uvicorn; uvicorn.run('lesson15.api:app', port={port})"  # main() would wait for the tables
        command = shlex.join([sys.executable, "-c", f"{PATIENT}; {serve}"])
        with running({"api": command}, tmp_path, place=(tmp_path, env)):
            assert asyncio.run(crowd(port)) == {503}
