"""Lesson 14's claims about bad input: it is refused with a code and a sentence."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.refusals import refused, said

live = pytest.mark.usefixtures("workers")
once = pytest.mark.once


@live
def test_bad_requests_are_refused_in_one_shape(http: httpx.Client) -> None:
    """4xx with a code and a sentence, and never 500."""
    large = "9" * 400
    for path in "/jobs/0", "/jobs/-1", "/jobs/x", "/jobs/1.5", "/jobs/2147483648", f"/jobs/{large}", "/jobs/%00":
        assert refused(http.get(path)) == (422, "invalid"), path
        assert refused(http.get(f"{path}/events")) == (422, "invalid"), path
        assert refused(http.post(f"{path}/retry")) == (422, "invalid"), path
    for method, path in ("GET", ""), ("GET", "/events"), ("POST", "/retry"), ("POST", "/cancel"):
        assert refused(http.request(method, f"/jobs/2147483647{path}")) == (404, "not_found")
    assert refused(http.get("/nowhere")) == (404, "not_found")
    answer = http.delete("/jobs")
    assert refused(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, POST"
    for body in '{"x": 1}', "[]", "7", "NaN", '{"x": NaN}', '"\\ud800"', '{"\\ud800": 1}', "{":
        answer = http.post("/jobs", content=body, headers={"Content-Type": "application/json"})
        assert refused(answer) == (422, "invalid"), body
    for key in "", "a b", "x" * 201, "é":
        assert refused(http.post("/jobs", headers={"Idempotency-Key": key.encode()})) == (422, "invalid"), key
    for after in "x", "-2", large:
        assert refused(http.get("/jobs/1/events", headers={"Last-Event-ID": after})) == (422, "invalid"), after


@live
def test_a_body_over_the_bound_is_refused_before_it_is_read(http: httpx.Client) -> None:
    """By its announced length, and where none was announced after that many bytes."""
    with socket.create_connection(("127.0.0.1", int(os.environ["API_PORT"])), timeout=30) as line:
        line.sendall(b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000001\r\n\r\n")
        assert said(line) == (413, "too_large")

    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 10_000

    answer = http.post("/jobs", content=endless(), headers={"Content-Type": "application/json"})
    assert refused(answer) == (413, "too_large")


@once
@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"API_HOST": "0.0.0.0"}, "Set API_TOKEN"),
        ({"API_HOST": "example.invalid"}, "Set API_TOKEN"),
        ({"API_PORT": "eighty"}, "API_PORT is 'eighty'"),
        ({"API_TOKEN": "geheim\u00e9"}, "API_TOKEN must be"),
        ({"API_TOKEN": "two words"}, "API_TOKEN must be"),
        ({"STEP_SECONDS": "nan"}, "STEP_SECONDS is 'nan'"),
    ],
)
def test_a_dangerous_or_wrong_setting_is_refused_at_start(env: dict[str, str], why: str) -> None:
    """Exit 1 and one sentence, before anything else happens."""
    command = [sys.executable, "-m", "lesson14.api"]
    ended = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert why in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
