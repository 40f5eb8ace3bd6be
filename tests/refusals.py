"""For tests of the applications: what comes over a plain connection, and errors in the one shape that all have."""

import socket

import httpx


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error, in the one shape that all have."""
    body = answer.json()
    assert set(body) == {"error"}, body
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    return answer.status_code, body["error"]["code"]


def answered(line: socket.socket) -> httpx.Response:
    """The error that comes over a plain connection."""
    received = b""
    while not received.endswith(b"}}"):
        more = line.recv(10_000)
        assert more, received
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    return httpx.Response(int(status.split()[1]), headers=[tuple(one.split(": ", 1)) for one in headers], content=body)


def said(line: socket.socket) -> tuple[int, str]:
    """Its status and code."""
    return refused(answered(line))
