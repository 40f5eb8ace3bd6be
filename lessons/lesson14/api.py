"""The API: python -m lesson14.api

Routes parse and delegate. Nothing here knows the worker's code: the message that reaches it has a name and a number.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from anyio.to_thread import current_default_thread_limiter
from fastapi import Body, FastAPI, Header, HTTPException, Path, Query, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.sse import EventSourceResponse
from fastapi_offline import FastAPIOffline
from starlette.concurrency import run_in_threadpool
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from lesson14 import dispatcher, errors, gate, service, slow_clients
from lesson14.errors import documented
from lesson14.events import Hub, follow
from lesson14.migrate import migrate
from lesson14.model import ENDED, LARGEST_ID
from lesson14.schemas import Health, JobCreated, JobFilter, JobView, NewJob

THREADS = 8  # as many as there are connections to the database: no request waits for one, or opens one more

STREAM = {"type": "object", "properties": {"id": {"type": "string"}, "data": {"type": "string"}}}  # of one event

hub = Hub()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """What runs beside the requests: one dispatcher, and one listener to PostgreSQL."""
    current_default_thread_limiter().total_tokens = THREADS
    dispatcher.start()
    listener = asyncio.create_task(hub.run())
    yield
    listener.cancel()


app = FastAPIOffline(  # its /docs loads no scripts from other hosts
    title="A job pipeline",
    version="1.0",
    lifespan=lifespan,
    responses=documented(),
    swagger_ui_parameters={"validatorUrl": None},
)
app.add_middleware(RequestBodyLimitMiddleware, max_body_size=gate.LARGEST_BODY)  # of a body that tells no length
app.add_middleware(gate.Gate)  # before all others
errors.install(app)

JobId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="Of your making, and new for each job: the same one again gives the same job",
    ),
]


def accepted(created: service.Created) -> Response:
    """202 with the way to the job."""
    return JSONResponse(created._asdict(), 202, {"Location": f"/jobs/{created.job_id}"})


@app.get("/", responses=documented())
async def health() -> Health:
    """Whether this process answers."""
    return Health(status="ok")


@app.post("/jobs", status_code=202, response_model=JobCreated, responses=documented(400, 422, 503))
def create_job(_: Annotated[NewJob | None, Body()] = None, key: Key = None) -> Response:
    """Create a job and have it worked on."""
    return accepted(service.create(key))


@app.get("/jobs", response_model=list[JobView], responses=documented(422, 503))
def list_jobs(chosen: Annotated[JobFilter, Query()]) -> object:
    """Jobs with their steps, the latest first."""
    return service.search(chosen.status, chosen.limit, chosen.offset)


@app.get("/jobs/{job_id}", response_model=JobView, responses=documented(404, 422, 503))
def read_job(job_id: JobId) -> object:
    """One job with its steps."""
    return service.find(job_id)


@app.post("/jobs/{job_id}/retry", status_code=202, response_model=JobCreated, responses=documented(404, 409, 422, 503))
def retry_job(job_id: JobId) -> Response:
    """Have a failed job worked on again; its completed steps stay."""
    return accepted(service.retry(job_id))


@app.post("/jobs/{job_id}/cancel", response_model=JobView, responses=documented(404, 409, 422, 503))
def cancel_job(job_id: JobId) -> object:
    """End a job that hasn't ended yet."""
    return service.cancel(job_id)


@app.get(
    "/jobs/{job_id}/events",
    response_class=StreamingResponse,  # EventSourceResponse here would mean: render each event for each listener
    responses={
        200: {
            "description": "An event for each change, numbered; the stream ends with the job",
            "content": {"text/event-stream": {"schema": STREAM}},
        },
        204: {"description": "The job has ended, and nothing comes after Last-Event-ID"},
        **documented(404, 422, 503),
    },
)
async def job_events(
    job_id: JobId, after: Annotated[int, Header(alias="Last-Event-ID", ge=-1, le=LARGEST_ID)] = -1
) -> Response:
    """What happens to a job, as it happens (server-sent events). A browser's EventSource connects again by itself."""
    job = await run_in_threadpool(service.find, job_id)
    if job.status in ENDED and after == job.last_event:
        return Response(status_code=204)  # tells an EventSource not to come back
    if not hub.connected.is_set():
        raise HTTPException(503, "Events can't be heard now. Try again in a moment", {"Retry-After": "1"})
    return EventSourceResponse(
        follow(hub, job, after), headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    )


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    host, port = gate.address()
    migrate()
    # No line for each request: it would cost a tenth of them. Listeners to events would keep a stopping server waiting.
    slow_clients.run(app, host=host, port=port, access_log=False, timeout_graceful_shutdown=2)


if __name__ == "__main__":
    main()
