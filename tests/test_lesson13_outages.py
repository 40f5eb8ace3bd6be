"""Lesson 13's claims about bad days: servers that stop, hang and come back, and no worker at all."""

import json
import os
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPResponse
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from lesson13.celery_app import PATIENCE
from tests import island as islands
from tests.island import Island, Redis, client, eventually, free_port
from tests.results import ended

API = "python -m lesson13.api"
GIVES_UP = 15  # seconds until a caller here gives up; with the defaults, Celery goes on trying for 19, or forever


class Servers:
    """An island's broker and result store, which can be stopped and started again: two Redis, or files."""

    def __init__(self, profile: str) -> None:
        self.redis = {name: Redis() for name in ("broker", "result store")} if profile == "services" else {}
        self.home = Path()
        for one in self.redis.values():
            one.start()

    def env(self) -> dict[str, str]:
        """Where they are; files are in the island's own home."""
        if not self.redis:
            return {}
        return {
            "REDIS_BROKER_URL": f"{self.redis['broker'].url}/1",
            "REDIS_URL": f"{self.redis['result store'].url}/0",
        }

    def file(self, server: str) -> Path:
        return self.home / {"broker": "messages", "result store": "redis.sqlite"}[server]

    def stop(self, server: str) -> None:
        """No goodbye. On files: what they lie in is out of reach."""
        if self.redis:
            self.redis[server].end()
        else:
            self.file(server).rename(self.home / "hidden")
            if server == "result store":
                self.file(server).mkdir()  # or else SQLite would make a new file

    def start(self, server: str) -> None:
        if self.redis:
            self.redis[server].start()
        else:
            if server == "result store":
                self.file(server).rmdir()
            (self.home / "hidden").rename(self.file(server))

    def close(self) -> None:
        for one in self.redis.values():
            one.end()


@pytest.fixture(scope="module")
def servers(profile: str) -> Iterator[Servers]:
    """Servers of our own. Skips, or fails, if they would be Redis and it isn't installed."""
    if profile == "services" and not shutil.which("redis-server"):
        missing = "redis-server isn't installed; on Debian: apt install redis-server"
        pytest.fail(missing) if os.environ.get("LESSONS_REQUIRE_SERVICES") else pytest.skip(missing)
    servers = Servers(profile)
    try:
        yield servers
    finally:
        servers.close()


@pytest.fixture(scope="module")
def island(servers: Servers) -> Iterator[Island]:
    """An API on those servers; no worker is there."""
    with islands.island("embedded", {"api": API}, "/", **servers.env()) as island:
        servers.home = island.home
        yield island


@pytest.fixture(scope="module")
def lonely(island: Island) -> Iterator[httpx.Client]:
    """The API on the island."""
    with client(island.api) as http:
        yield http


@contextmanager
def another_api(island: Island, **env: str) -> Iterator[httpx.Client]:
    """One more API on the island, in this environment."""
    port = free_port()
    with island.process("api", API, API_PORT=port, **env), client(port) as http:
        yield http


def ask(http: httpx.Client, method: str, path: str, body: dict | None = None) -> httpx.Response:
    """The answer of an API whose servers are in trouble: it comes before a caller gives up."""
    return http.request(method, path, json=body, timeout=GIVES_UP)


def came_in(silent: socket.socket) -> int:
    """How many have connected to a port whose connections are never read, since the last look."""
    silent.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            silent.accept()[0].close()
            count += 1
    return count


def test_an_id_is_known_before_any_worker_and_after_a_restart(island: Island, lonely: httpx.Client) -> None:
    """Waiting is PENDING, never issued is 404, for each API process; then a worker comes, and the work is done."""
    url = lonely.post("/add", json={"x": 2, "y": 5}).json()["result_url"]
    group = lonely.post("/group", json={"numbers": [1, 2]}).json()["result_url"]
    with another_api(island) as another:
        for http in lonely, another:
            assert http.get(url).json()["state"] == "PENDING"
            assert http.get(group).json()["state"] == "PENDING"
            assert http.get(f"/result/{uuid4()}").status_code == 404
    assert lonely.get("/ready").json()["error"]["message"].startswith("No worker answers.")
    with island.process("worker", "celery -A lesson13.tasks worker --loglevel=info --hostname=island@%h"):
        assert ended(lonely, url)["result"] == 7
        assert ended(lonely, group)["result"] == [1, 4]
        eventually(lambda: lonely.get("/ready").status_code == 200, "the worker doesn't answer")


