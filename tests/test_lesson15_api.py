"""Lesson 15's API: many requests at once, and servers that are down, slow or hang."""

import asyncio
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

import httpx
import psutil
import pytest
from playwright.sync_api import Page, expect

from classroom import catalog
from classroom.processes import running
from global_config import VECTOR_DATABASE_URL
from lesson15 import gate, store
from lesson15.client import events
from lesson15.database import ANSWER
from tests import island as islands
from tests.island import client, eventually, free_port
from tests.uploads import essay, processed, refused, sql, upload

LESSON = catalog.find("15")
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
    env = {**os.environ, "API_PORT": free_port(), "APP_DATABASE_URL": VECTOR_DATABASE_URL, **env}
    logs = Path(env["LESSONS_HOME"], "logs", f"lesson15-{env['API_PORT']}")
    with running({"api": "python -m lesson15.api"}, logs, place=(Path.cwd(), env)), client(env["API_PORT"]) as http:
        yield http


def timed(send: Callable[[], httpx.Response]) -> tuple[httpx.Response, float]:
    began = monotonic()
    return send(), monotonic() - began


def asked(http: httpx.Client, question: str = "Where?") -> tuple[httpx.Response, float]:
    return timed(lambda: http.post("/questions", json={"question": question}))


@once
@live
def test_a_redis_that_is_down_hangs_or_ends_delays_nobody(redis: Redis, tmp_path: Path) -> None:
    """An upload is taken, a question is Busy in time: if Redis is broker and backend, and if only backend."""
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


# Pages of other sites, slow clients, and what is odd.


