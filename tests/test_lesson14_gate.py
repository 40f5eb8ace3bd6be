"""Lesson 14's claims about who may come in, and how long they may take."""

import os
import re
import shlex
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from classroom.processes import running
from tests.island import client, free_port
from tests.jobs import ended, sql
from tests.refusals import refused, said

live = pytest.mark.usefixtures("workers")
once = pytest.mark.once


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
        assert http.get("/jobs?limit=1", headers=headers).status_code == 200, headers
    before = sql("SELECT count(*) FROM lesson14.jobs")
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
        for method, path in ("POST", "/jobs"), ("GET", "/jobs"), ("GET", "/"), ("GET", "/nowhere"):
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
    assert sql("SELECT count(*) FROM lesson14.jobs") == before


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
    """600 half-sent headers where 400 files may be open: others are answered, and in the end the slow ones are, too."""
    env = {**os.environ, "API_PORT": free_port()}
    hurried = "from lesson14 import api, slow_clients; slow_clients.TURN = 4; api.main()"
    command = shlex.join(["sh", "-c", f"ulimit -n 400; exec {sys.executable} -c '{hurried}'"])
    with (
        running({"api": command}, Path(env["LESSONS_HOME"], "logs", "lesson14-slow"), place=(Path.cwd(), env)) as logs,
        client(env["API_PORT"]) as honest,
        ExitStack() as stack,
    ):
        slow = []
        for _ in range(600):
            slow.append(stack.enter_context(socket.create_connection(("127.0.0.1", int(env["API_PORT"])), timeout=30)))
            slow[-1].sendall(b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        for _ in range(20):
            with client(env["API_PORT"]) as newcomer:  # on a connection of its own
                assert newcomer.get("/jobs?limit=1").status_code == 200
        assert said(slow[0]) == (503, "unavailable")
        assert said(slow[-1]) == (408, "too_slow")
        with socket.create_connection(("127.0.0.1", int(env["API_PORT"])), timeout=30) as body:
            body.sendall(b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
            assert said(body) == (408, "too_slow")
        assert honest.get("/").status_code == 200
        assert logs["api"].stat().st_size < 10_000


@live
def test_a_broker_that_is_down_holds_up_nobody_and_a_token_is_asked_for() -> None:
    """202 though it can't be sent; whoever reaches a broker sends it. Only health goes without the token."""
    env = {**os.environ, "API_PORT": free_port(), "REDIS_BROKER_URL": "redis://127.0.0.1:1/0", "API_TOKEN": "s3cret"}
    logs = Path(env["LESSONS_HOME"], "logs", "lesson14-alone")
    with running({"api": "python -m lesson14.api"}, logs, place=(Path.cwd(), env)), client(env["API_PORT"]) as stranger:
        assert stranger.get("/").status_code == 200
        for path in "/jobs", "/docs", "/openapi.json", "/nowhere":
            assert refused(stranger.get(path)) == (401, "unauthorized")
        assert refused(stranger.post("/jobs", headers={"Authorization": "Bearer s3cre"})) == (401, "unauthorized")
        assert refused(stranger.post("/jobs", headers={"Authorization": b"Bearer s\xe9cret"})) == (401, "unauthorized")
        with client(env["API_PORT"], headers={"Authorization": "Bearer s3cret"}) as friend:
            answers = [friend.post("/jobs") for _ in range(5)]
            assert {answer.status_code for answer in answers} == {202}
            for answer in answers:
                assert ended(friend, answer.headers["Location"])["status"] == "COMPLETED"
