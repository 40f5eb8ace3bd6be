"""Lesson 15's API: many requests at once, and servers that are down, slow or hang."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic

import httpx
import pytest

from classroom.processes import running
from tests.island import client, eventually, free_port
from tests.uploads import essay, processed, refused, upload

live = pytest.mark.usefixtures("workers")
once = pytest.mark.once


@pytest.fixture(scope="module")
def http(workers: dict[str, Path]) -> Iterator[httpx.Client]:
    """The lesson's API, with its workers."""
    with client(os.environ["API_PORT"]) as http:
        yield http


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


# A Redis that is down, hangs, or ends.


class Redis:
    """A Redis of our own, which can be stopped and killed."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        eventually(self.listens, "Redis doesn't start")

    def listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", int(self.port)), timeout=1):
            return True
        return False

    def cli(self, *command: str, db: int = 0) -> str:
        """What Redis answers."""
        asks = ["redis-cli", "-p", self.port, "-n", str(db), *command]
        return subprocess.run(asks, capture_output=True, text=True, check=True).stdout.strip()

    def stop(self) -> None:
        """Have it hang: its kernel takes connections, and it never answers."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def end(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def redis() -> Iterator[Redis]:
    redis = Redis()
    yield redis
    redis.end()


@contextmanager
def api(**env: str) -> Iterator[httpx.Client]:
    """An API of our own, without workers, on the database that is there."""
    env = {**os.environ, "API_PORT": free_port(), **env}
    logs = Path(env["LESSONS_HOME"], "logs", f"lesson15-{env['API_PORT']}")
    with running({"api": "python -m lesson15.api"}, logs, room=(Path.cwd(), env)), client(env["API_PORT"]) as http:
        yield http


def timed(send: Callable[[], httpx.Response]) -> tuple[httpx.Response, float]:
    began = monotonic()
    return send(), monotonic() - began


def asked(http: httpx.Client, question: str = "Where?") -> tuple[httpx.Response, float]:
    return timed(lambda: http.post("/questions", json={"question": question}))


@once
@live
def test_a_redis_that_is_down_hangs_or_ends_delays_nobody(redis: Redis, tmp_path: Path) -> None:
    """An upload is taken, a question is Busy in time; first for the broker and the results, then for the results only."""
    both = {"REDIS_BROKER_URL": f"{redis.url}/1", "REDIS_URL": f"{redis.url}/0"}
    results = {"REDIS_BROKER_URL": "filesystem://localhost//redis", "REDIS_URL": f"{redis.url}/0"}
    for urls in both, results:
        with api(**urls, LESSONS_HOME=str(tmp_path), ANSWER_SECONDS="3") as http, ThreadPoolExecutor(16) as threads:

            def busy(count: int = 1, http: httpx.Client = http, threads: ThreadPoolExecutor = threads) -> float:
                """The seconds that the slowest of `count` questions took, all of which are refused."""
                answers = list(threads.map(lambda _: asked(http), range(count)))
                assert {refused(answer) for answer, _ in answers} == {(503, "unavailable")}
                return max(seconds for _, seconds in answers)

            # Refused.
            answer, seconds = timed(lambda: upload(http, "whales.txt", essay()))
            assert (answer.status_code, seconds < 3) == (202, True), seconds
            retry, seconds = timed(lambda: http.post(f"{answer.headers['Location']}/retry"))  # noqa: B023
            assert (retry.status_code, seconds < 3) == (202, True), seconds
            assert busy(16) < 4

            # Killed while questions wait; then there again.
            redis.start()
            waiting = threads.submit(busy, 1)
            eventually(lambda: redis.cli("pubsub", "channels", "celery-task-meta-*"), "it doesn't ask")
            redis.end()
            assert waiting.result(timeout=30) < 4
            redis.start()
            assert 3 <= busy() < 5  # it is sent, and no chat worker is there

            # Stopped.
            redis.stop()
            answer, seconds = timed(lambda: upload(http, "whales.txt", essay()))
            assert (answer.status_code, seconds < 6) == (202, True), seconds
            assert busy(16) < 5
            redis.end()


@once
@live
def test_abandoned_questions_keep_no_places(redis: Redis, tmp_path: Path) -> None:
    """While 16 questions wait, another one is Busy at once; when their clients leave, their places are free again."""
    redis.start()
    urls = {"REDIS_BROKER_URL": f"{redis.url}/1", "REDIS_URL": f"{redis.url}/0"}
    with api(**urls, LESSONS_HOME=str(tmp_path), ANSWER_SECONDS="60") as http, ExitStack() as stack:
        for _ in range(16):
            line = stack.enter_context(socket.create_connection((http.base_url.host, int(http.base_url.port or 0))))
            body = b'{"question": "Where?"}'
            line.sendall(b"POST /questions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n%b" % (len(body), body))  # fmt: skip
        eventually(lambda: redis.cli("llen", "lesson15.chat_processing", db=1) == "16", "they aren't asked")
        answer, seconds = asked(http)
        assert refused(answer) == (503, "unavailable")
        assert "16 questions" in answer.json()["error"]["message"]
        assert seconds < 2
        assert redis.cli("llen", "lesson15.chat_processing", db=1) == "16"
        stack.close()
        eventually(lambda: redis.cli("pubsub", "channels", "celery-task-meta-*") == "", "their places aren't freed")
        with suppress(httpx.ReadTimeout):
            http.post("/questions", json={"question": "Where?"}, timeout=1)
        assert redis.cli("llen", "lesson15.chat_processing", db=1) == "17"