def said(line: socket.socket) -> tuple[int, str]:
    """The same, of what comes over a plain connection."""
    received = b""
    while not received.endswith(b"}}"):
        more = line.recv(10_000)
        assert more, received
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    return refused(httpx.Response(int(head.split()[1]), content=body))


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
        assert http.get("/documents?limit=1", headers=headers).status_code == 200, headers
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
        for method, path in (
            ("POST", "/documents"),
            ("GET", "/documents"),
            ("GET", "/"),
            ("GET", "/health"),
            ("GET", "/nowhere"),
        ):
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
    """600 half-sent headers where 400 files may be open: others are answered, and in the end the slow ones are, too.

    A large file that takes longer than a turn, but keeps coming, is accepted.
    """
    env = {**os.environ, "API_PORT": free_port()}
    hurried = "from lesson15 import api, slow_clients; slow_clients.TURN, slow_clients.LEAST = 4, 50_000; api.main()"
    command = shlex.join(["sh", "-c", f"ulimit -n 400; exec {sys.executable} -c '{hurried}'"])
    with (
        running({"api": command}, Path(env["LESSONS_HOME"], "logs", "lesson15-slow"), place=(Path.cwd(), env)) as logs,
        client(env["API_PORT"]) as honest,
        ExitStack() as stack,
    ):
        slow = []
        for _ in range(600):
            slow.append(stack.enter_context(socket.create_connection(("127.0.0.1", int(env["API_PORT"])), timeout=30)))
            slow[-1].sendall(b"POST /questions HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        for _ in range(20):
            with client(env["API_PORT"]) as newcomer:  # on a connection of its own
                assert newcomer.get("/documents?limit=1").status_code == 200
        assert said(slow[0]) == (503, "unavailable")
        assert said(slow[-1]) == (408, "too_slow")
        for length, begun in (1000, b"{"), (900_000, b" " * 100_000):  # the second is more than uvicorn reads in one go
            head = f"POST /questions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()
            with socket.create_connection(("127.0.0.1", int(env["API_PORT"])), timeout=30) as body:
                body.sendall(head + begun)
                assert said(body) == (408, "too_slow")

        def steady() -> Iterator[bytes]:
            yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
            for _ in range(10):
                sleep(1)
                yield essay(900)
            yield b"\r\n--x--\r\n"

        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        assert honest.post("/documents?start=false", content=steady(), headers=kind).status_code == 202
        assert honest.get("/health").status_code == 200
        assert logs["api"].stat().st_size < 10_000


# A database that hangs.


ENDPOINTS = [
    ("GET", "/documents"),
    ("POST", "/documents"),
    ("GET", "/documents/1"),
    ("POST", "/start/1"),
    ("POST", "/documents/1/retry"),
    ("GET", "/documents/1/events"),
    ("DELETE", "/documents/2"),
]


async def crowd(port: str) -> tuple[set[int], float]:
    """Twenty clients at each endpoint at once: all statuses, and the seconds that the slowest answer took."""
    options = {"trust_env": False, "timeout": 60, "limits": httpx.Limits(max_connections=None)}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", **options) as http:  # type: ignore[arg-type]

        async def ask(method: str, path: str) -> tuple[int, float]:
            began = monotonic()
            files = {"file": ("a.txt", b"text")} if (method, path) == ("POST", "/documents") else None
            async with http.stream(method, path, files=files) as answer:  # events may never end
                return answer.status_code, monotonic() - began

        answers = await asyncio.gather(*(ask(*endpoint) for endpoint in ENDPOINTS for _ in range(20)))
    return {status for status, _ in answers}, max(seconds for _, seconds in answers)


@once
def test_a_database_that_stops_is_503_in_time_and_all_is_well_when_it_continues() -> None:
    """Its kernel still takes all that is sent. A stream of all events begins anyway, with a comment."""
    commands = {name: LESSON.processes[name] for name in ("api", "postgres")}
    with islands.island("embedded", commands, "/health") as island, client(island.api) as http:
        usual = {200, 202, 204, 404, 409}
        assert asyncio.run(crowd(island.api))[0] <= usual
        tree = psutil.Process(island.started["postgres"].pid).children(recursive=True)
        server = [process for process in tree if process.name() == "postgres"]
        assert server
        for process in server:
            process.suspend()
        try:
            statuses, slowest = asyncio.run(crowd(island.api))
            assert statuses == {503}
            assert slowest < 4 * ANSWER
            assert http.get("/health").status_code == 200
            with http.stream("GET", "/events") as stream:
                assert next(stream.iter_lines()).startswith(":")
        finally:
            for process in server:
                process.resume()
        eventually(lambda: http.get("/documents").status_code == 200, "it doesn't recover", 30)
        assert asyncio.run(crowd(island.api))[0] <= usual
        assert upload(http, "whales.txt", essay()).status_code == 202


@once
def test_a_database_that_never_says_a_word_is_503_in_time(tmp_path: Path) -> None:
    """As above, from the first request on: the port takes connections, and nobody reads them."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg2://postgres@127.0.0.1:{silent.getsockname()[1]}/celery_jobs"
        port = free_port()
        env = {**os.environ, "API_PORT": port, "APP_DATABASE_URL": url}
        command = f"{sys.executable} -m uvicorn lesson15.api:app --port {port}"  # main() would wait for the tables
        with running({"api": command}, tmp_path, place=(tmp_path, env)):
            statuses, slowest = asyncio.run(crowd(port))
    assert statuses == {503}
    assert slowest < 4 * ANSWER


# What is odd.


@once
@live
def test_a_full_disk_is_507_and_logged(tmp_path: Path) -> None:
    """While an upload is still being received: it is kept in TMPDIR first."""
    env = {**os.environ, "API_PORT": free_port()}
    command = "sh -c 'ulimit -f 4000; exec python -m lesson15.api'"  # no file over 2 or 4 MB, by the shell
    with running({"api": command}, tmp_path, place=(Path.cwd(), env)) as logs, client(env["API_PORT"]) as http:
        assert refused(upload(http, "whales.txt", b"a" * 6_000_000)) == (507, "disk_full")
        assert "a file can't be written: [Errno" in logs["api"].read_text()
        assert upload(http, "whales.txt", essay()).status_code == 202


@live
def test_an_odd_length_or_token_is_refused(http: httpx.Client) -> None:
    """4xx in the one shape, also for what no header may carry."""
    for length in b"x", b"-1", b"1_0", b"9" * 5000, b"\xc3\xa9", b"":
        with socket.create_connection(("127.0.0.1", int(os.environ["API_PORT"])), timeout=30) as line:
            line.sendall(b"POST /questions HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + b"\r\n\r\n")
            assert said(line) == (400, "bad_request"), length
    with api(API_TOKEN="s3cret") as stranger:
        for token in (
            b"Bearer s\xe9cret",
            "Bearer s\u00e9cret".encode(),
            b"Basic \xff\xfe",
            b"Basic \xc3\xa9",
            b"\xff",
            b"",
        ):
            answer = stranger.get("/documents", headers={"Authorization": token})
            assert refused(answer) == (401, "unauthorized"), token


@live
def test_a_number_that_nothing_has_reached_gives_all_events(http: httpx.Client) -> None:
    """It can't be from here: nothing is waited for in silence, and nothing is left out, also after the end."""
    document = processed(http, "whales.txt", essay())
    path = f"/documents/{document['id']}/events"
    told = list(events(path))
    assert list(events(path, document["last_event"] + 1000)) == told
    every = events("/events", store.last_event() + 1000)
    first = sql("SELECT min(id) FROM lesson15.events")[0][0]
    assert next(every)["number"] == first
    running = upload(http, "whales.txt", essay(), start="false").json()["document_id"]
    alive = events(f"/documents/{running}/events", 10**9)
    assert next(alive)["status"] == "STORED"
    http.post(f"/start/{running}")
    assert [event["status"] for event in alive][-1] == "COMPLETED"


# The page.


@once
@live
def test_many_tabs_share_one_stream(page: Page, http: httpx.Client) -> None:
    """A browser has six connections to a server. Seven tabs show what happens, also once the listening one is gone."""
    assert page.context.browser
    tabs = page.context.browser.new_context(base_url=f"http://127.0.0.1:{os.environ['API_PORT']}")
    streams: list[str] = []
    tabs.on("request", lambda request: streams.append(request.url) if request.url.endswith("/events") else None)
    pages = [tabs.new_page() for _ in range(7)]
    for tab in pages:
        tab.goto("/")
        expect(tab.locator("#line")).to_have_text("live")
    assert len(streams) == 1

    def all_show(name: str) -> None:
        document = upload(http, name, essay()).headers["Location"]
        for tab in pages:
            expect(tab.locator(".document", has_text=name).locator(".status")).to_have_text("completed", timeout=30_000)
            assert tab.evaluate(f"async () => (await fetch('{document}')).status") == 200

    all_show("seven.txt")
    pages.pop(0).close()
    for tab in pages:
        expect(tab.locator("#line")).to_have_text("live")
    eventually(lambda: tab_listens(pages[0], streams), "no other tab listens")
    all_show("six.txt")
    assert len(streams) == 2
    tabs.close()


def tab_listens(tab: Page, streams: list[str]) -> bool:
    """Whether another stream was opened; Playwright sees requests only while it is asked something."""
    tab.evaluate("0")
    return len(streams) == 2
