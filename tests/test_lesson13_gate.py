"""Lesson 13's claims about who may come in, and how long they may take."""

import os
import re
import shlex
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import uvicorn

from classroom.processes import running
from lesson13 import api, gate
from tests.island import client, free_port
from tests.refusals import answered
from tests.results import is_an_error, within


@pytest.mark.once
def test_with_a_token_every_route_but_health_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """401 in the one shape, for unknown routes and the documentation too."""
    monkeypatch.setenv("API_TOKEN", "s3cret")
    monkeypatch.setattr(api.api, "middleware_stack", None)  # made by the first request, with this token
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
            assert is_an_error(answered(line), 400), request


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
        assert is_an_error(answered(slow[0]), 503)
        assert is_an_error(answered(slow[-1]), 408)
        with socket.create_connection(("127.0.0.1", int(env["API_PORT"])), timeout=30) as body:
            body.sendall(b"POST /add HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
            assert is_an_error(answered(body), 408)
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
