"""The API, and the page: python -m lesson15.api

Routes parse and delegate. Nothing here knows the workers' code: a message has a name, and numbers.
"""

import asyncio
import logging
from asyncio import Future
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path as File
from threading import Event
from typing import Annotated

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Header, Path, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fastapi.sse import EventSourceResponse
from fastapi_offline import FastAPIOffline
from starlette.concurrency import run_in_threadpool

from lesson15 import celery_app, errors, gate, service, slow_clients
from lesson15.errors import documented
from lesson15.events import Hub, follow
from lesson15.migrate import migrate
from lesson15.model import ENDED, LARGEST_ID
from lesson15.schemas import Answer, DocumentFilter, DocumentView, Health, Question, Started, Uploaded
from lesson15.settings import ANSWER_SECONDS

THREADS = 8  # as many as there are connections to the database: no request waits for one
ASKING = 16  # questions that wait for answers at the same time, in threads of their own: the other routes keep theirs
SENDING = {  # no request waits for a broker that is down, or for long if it hangs; workers wait as long as it takes
    "max_retries": 0,
    "socket_timeout": 2,  # seconds
    "socket_connect_timeout": 2,
}

PAGE = File(__file__).with_name("page")
SAFE = {  # the page may load what is ours, and nothing that a file's name or a passage could bring in
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
STREAM = {"type": "object", "properties": {"id": {"type": "string"}, "data": {"type": "string"}}}  # of one event

hub = Hub()
askers = ThreadPoolExecutor(ASKING, "asker")
asking: set[Future] = set()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Beside the requests runs one listener to PostgreSQL."""
    current_default_thread_limiter().total_tokens = THREADS
    celery_app.app.conf.broker_transport_options |= SENDING
    listener = asyncio.create_task(hub.run())
    yield
    listener.cancel()


app = FastAPIOffline(  # its /docs loads no scripts from other hosts
    title="A document pipeline",
    version="1.0",
    lifespan=lifespan,
    responses=documented(),
    swagger_ui_parameters={"validatorUrl": None},
)
app.add_middleware(gate.Gate)  # before all others
errors.install(app)

DocumentId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
After = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**63 - 1)]


@app.get("/health")
async def health() -> Health:
    """Whether this process answers."""
    return Health(status="ok")


@app.get("/", include_in_schema=False)
@app.get("/page.js", include_in_schema=False)
@app.get("/page.css", include_in_schema=False)
@app.get("/page.svg", include_in_schema=False)
async def page(request: Request) -> Response:
    """The page, and the files that it needs."""
    return FileResponse(PAGE / (request.url.path.strip("/") or "page.html"), headers=SAFE)


@app.post(
    "/documents",
    status_code=202,
    response_model=Uploaded,
    responses={
        200: {"model": Uploaded, "description": "The same file was uploaded before: this is its document"},
        **documented(409, 415, 422, 503, 507),
    },
)
def upload(file: UploadFile, start: bool = True) -> Response:
    """Upload a file and have it worked on; with ?start=false it is only stored."""
    accepted = service.upload(file.filename or "", file.file, start)
    document = accepted.document
    body = {"document_id": document.id, "status": document.status, "message": accepted.message}
    return JSONResponse(body, 200 if accepted.known else 202, {"Location": f"/documents/{document.id}"})


def started(accepted: service.Accepted) -> Started:
    """What tells of a document that is being worked on."""
    document = accepted.document
    return Started(message=accepted.message, upload_id=document.id, task_id=document.task_id)


@app.post("/start/{document_id}", status_code=202, responses=documented(404, 409, 422, 503))
def start(document_id: DocumentId) -> Started:
    """Have a stored document worked on."""
    return started(service.start(document_id))


@app.post("/documents/{document_id}/retry", status_code=202, responses=documented(404, 409, 422, 503))
def retry(document_id: DocumentId) -> Started:
    """Have a document worked on again that failed, or that hangs; its task before is cancelled."""
    return started(service.retry(document_id))


@app.get("/documents", response_model=list[DocumentView], responses=documented(422, 503))
def list_documents(chosen: Annotated[DocumentFilter, Query()]) -> object:
    """Documents, the latest first."""
    return service.search(chosen.status, chosen.limit, chosen.offset)


@app.get("/documents/{document_id}", response_model=DocumentView, responses=documented(404, 422, 503))
def read_document(document_id: DocumentId) -> object:
    """One document."""
    return service.find(document_id)


@app.delete("/documents/{document_id}", status_code=204, responses=documented(404, 422, 503))
def delete_document(document_id: DocumentId) -> None:
    """Forget a document, with its passages and its file."""
    service.delete(document_id)


@app.post("/questions", response_model=Answer, responses=documented(422, 503))
async def ask(question: Question, request: Request) -> object:
    """Ask about what was uploaded; the answer comes from a chat worker.

    A thread waits for it. The client's answer doesn't depend on that thread, which a Redis that hangs may hold longer.
    """
    if len(asking) >= ASKING:
        raise service.Busy(f"{ASKING} questions are waiting for answers already. Try again in a moment.")
    given_up = Event()
    answer = asyncio.get_running_loop().run_in_executor(
        askers, service.ask, question.question, question.documents, given_up
    )
    asking.add(answer)
    answer.add_done_callback(answered)
    left = asyncio.create_task(disconnected(request))
    try:
        await asyncio.wait((answer, left), timeout=ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        raise service.no_answer()
    finally:
        given_up.set()
        left.cancel()


def answered(answer: Future) -> None:
    """Free the place of a question whose thread has ended."""
    asking.discard(answer)
    answer.exception()  # else asyncio would log an error that no client waits for


async def disconnected(request: Request) -> None:
    """Wait until the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


@app.get(
    "/documents/{document_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "An event for each change; ends with the document",
            "content": {"text/event-stream": {"schema": STREAM}},
        },
        204: {"description": "The document has ended, and nothing comes after Last-Event-ID"},
        **documented(404, 422, 503),
    },
)
async def document_events(document_id: DocumentId, after: After = None) -> Response:
    """What happens to a document from its beginning, or after Last-Event-ID (server-sent events)."""
    document = await run_in_threadpool(service.find, document_id)
    if document.status in ENDED and after == document.last_event:
        return Response(status_code=204)  # tells an EventSource not to come back
    return await stream(document_id, after or 0)


@app.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {"description": "An event for each change", "content": {"text/event-stream": {"schema": STREAM}}},
        **documented(422, 503),
    },
)
async def all_events(after: After = None) -> Response:
    """What happens to all documents from now on, or after Last-Event-ID (server-sent events)."""
    return await stream(None, after)


async def stream(document_id: int | None, after: int | None) -> Response:
    """The events; while PostgreSQL can't be heard, comments. An error would end an EventSource for ever."""
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return EventSourceResponse(await follow(hub, document_id, after), headers=headers)


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    host, port = gate.address()
    migrate()
    # No line for each request: it would cost a tenth of them. Listeners to events would keep a stopping server waiting.
    slow_clients.run(app, host=host, port=port, access_log=False, timeout_graceful_shutdown=2)


if __name__ == "__main__":
    main()
