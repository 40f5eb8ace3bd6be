"""Lesson 13's claims: the API before a live worker, and beside servers that stop, hang and come back."""

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

import httpx
import pytest
import uvicorn
from celery import chain
from fastapi import FastAPI
from kombu.exceptions import EncodeError
from redis import Redis
from redis.exceptions import RedisError

import global_config
from classroom.processes import running
from global_config import REDIS_URL
from lesson13 import api, documents, errors, gate, service, store, tasks
from lesson13.celery_app import never_waiting
from lesson13.names import TaskNames
from lesson13.schemas import Outcome
from tests.island import client, eventually, free_port

WITHIN = 1.0  # seconds: the promise for a server that is down
ALL_TASKS = {"lesson13.arithmetic", "lesson13.documents", "lesson13.requests", "lesson13.tasks"}


@pytest.fixture(scope="module")
def http(workers: dict[str, Path]) -> Iterator[httpx.Client]:
    """The lesson's API, with its worker."""
    with client(os.environ["API_PORT"]) as http:
        yield http


def outcome(http: httpx.Client, accepted: httpx.Response) -> dict[str, Any]:
    """What became of accepted work, once it has ended."""
    assert accepted.status_code == 202, accepted.text
    return dict(http.get(accepted.json()["result_url"], params={"wait": 10}).raise_for_status().json())


class Island:
    """An API on servers of its own, which can be stopped, frozen and started again; no worker is there."""

    def __init__(self, folder: Path, profile: str) -> None:
        self.home, self.servers = folder / "home", {"broker": int(free_port()), "result store": int(free_port())}
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self.files = {"broker": self.home / "messages", "result store": self.home / "redis.sqlite"}
        self.env = {**os.environ, "LESSONS_HOME": str(self.home)}
        self.real = profile == "services"
        self.home.mkdir()
        if self.real:
            broker, results = self.servers.values()
            self.env |= {
                "REDIS_BROKER_URL": f"redis://127.0.0.1:{broker}/1",
                "REDIS_URL": f"redis://127.0.0.1:{results}/0",
            }
            for server in self.servers:
                self.start(server)

    @contextmanager
    def process(self, name: str, command: str, **env: str) -> Iterator[Path]:
        """Another process on this island; yields its log."""
        room = (self.home, {**self.env, **env})
        with running({name: command}, self.home / f"logs-{uuid4()}", deadline=30, place=room) as logs:
            yield logs[name]

    @contextmanager
    def api(self, **env: str) -> Iterator[httpx.Client]:
        port = free_port()
        with self.process("api", "python -m lesson13.api", API_PORT=port, **env), client(port) as http:
            yield http

    def stop(self, server: str) -> None:
        """No goodbye. On files: what they lie in is out of reach."""
        if self.real:
            self.started[server].kill()
            self.started[server].wait()
        else:
            self.files[server].rename(self.home / "hidden")
            if server == "result store":
                self.files[server].mkdir()  # or else SQLite would make a new file

    def start(self, server: str) -> None:
        if self.real:
            port = self.servers[server]
            command = f"redis-server --port {port} --bind 127.0.0.1 --appendonly no --dir {self.home}"
            self.started[server] = subprocess.Popen(command.split(), stdout=subprocess.DEVNULL)
            eventually(lambda: answers(port), f"Redis doesn't start at {port}")
        else:
            if server == "result store":
                self.files[server].rmdir()
            (self.home / "hidden").rename(self.files[server])

    def freeze(self, server: str, number: signal.Signals = signal.SIGSTOP) -> None:
        """It takes connections, and never says a word; SIGCONT thaws it."""
        self.started[server].send_signal(number)

    def close(self) -> None:
        for server in self.started.values():
            server.kill()
            server.wait()


def answers(port: int) -> bool:
    try:
        return bool(Redis(port=port).ping())
    except RedisError:
        return False


@pytest.fixture(scope="module")
def island(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Island]:
    """Servers of our own; on the services profile two Redis servers. Skips, or fails, where Redis isn't installed."""
    profile = request.config.getoption("--profile")
    if profile == "services" and not shutil.which("redis-server"):
        missing = "redis-server isn't installed; on Debian: apt install redis-server"
        pytest.fail(missing) if os.environ.get("LESSONS_REQUIRE_SERVICES") else pytest.skip(missing)
    island = Island(tmp_path_factory.mktemp("island"), profile)
    try:
        yield island
    finally:
        island.close()


