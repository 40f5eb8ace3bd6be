"""For tests of lesson 13: results, and errors in the one shape that all have."""

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI

from lesson13 import errors, gate
from lesson13.schemas import ENDED
from tests.island import eventually
from tests.refusals import refused

HEADERS = {"content-type": "application/json"}


def outcome(http: httpx.Client, accepted: httpx.Response) -> dict[str, Any]:
    """What became of accepted work, once it has ended."""
    assert accepted.status_code == 202, accepted.text
    return ended(http, accepted.json()["result_url"])


def ended(http: httpx.Client, url: str) -> dict[str, Any]:
    """What is at the address of a result, once the work has ended."""

    def look() -> dict[str, Any] | None:
        found = http.get(url, params={"wait": 10}).raise_for_status().json()
        return found if found["state"] in ENDED else None

    return dict(eventually(look, f"{url} doesn't end"))


def within(app: FastAPI | gate.Gate, path: str, **headers: str | bytes) -> httpx.Response:
    """What this application answers to a GET, in this process."""

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return await http.get(path, headers=[(name.encode(), value) for name, value in headers.items()])

    return asyncio.run(go())


def is_an_error(answer: httpx.Response, status: int) -> bool:
    """Whether it has this status, and the one shape of an error."""
    assert answer.headers["content-type"] == "application/json"
    assert refused(answer)[1] == errors.CODES[answer.status_code]
    return answer.status_code == status
