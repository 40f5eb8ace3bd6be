"""Lesson 15's API: many requests at once, and servers that are down, slow or hang."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.island import client
from tests.uploads import essay, processed, refused

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