def test_callers_who_wait_take_no_threads(lonely: httpx.Client) -> None:
    """Sixty wait for what no worker does, more than there are threads; others are served meanwhile."""
    url = lonely.post("/add", json={"x": 2, "y": 5}).json()["result_url"]
    port = int(lonely.base_url.port or 0)
    with ExitStack() as stack:
        crowd = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60)) for _ in range(60)]
        for line in crowd:
            line.sendall(f"GET {url}?wait=6 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert lonely.post("/add", json={"x": 2, "y": 5}).status_code == 202  # asked after all of them
        assert select.select(crowd, [], [], 0)[0] == []  # and answered before any of them
        for line in crowd:
            answer = stack.enter_context(HTTPResponse(line))
            answer.begin()
            assert json.load(answer)["state"] == "PENDING"


@pytest.mark.parametrize("server", ["broker", "result store"])
def test_a_server_that_is_down_is_503_within_a_second_until_it_is_back(
    servers: Servers, lonely: httpx.Client, server: str
) -> None:
    """Nothing has to be restarted; what doesn't need the server goes on."""
    known = lonely.post("/add", json={"x": 1, "y": 1}).json()["result_url"]
    works = ("/add", {"x": 2, "y": 5}), ("/group", {"numbers": [1, 2]}), ("/chord", {"numbers": [1, 2]})
    servers.stop(server)
    try:
        for path, body in works:
            answer = ask(lonely, "POST", path, body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable"), path
            assert f"The {server} doesn't answer" in answer.text
        assert ask(lonely, "GET", known).status_code == (200 if server == "broker" else 503)
        assert lonely.get("/").status_code == 200
        assert f"The {server} doesn't answer" in ask(lonely, "GET", "/ready").text
    finally:
        servers.start(server)
    for path, body in works:
        assert lonely.post(path, json=body).status_code == 202, path


@pytest.mark.parametrize("server", ["broker", "result store"])
def test_a_server_that_hangs_is_503_within_a_second_and_holds_nobody_up(
    servers: Servers, lonely: httpx.Client, server: str, profile: str
) -> None:
    """A frozen server keeps its connections; sixteen callers at once learn it, and the event loop goes on."""
    if profile == "embedded":
        pytest.skip("files don't hang")
    known = lonely.post("/add", json={"x": 1, "y": 1}).json()["result_url"]
    servers.redis[server].freeze()
    try:
        with ThreadPoolExecutor(16) as threads:
            sent = [threads.submit(ask, lonely, "POST", "/add", {"x": 2, "y": 5}) for _ in range(8)]
            read = [threads.submit(ask, lonely, "GET", known) for _ in range(8)]
            assert ask(lonely, "GET", "/").status_code == 200
        assert {each.result().status_code for each in sent} == {503}
        assert {each.result().status_code for each in read} == {200 if server == "broker" else 503}
    finally:
        servers.redis[server].thaw()
    eventually(lambda: lonely.post("/add", json={"x": 2, "y": 5}).status_code == 202, "it doesn't recover")


def test_servers_that_never_answer_are_503_within_a_second(island: Island) -> None:
    """As above from the first request on: these ports take connections, and nobody reads them. On each profile.

    Each try to reach a server may take PATIENCE seconds: so many are made that all of them take less than a second.
    """
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        broker, results = (f"redis://127.0.0.1:{each.getsockname()[1]}" for each in silent)
        http = stack.enter_context(another_api(island, REDIS_BROKER_URL=broker))
        other = stack.enter_context(another_api(island, REDIS_URL=results))
        for one, server in (http, silent[0]), (other, silent[1]):
            came_in(server)  # before the first request
            assert ask(one, "POST", "/add", {"x": 2, "y": 5}).status_code == 503
            assert 0 < came_in(server) * PATIENCE < 1


def test_a_result_store_that_goes_between_record_and_sending_holds_nobody_up() -> None:
    """Celery reaches for it once more when a chord is sent, and by default goes on trying for 19 seconds.

    This counts the seconds for which it means to sleep between its tries: refused, a try takes no time.
    """
    count = "import time; slept = []; time.sleep = slept.append"  # before others import it
    fetch = "from lesson13 import service, store; store.issue = lambda task_id: None"
    command = f"{count}\n{fetch}\ntry: service.sum_of_squares([1, 2])\nexcept store.Unavailable: print(sum(slept) < 1)"
    env = {**os.environ, "REDIS_URL": "redis://127.0.0.1:1"}
    tried = subprocess.run([sys.executable, "-c", command], env=env, capture_output=True, text=True, timeout=60)
    assert tried.stdout == "True\n", tried.stderr


def test_under_load_a_broken_broker_costs_refusals_and_never_an_accepted_id(
    servers: Servers, lonely: httpx.Client
) -> None:
    """Eight callers, while the broker goes and comes back: each answer is 202 or 503, and each id given is known."""
    stopped = False
    answers: list[httpx.Response] = []

    def go_on() -> None:
        with httpx.Client(base_url=lonely.base_url, trust_env=False, timeout=20) as mine:
            while not stopped:
                answers.append(mine.post("/add", json={"x": 2, "y": 5}))

    def some_are(status: int) -> None:
        """Return when ten more answers have come with this status."""
        seen = len(answers)
        eventually(lambda: sum(one.status_code == status for one in answers[seen:]) >= 10, f"no {status} comes")

    with ThreadPoolExecutor(8) as threads:
        callers = [threads.submit(go_on) for _ in range(8)]
        try:
            some_are(202)
            servers.stop("broker")
            some_are(503)
            servers.start("broker")
            some_are(202)
        finally:
            stopped = True
    assert all(caller.result() is None for caller in callers)
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {202, 503}
    urls = [answer.json()["result_url"] for answer in answers if answer.status_code == 202]
    assert all(lonely.get(url).status_code == 200 for url in urls[:50] + urls[-50:])