@pytest.fixture(scope="module")
def lonely(island: Island) -> Iterator[httpx.Client]:
    """The API on the island."""
    with island.api() as http:
        yield http


def within(app: FastAPI | gate.Gate, path: str, **headers: str | bytes) -> httpx.Response:
    """What this application answers to a GET, in this process."""

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return await http.get(path, headers=[(name.encode(), value) for name, value in headers.items()])

    return asyncio.run(go())


def timed(http: httpx.Client, method: str, path: str, body: dict | None = None) -> tuple[httpx.Response, float]:
    started = perf_counter()
    return http.request(method, path, json=body), perf_counter() - started


def promptly(http: httpx.Client, method: str, path: str, body: dict | None = None) -> httpx.Response:
    """The answer, within a second; two more tries for a machine that runs other tests at the same time."""
    for _ in range(3):
        answer, seconds = timed(http, method, path, body)
        if seconds < WITHIN:
            return answer
    raise AssertionError(f"{path} took {seconds:.2f} s")


# What it promises of results


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
    seen: set[str] = set()
    for _ in range(3):
        url = http.post("/documents/count", json={"name": "walden.txt"}).json()["result_url"]
        while (state := http.get(url).json()["state"]) not in ("PROGRESS", "SUCCESS"):
            seen.add(state)
        if "STARTED" in seen:
            break
    assert "STARTED" in seen


@pytest.mark.once
def test_a_task_cannot_be_a_coroutine(tmp_path: Path) -> None:
    """Of an async def no line is run, and its task fails, or even succeeds; a plain task may run one to its end."""
    (tmp_path / "mixed.py").write_text(
        "import asyncio\n"
        "from lesson13.tasks import app\n"
        "app.conf.task_default_queue = 'lesson13-mixed'\n"
        "async def work(mark):\n"
        "    open(mark, 'x').close()\n"
        "    return 'done'\n"
        "app.task(name='mixed.never')(work)\n"
        "app.task(name='mixed.ignored', ignore_result=True)(work)\n"
        "@app.task(name='mixed.to_its_end')\n"
        "def to_its_end(mark): return asyncio.run(work(mark))\n"
    )
    line = "celery -A mixed worker --pool=solo --hostname=mixed@%h --loglevel=info"
    with running({"worker": line}, tmp_path, place=(tmp_path, dict(os.environ))) as logs:
        _, never, to_its_end = (
            tasks.app.send_task(f"mixed.{name}", args=[name], queue="lesson13-mixed")
            for name in ("ignored", "never", "to_its_end")
        )
        with pytest.raises(EncodeError, match="Object of type coroutine is not JSON serializable"):
            never.get(timeout=10)
        assert never.state == "FAILURE"
        assert to_its_end.get(timeout=10) == "done"
        assert re.search(r"Task mixed\.ignored\S+ succeeded", logs["worker"].read_text())
    assert (tmp_path / "to_its_end").exists()
    assert not (tmp_path / "never").exists()
    assert not (tmp_path / "ignored").exists()


def test_a_chain_with_a_link_that_no_worker_knows_stays_pending(http: httpx.Client) -> None:
    """The link has failed, and no worker tells the last one; a link that raises does (see the README's transcript)."""
    unknown = str(uuid4())
    links = [service.call(TaskNames.ADD, 1, 2), service.client.signature("nowhere.known", task_id=unknown)]
    last = service.send(chain([*links, service.call(TaskNames.ADD, 3)]))
    eventually(lambda: store.results.get_task_meta(unknown)["status"] == "FAILURE", "the link doesn't fail")
    assert http.get(f"/result/{last}", params={"wait": 0.5}).json()["state"] == "PENDING"


@pytest.mark.once
def test_messages_and_results_lie_in_two_databases_of_redis() -> None:
    """To empty one is not to lose the other."""
    services = global_config.PROFILES["services"]
    assert services["REDIS_BROKER_URL"] == "redis://localhost:6379/1"
    assert services["REDIS_URL"] == "redis://localhost:6379/0"


