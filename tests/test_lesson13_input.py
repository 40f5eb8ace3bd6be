"""Lesson 13's claims about bad input: it is refused with a code and a sentence, and never a reason to tell more."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lesson13 import api, documents, service
from tests.refusals import answered
from tests.results import HEADERS, is_an_error, within

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


@pytest.mark.usefixtures("workers")
def test_an_announced_body_is_refused_before_it_is_read() -> None:
    """Who announces ten million bytes is answered without having sent one."""
    with socket.create_connection(("127.0.0.1", int(os.environ["API_PORT"])), timeout=30) as line:
        line.sendall(b"POST /add HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n")
        assert is_an_error(answered(line), 413)


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
