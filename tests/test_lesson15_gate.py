"""Lesson 15's claims about who may come in, and how long they may take."""

import os
import re
import shlex
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import sleep

import httpx
import pytest

from classroom.processes import running
from global_config import VECTOR_DATABASE_URL
from tests.island import client, free_port
from tests.refusals import refused, said
from tests.uploads import essay

live = pytest.mark.usefixtures("workers")
once = pytest.mark.once


@contextmanager
def api(**env: str) -> Iterator[httpx.Client]:
    """An API of our own, without workers, on the database that is there."""
    env = {**os.environ, "API_PORT": free_port(), "APP_DATABASE_URL": VECTOR_DATABASE_URL, **env}
    logs = Path(env["LESSONS_HOME"], "logs", f"lesson15-{env['API_PORT']}")
    with running({"api": "python -m lesson15.api"}, logs, place=(Path.cwd(), env)), client(env["API_PORT"]) as http:
        yield http


@live
def test_a_token_is_asked_for_and_a_browser_can_give_it() -> None:
    """As Bearer, or as the password of Basic; only health goes without. Another site's page never comes in."""
    env = {**os.environ, "API_PORT": free_port(), "API_TOKEN": "s3cret"}
    logs = Path(env["LESSONS_HOME"], "logs", "lesson15-alone")
    with running({"api": "python -m lesson15.api"}, logs, place=(Path.cwd(), env)), client(env["API_PORT"]) as stranger:
        assert stranger.get("/health").json() == {"status": "ok"}
        for path in "/", "/page.js", "/documents", "/events", "/docs", "/openapi.json", "/nowhere":
            answer = stranger.get(path)
            assert refused(answer) == (401, "unauthorized")
            assert answer.headers["WWW-Authenticate"].startswith("Basic")
        for wrong in "Bearer s3cre", "Basic s3cret", "Basic ????", "s3cret", "Bearer":
            assert stranger.get("/", headers={"Authorization": wrong}).status_code == 401, wrong
        assert stranger.get("/documents", headers={"Authorization": "Bearer s3cret"}).status_code == 200
        assert stranger.get("/", auth=("anybody", "s3cret")).status_code == 200
        theirs = {"Authorization": "Bearer s3cret", "Origin": "http://elsewhere.example"}
        assert refused(stranger.get("/documents", headers=theirs)) == (403, "forbidden")
        own = theirs | {"Origin": f"http://127.0.0.1:{env['API_PORT']}"}
        assert stranger.get("/documents", headers=own).status_code == 200


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
    hurried = "from lesson15 import api, slow_clients; slow_clients.TURN, slow_clients.LEAST = 4, 10_000; api.main()"
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