@pytest.mark.once
def test_the_state_of_a_group_sums_up_its_members() -> None:
    """PENDING until one begins, STARTED until all have ended, FAILURE if one failed."""
    for members, state in (
        (["PENDING", "PENDING"], "PENDING"),
        (["SUCCESS", "PENDING"], "STARTED"),
        (["FAILURE", "RETRY"], "STARTED"),
        (["SUCCESS", "FAILURE"], "FAILURE"),
        (["SUCCESS", "SUCCESS"], "SUCCESS"),
    ):
        told = store.of_group("an id", [Outcome(state=member) for member in members])
        assert told.state == state, members


def test_an_id_is_known_before_any_worker_and_after_a_restart(island: Island, lonely: httpx.Client) -> None:
    """Waiting is PENDING, never issued is 404, for each API process; then a worker comes, and the work is done."""
    url = lonely.post("/add", json={"x": 2, "y": 5}).json()["result_url"]
    group = lonely.post("/group", json={"numbers": [1, 2]}).json()["result_url"]
    with island.api() as another:
        for http in lonely, another:
            assert http.get(url).json()["state"] == "PENDING"
            assert http.get(group).json()["state"] == "PENDING"
            assert http.get(f"/result/{uuid4()}").status_code == 404
    assert lonely.get("/ready").json()["error"]["message"].startswith("No worker answers.")
    with island.process("worker", "celery -A lesson13.tasks worker --loglevel=info --hostname=island@%h"):
        assert lonely.get(url, params={"wait": 10}).json()["result"] == 7
        assert lonely.get(group, params={"wait": 10}).json()["result"] == [1, 4]
        assert lonely.get("/ready").status_code == 200


def test_what_was_issued_expires_like_a_result(http: httpx.Client, profile: str) -> None:
    """On Redis the record has Celery's result_expires, a day, to live."""
    task_id = http.post("/group", json={"numbers": [1]}).json()["task_id"]
    if profile == "services":
        assert 86000 < Redis.from_url(REDIS_URL).ttl(f"celery-task-meta-{task_id}") <= 86400
    assert service.client.conf.result_expires.days == 1


def test_callers_who_wait_take_no_threads(lonely: httpx.Client) -> None:
    """Sixty wait for what no worker does, more than there are threads; others are served meanwhile."""
    url = lonely.post("/add", json={"x": 2, "y": 5}).json()["result_url"]
    with client(lonely.base_url.port) as crowd, ThreadPoolExecutor(60) as threads:
        crowd.get("/")
        waiting = [threads.submit(crowd.get, url, params={"wait": 3}) for _ in range(60)]
        assert lonely.post("/add", json={"x": 2, "y": 5}).status_code == 202
        assert not any(each.done() for each in waiting)
        assert {each.result().json()["state"] for each in waiting} == {"PENDING"}


# Bad days


