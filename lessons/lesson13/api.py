"""Lesson 13 · A web API in front of a worker: the routes, which parse and delegate.

python -m lesson13.api
"""

import asyncio
import ipaddress
import os
import re
import sys
from time import monotonic
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from lesson13 import errors, service, slow_clients
from lesson13.celery_app import never_waiting
from lesson13.gate import Gate
from lesson13.schemas import (
    ENDED,
    Accepted,
    Addition,
    Calculation,
    Document,
    Health,
    NumberInPath,
    Numbers,
    Readiness,
    Result,
)
from lesson13.store import Unavailable

api = FastAPIOffline(  # its /docs loads no scripts from other hosts
    title="Lesson 13 · A web API in front of a worker",
    lifespan=never_waiting,
    responses=errors.RESPONSES,
    swagger_ui_parameters={"validatorUrl": None},
)
api.add_middleware(Gate)
errors.install(api)


@api.exception_handler(Unavailable)
async def on_unavailable(_: Request, error: Exception) -> Response:
    return errors.problem(503, str(error), {"Retry-After": "1"})


def accepted(task_id: str, response: Response) -> Accepted:
    """202: the answer isn't here yet, but it has an address."""
    url = api.url_path_for("read_result", task_id=task_id)
    response.headers["Location"] = url
    return Accepted(task_id=task_id, result_url=url)


# These endpoints talk to servers, so they are plain functions: FastAPI runs them in threads, beside the event loop.


@api.post("/add", status_code=202)
def add(numbers: Addition, response: Response) -> Accepted:
    return accepted(service.add(numbers.x, numbers.y), response)


@api.get("/add/{x}/{y}", status_code=202)
def add_by_link(x: NumberInPath, y: NumberInPath, response: Response) -> Accepted:
    """As POST /add, for trying out in a browser. A GET should change nothing: whoever follows links creates work."""
    return accepted(service.add(x, y), response)


@api.post("/test-request-info", status_code=202)
def request_info(response: Response) -> Accepted:
    """Have a task tell what it knows about its own call."""
    return accepted(service.request_info(), response)


@api.post("/chain", status_code=202)
def calculate(calculation: Calculation, response: Response) -> Accepted:
    """Step by step, each with the result of the one before."""
    return accepted(service.calculate(calculation.start, calculation.steps), response)


@api.post("/group", status_code=202)
def square_each(wanted: Numbers, response: Response) -> Accepted:
    """The squares, in parallel; the one id leads to all of them."""
    return accepted(service.square_each(wanted.numbers), response)


@api.post("/chord", status_code=202)
def sum_of_squares(wanted: Numbers, response: Response) -> Accepted:
    """The squares, in parallel, and then their sum."""
    return accepted(service.sum_of_squares(wanted.numbers), response)


@api.post("/documents/count", status_code=202)
def count_document(document: Document, response: Response) -> Accepted:
    """The lines and words of a file in data/."""
    return accepted(service.count_document(document.name), response)


@api.get("/result/{task_id}")
async def read_result(task_id: UUID, wait: Annotated[float, Query(ge=0, le=10, allow_inf_nan=False)] = 0) -> Result:
    """What became of an id. With `wait`, the answer comes once the work has ended, after so many seconds at most."""
    until = monotonic() + wait
    while True:
        result = await run_in_threadpool(service.look_up, str(task_id))
        if result is None:
            raise HTTPException(404, "This id was never issued, or its result has expired.")
        if result.state in ENDED or (left := until - monotonic()) <= 0:
            return result
        await asyncio.sleep(min(left, 0.05))  # meanwhile no thread is taken


@api.get("/ready")
def read_readiness() -> Readiness:
    """Whether broker, result store and a worker answer."""
    service.check()
    return Readiness()


@api.get("/")
async def read_health() -> Health:
    """Whether this process answers; it asks nobody else, and needs no token."""
    return Health()


def is_local(host: str) -> bool:
    """Whether only this computer can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def main() -> None:
    host, port = os.environ.get("API_HOST") or "127.0.0.1", os.environ.get("API_PORT") or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        sys.exit(f"API_PORT is {port!r}, and a port is a number from 1 to 65535.")
    if not (is_local(host) or os.environ.get("API_TOKEN") or os.environ.get("TRUST_NETWORK") == "1"):
        sys.exit(f"API_HOST={host} lets others in: set API_TOKEN, or TRUST_NETWORK=1 where only friends can reach it.")
    if not re.fullmatch(r"[!-~]*", os.environ.get("API_TOKEN", "")):
        sys.exit(
            "API_TOKEN must be of letters, digits and signs of ASCII, without spaces: a header carries nothing else."
        )
    slow_clients.run(api, host=host, port=int(port))


if __name__ == "__main__":
    main()