@pytest.mark.parametrize("server", ["broker", "result store"])
def test_a_server_that_is_down_is_503_within_a_second_until_it_is_back(
    island: Island, lonely: httpx.Client, server: str
) -> None:
    """Nothing has to be restarted; what doesn't need the server goes on."""
    known = lonely.post("/add", json={"x": 1, "y": 1}).json()["result_url"]
    works = ("/add", {"x": 2, "y": 5}), ("/group", {"numbers": [1, 2]}), ("/chord", {"numbers": [1, 2]})
    island.stop(server)
    try:
        for path, body in works:
            answer = promptly(lonely, "POST", path, body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable"), path
            assert f"The {server} doesn't answer" in answer.text
        assert promptly(lonely, "GET", known).status_code == (200 if server == "broker" else 503)
        assert lonely.get("/").status_code == 200
        assert f"The {server} doesn't answer" in promptly(lonely, "GET", "/ready").text
    finally:
        island.start(server)
    for path, body in works:
        assert lonely.post(path, json=body).status_code == 202, path


@pytest.mark.parametrize("server", ["broker", "result store"])
def test_a_server_that_hangs_is_503_within_a_second_and_holds_nobody_up(
    island: Island, lonely: httpx.Client, server: str, profile: str
) -> None:
    """A frozen server keeps its connections; sixteen callers at once learn it in time, and the event loop goes on."""
    if profile == "embedded":
        pytest.skip("files don't hang")
    known = lonely.post("/add", json={"x": 1, "y": 1}).json()["result_url"]
    island.freeze(server)
    try:
        for _ in range(3):  # tries, as in promptly()
            with ThreadPoolExecutor(16) as threads:
                sent = [threads.submit(timed, lonely, "POST", "/add", {"x": 2, "y": 5}) for _ in range(8)]
                read = [threads.submit(timed, lonely, "GET", known) for _ in range(8)]
                pulse = timed(lonely, "GET", "/")[1]
            assert {each.result()[0].status_code for each in sent} == {503}
            assert {each.result()[0].status_code for each in read} == {200 if server == "broker" else 503}
            slowest = max(pulse, *(each.result()[1] for each in (*sent, *read)))
            if slowest < WITHIN:
                break
        else:
            pytest.fail(f"it took {slowest:.2f} s")
    finally:
        island.freeze(server, signal.SIGCONT)
    eventually(lambda: lonely.post("/add", json={"x": 2, "y": 5}).status_code == 202, "it doesn't recover")


def test_servers_that_never_answer_are_503_within_a_second(island: Island) -> None:
    """As above from the first request on: these ports take connections, and nobody reads them. On each profile."""
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        broker, results = (f"redis://127.0.0.1:{each.getsockname()[1]}" for each in silent)
        http = stack.enter_context(island.api(REDIS_BROKER_URL=broker))
        other = stack.enter_context(island.api(REDIS_URL=results))
        for one in http, other:
            assert promptly(one, "POST", "/add", {"x": 2, "y": 5}).status_code == 503


def test_a_result_store_that_goes_between_record_and_sending_holds_nobody_up() -> None:
    """Celery reaches for it once more when a chord is sent, and by default goes on trying for 19 seconds."""
    fetch = "import time; from lesson13 import service, store; store.issue = lambda task_id: None; began = time.time()"
    command = f"{fetch}\ntry: service.sum_of_squares([1, 2])\nexcept store.Unavailable: print(time.time() - began < 3)"
    env = {**os.environ, "REDIS_URL": "redis://127.0.0.1:1"}
    tried = subprocess.run([sys.executable, "-c", command], env=env, capture_output=True, text=True, timeout=60)
    assert tried.stdout == "True\n", tried.stderr


def test_under_load_a_broken_broker_costs_refusals_and_never_an_accepted_id(
    island: Island, lonely: httpx.Client
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
        eventually(lambda: sum(one.status_code == status for one in answers[seen:]) >= 10, f"no {status} comes", 60)

    with ThreadPoolExecutor(8) as threads:
        callers = [threads.submit(go_on) for _ in range(8)]
        try:
            some_are(202)
            island.stop("broker")
            some_are(503)
            island.start("broker")
            some_are(202)
        finally:
            stopped = True
    assert all(caller.result() is None for caller in callers)
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {202, 503}
    urls = [answer.json()["result_url"] for answer in answers if answer.status_code == 202]
    assert all(lonely.get(url).status_code == 200 for url in urls[:50] + urls[-50:])


# Bad input

HEADERS = {"content-type": "application/json"}
BAD_BODIES: list[tuple[str, str | bytes, int]] = [
    ("/add", '{"x": NaN, "y": 1}', 422),
    ("/add", '{"x": Infinity, "y": 1}', 422),
    ("/add", '{"x": 1e400, "y": 1}', 422),
    ("/add", '{"x": 1e16, "y": 1}', 422),
    ("/add", '{"x": 1' + "0" * 400 + ', "y": 1}', 422),
    ("/add", '{"x": 1' + "0" * 5000 + ', "y": 1}', 400),  # more digits than Python reads
    ("/add", '{"x": "2", "y": 1}', 422),
    ("/add", '{"x": true, "y": 1}', 422),
    ("/add", '{"x": 2}', 422),
    ("/add", '{"x": 2, "y": 1, "z": 3}', 422),
    ("/add", '{"x": 2, "y": 1, "\\ud800": 3}', 422),
    ("/add", "[]", 422),
    ("/add", '{"x": 2', 422),
    ("/add", "", 422),
    ("/add", b'\xff{"x": 2}', 400),
    ("/add", "[" * 100_000, 400),
    ("/chain", '{"start": 2, "steps": []}', 422),
    ("/chain", '{"start": 2, "steps": [["power", 3]]}', 422),
    ("/chain", '{"start": 2, "steps": [["add", 3, 4]]}', 422),
    ("/chain", json.dumps({"start": 2, "steps": [["add", 1]] * 101}), 422),
    ("/group", '{"numbers": []}', 422),
    ("/group", json.dumps({"numbers": [1] * 101}), 422),
    ("/chord", json.dumps({"numbers": [1] * 300_000}), 422),
    ("/chord", json.dumps({"numbers": [1] * 1_000_000}), 413),
    *(
        ("/documents/count", json.dumps({"name": name}), 422)
        for name in ("../tasks.py", "..", ".", "/etc/passwd", "a/b", "a\\b", "a\0b", ".hidden", "", "a" * 101, "a\n")
    ),
]
NEVER_ISSUED = "6b0dedc0-f698-454f-abd4-7eb16453adef"  # written out: every test process must collect the same names
BAD_PATHS = [
    ("GET", "/add/nan/1", 422),
    ("GET", "/add/inf/1", 422),
    ("GET", "/add/1e99/1", 422),
    ("GET", "/add/two/1", 422),
    ("GET", "/result/42", 422),
    ("GET", "/result/%00", 422),
    ("GET", f"/result/{NEVER_ISSUED}?wait=nan", 422),
    ("GET", f"/result/{NEVER_ISSUED}?wait=11", 422),
    ("GET", f"/result/{NEVER_ISSUED}", 404),
    ("GET", "/nowhere", 404),
    ("DELETE", "/add", 405),
]


def is_an_error(answer: httpx.Response, status: int) -> bool:
    """Whether it has this status, and the one shape of an error."""
    assert answer.headers["content-type"] == "application/json"
    error = answer.json().pop("error")
    assert set(answer.json()) == {"error"}
    assert set(error) == {"code", "message"}
    assert error["code"] == errors.CODES[answer.status_code]
    assert error["message"].endswith(".")
    return answer.status_code == status


def said(line: socket.socket) -> httpx.Response:
    """The answer that comes over a plain connection."""
    received = b""
    while not received.endswith(b"}}"):
        more = line.recv(10_000)
        assert more, received
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    return httpx.Response(int(status.split()[1]), headers=[tuple(one.split(": ", 1)) for one in headers], content=body)


@pytest.mark.parametrize(("path", "body", "status"), BAD_BODIES, ids=[f"{p} {str(b)[:30]!r}" for p, b, _ in BAD_BODIES])
def test_a_bad_body_is_refused_in_the_one_shape(http: httpx.Client, path: str, body: str | bytes, status: int) -> None:
    """4xx with a code and a sentence, never 500."""
    assert is_an_error(http.post(path, content=body, headers=HEADERS), status)


@pytest.mark.parametrize(("method", "path", "status"), BAD_PATHS)
def test_a_bad_path_is_refused_in_the_one_shape(http: httpx.Client, method: str, path: str, status: int) -> None:
    """4xx with a code and a sentence, never 500."""
    assert is_an_error(http.request(method, path), status)


def test_a_body_that_does_not_tell_its_length_is_bounded_too(http: httpx.Client) -> None:
    """413 once a million bytes have come, though nobody said how many there would be."""

    def endless() -> Iterator[bytes]:
        for _ in range(2000):
            yield b" " * 1000

    assert is_an_error(http.post("/add", content=endless(), headers=HEADERS), 413)


def test_an_announced_body_is_refused_before_it_is_read() -> None:
    """Who announces ten million bytes is answered without having sent one."""
    with socket.create_connection(("127.0.0.1", int(os.environ["API_PORT"])), timeout=5) as line:
        line.sendall(b"POST /add HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n")
        assert is_an_error(said(line), 413)


@pytest.mark.once
def test_the_worker_does_not_trust_a_name_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other ways lead to a task than the API: it refuses a path that leads out, and a link that does."""
    monkeypatch.setattr(documents, "DATA", tmp_path)
    (tmp_path / "link.txt").symlink_to(__file__)
    for name in ("../secret", "/etc/passwd", "link.txt"):
        with pytest.raises(PermissionError, match="leads out"):
            documents.document(name)


@pytest.mark.once
def test_a_file_that_cannot_be_read_is_no_reason_to_tell_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop of links, a name that is too long, a folder without rights: callers read the exception's text."""
    monkeypatch.setattr(documents, "DATA", tmp_path)
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    (tmp_path / "there.txt").symlink_to("back.txt")
    (tmp_path / "back.txt").symlink_to("there.txt")
    for name in ("loop.txt", "there.txt", "é" * 100 + "한" * 90):
        with pytest.raises((PermissionError, FileNotFoundError)) as refused:
            documents.document(name)
        assert str(tmp_path) not in str(refused.value)
        assert name in str(refused.value)
    (tmp_path / "closed.txt").touch()
    monkeypatch.setattr(Path, "read_text", lambda file: (_ for _ in ()).throw(PermissionError(13, "no", str(file))))
    with pytest.raises(PermissionError, match=r"^closed\.txt can't be read$"):
        documents.count("closed.txt")


@pytest.mark.once
def test_no_task_runs_forever() -> None:
    """One that hangs would keep its process; each has the app's limits."""
    ours = [task for task in tasks.app.tasks.values() if task.__module__.startswith("lesson13.")]
    assert {(task.soft_time_limit, task.time_limit) for task in ours} == {(300, 330)}


@pytest.mark.once
def test_an_unforeseen_error_is_a_500_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one shape, and no word about our insides."""
    monkeypatch.setattr(service, "add", lambda x, y: 1 / 0)
    answer = within(api.api, "/add/1/2")
    assert is_an_error(answer, 500)
    assert "Zero" not in answer.text


@pytest.mark.once
def test_schemathesis_finds_nothing(http: httpx.Client, tmp_path: Path) -> None:
    """Made-up requests, from the OpenAPI document and against it: no 5xx, and each answer matches the document."""
    checked = subprocess.run(
        ["schemathesis", "run", f"{http.base_url}/openapi.json", "--seed=13", "--max-examples=3",
         "--phases=coverage,fuzzing"],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout
    assert "Tested: 10" in checked.stdout


# Who may come in


@pytest.mark.once
def test_with_a_token_every_route_but_health_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """401 in the one shape, for unknown routes and the documentation too."""
    monkeypatch.setenv("API_TOKEN", "s3cret")
    guarded = gate.Gate(api.api)
    assert within(guarded, "/").json() == {"status": "ok"}
    for path in ("/ready", "/result/42", "/openapi.json", "/docs", "/nowhere"):
        answer = within(guarded, path)
        assert is_an_error(answer, 401), path
        assert answer.headers["www-authenticate"] == "Bearer"
        for given in b"Bearer s3cre", b"Bearer s\xe9cret", "Bearer s\xe9cret".encode():
            assert is_an_error(within(guarded, path, Authorization=given), 401)
    assert is_an_error(within(guarded, "/result/42", Authorization="Bearer s3cret"), 422)


def test_pages_of_other_sites_are_refused(http: httpx.Client) -> None:
    """By Origin, by Sec-Fetch-Site, and by the name in Host where a page had its own name lead here."""
    port = os.environ["API_PORT"]
    for headers in (
        {},
        {"Host": "localhost"},
        {"Host": "LOCALHOST:1"},
        {"Host": f"[::1]:{port}", "Origin": f"http://[::1]:{port}"},
        {"Origin": f"http://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"},  # a link that somebody follows
    ):
        assert http.get("/", headers=headers).status_code == 200, headers
    for foreign in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": f"http://127.0.0.1:{port}.evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"},
        {"Host": "evil.example"},
        {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"},
        {"Host": "localhost.evil.example"},
        {"Host": "127.0.0.1.evil.example"},
    ):
        for method, path in ("POST", "/test-request-info"), ("GET", "/add/2/5"), ("GET", "/"), ("GET", "/nowhere"):
            assert is_an_error(http.request(method, path, headers=foreign), 403), foreign
    for request in (
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "nonsense\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", int(port)), timeout=30) as line:
            line.sendall(request.encode())
            assert is_an_error(said(line), 400), request


@pytest.mark.once
def test_a_service_is_known_by_the_names_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it listens, unless that is everywhere, and API_HOSTNAMES; this computer's own names always."""
    own = {"localhost", "127.0.0.1", "[::1]"}
    for listens, names, known in (
        ("", "", set()),
        ("0.0.0.0", "", set()),
        ("::", "api", {"api"}),
        ("10.0.0.7", "Sums.example, api", {"10.0.0.7", "sums.example", "api"}),
        ("fe80::1", "", {"[fe80::1]"}),
    ):
        monkeypatch.setenv("API_HOST", listens)
        monkeypatch.setenv("API_HOSTNAMES", names)
        assert gate.own_names() == own | known


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


def test_slow_clients_keep_nobody_out_and_fill_no_log() -> None:
    """600 half-sent headers where 400 files may be open: others are answered, and in the end the slow ones are, too."""
    env = {**os.environ, "API_PORT": free_port()}
    hurried = "from lesson13 import api, slow_clients; slow_clients.TURN = 4; api.main()"
    command = shlex.join(["sh", "-c", f"ulimit -n 400; exec {sys.executable} -c '{hurried}'"])
    with (
        running({"api": command}, Path(env["LESSONS_HOME"], "logs", "lesson13-slow"), place=(Path.cwd(), env)) as logs,
        ExitStack() as stack,
    ):
        slow = []
        for _ in range(600):
            slow.append(stack.enter_context(socket.create_connection(("127.0.0.1", int(env["API_PORT"])), timeout=30)))
            slow[-1].sendall(b"POST /add HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        for _ in range(20):
            with client(env["API_PORT"]) as newcomer:  # on a connection of its own
                assert newcomer.get("/add/2/5").status_code == 202
        assert is_an_error(said(slow[0]), 503)
        assert is_an_error(said(slow[-1]), 408)
        with socket.create_connection(("127.0.0.1", int(env["API_PORT"])), timeout=30) as body:
            body.sendall(b"POST /add HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
            assert is_an_error(said(body), 408)
        assert logs["api"].stat().st_size < 20_000


@pytest.mark.once
@pytest.mark.parametrize(
    ("env", "starts"),
    [
        ({}, True),
        ({"API_HOST": "localhost"}, True),
        ({"API_HOST": "::1"}, True),
        ({"API_HOST": "0.0.0.0"}, False),
        ({"API_HOST": "somewhere"}, False),
        ({"API_HOST": "0.0.0.0", "API_TOKEN": "s3cret"}, True),
        ({"API_HOST": "0.0.0.0", "TRUST_NETWORK": "1"}, True),
        ({"API_PORT": "eighty"}, False),
        ({"API_TOKEN": "geheim\u00e9"}, False),
        ({"API_TOKEN": "two words"}, False),
    ],
)
def test_it_lets_others_in_only_with_a_token(
    env: dict[str, str], starts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Binding wider is refused by one sentence and status 1, unless there is a token or the network is trusted."""
    started: list[str] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, host, **_: started.append(host))
    for name in ("API_HOST", "API_TOKEN", "TRUST_NETWORK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    if starts:
        api.main()
        assert started == [env.get("API_HOST", "127.0.0.1")]
    else:
        with pytest.raises(SystemExit, match=r"^API_\w+(=| is | must be ).*\.$"):
            api.main()
        assert not started


@pytest.mark.once
def test_nobody_in_the_api_may_wait_for_a_result() -> None:
    """While it runs, Celery refuses get()."""

    async def run() -> None:
        async with never_waiting(None):
            service.client.AsyncResult(str(uuid4())).get(timeout=1)

    with pytest.raises(RuntimeError, match="Never call"):
        asyncio.run(run())


@pytest.mark.once
def test_only_the_api_is_impatient() -> None:
    """The worker's app keeps Celery's defaults: three more tries to send, and no end of waiting for an answer."""
    assert tasks.app.conf.task_publish_retry_policy["max_retries"] == 3
    assert tasks.app.conf.redis_socket_timeout == 120
    assert "socket_timeout" not in tasks.app.conf.broker_transport_options


@pytest.mark.once
def test_a_signature_takes_the_member_of_an_enum_for_a_task() -> None:
    """And then its .name for the task's name."""
    assert service.client.signature(TaskNames.ADD).task == "ADD"
    assert service.call(TaskNames.ADD).task == "arithmetic.add"


@pytest.mark.once
def test_the_api_has_none_of_the_workers_code() -> None:
    """It knows tasks by their names: importing it imports no task."""
    look = f"import sys, lesson13.api; print({ALL_TASKS} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True).stdout == "set()\n"
