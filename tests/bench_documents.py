"""What lesson 15 costs, as ratios measured side by side in one run: python tests/bench_documents.py [services]"""

import asyncio
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from threading import Thread
from time import perf_counter, sleep, time

from bench import row, show

from tests.island import free_port

PROFILE = sys.argv[1] if len(sys.argv) > 1 else "embedded"
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
DOCUMENTS, PAGES, WORDS = 40, 20, 700
LISTENERS, PER_SECOND, SECONDS = 200, 20, 10


os.environ |= {
    "LESSONS_PROFILE": PROFILE, "LESSONS_HOME": tempfile.mkdtemp(prefix="bench-"), "API_PORT": free_port(),
    "EMBEDDED_POSTGRES_PORT": free_port(), "FLOWER_PORT": free_port(),
}  # fmt: skip

import httpx  # noqa: E402
import psutil  # noqa: E402
from fpdf import FPDF  # noqa: E402
from sqlalchemy import func, select  # noqa: E402

from classroom import catalog  # noqa: E402
from classroom.processes import running  # noqa: E402
from lesson15 import formats, pipeline, sending, service, store  # noqa: E402
from lesson15.celery_app import app  # noqa: E402
from lesson15.database import engine  # noqa: E402
from lesson15.model import Document, Status  # noqa: E402
from lesson15.settings import BATCH, MAX_BYTES  # noqa: E402

LESSON = catalog.find("15")
API = f"http://127.0.0.1:{os.environ['API_PORT']}"


def office_pdf(number: int) -> bytes:
    """Words placed singly, in an embedded font, as word processors write them."""
    made = FPDF()
    made.add_font("DejaVu", fname=FONT)
    made.set_font("DejaVu", size=9)
    for page in range(PAGES):
        made.add_page()
        for word in range(WORDS):
            end = "." * (word % 12 == 11)
            made.text(15 + 18 * (word % 10), 15 + 3.2 * (word // 10), f"w{number}x{page}y{word % 97}{end}")
    return bytes(made.output())


def stored(content: bytes, name: str = "office.pdf") -> int:
    return int(service.upload(name, io.BytesIO(content), start=False).document.id)


def wait(documents: list[int]) -> None:
    """Until all are completed; asks no more than it must."""
    left = select(func.count()).where(Document.id.in_(documents), Document.status != Status.COMPLETED)
    with engine().connect() as connection:
        while connection.execute(left).scalar():
            connection.rollback()
            sleep(0.1)


def plain_loop(documents: list[int]) -> float:
    """The same functions, one after another in this process, which also reads the files, and nothing sent."""
    send, sending.app.send_task = sending.app.send_task, lambda *_, **__: None
    read, pipeline.pages = pipeline.pages, lambda file, kind, _: formats.pages(file, kind)
    start = perf_counter()
    for document in documents:
        with store.transaction() as connection:
            store.change(connection, document, status=Status.PENDING)
        pipeline.extract(document, 1)
        for first in range(0, store.find(document).chunks, BATCH):
            pipeline.embed_batch(document, 1, first)
        pipeline.index(document, 1)
    took = perf_counter() - start
    sending.app.send_task, pipeline.pages = send, read
    return took


def with_celery(documents: list[int]) -> float:
    start = perf_counter()
    for document in documents:
        service.start(document)
    wait(documents)
    return perf_counter() - start


def throughput() -> list[dict]:
    """40 PDFs by two worker processes, against a loop over 10, half before and half after; the median of three."""
    rounds = []
    for number in range(3):
        documents = [stored(office_pdf(100 * number + n)) for n in range(DOCUMENTS + 10)]
        before = plain_loop(documents[:5])
        celery = with_celery(documents[10:])
        loop = (before + plain_loop(documents[5:10])) * DOCUMENTS / 10
        rounds.append((loop / celery, f"{loop:.1f} s / {celery:.1f} s"))
    how = ", ".join(seconds for _, seconds in rounds)
    least = 1.85
    ratio = median(ratio for ratio, _ in rounds)
    return [row(f"40 PDFs: loop / two processes, {PROFILE}", ratio, "×", least, how, least=True)]


class Listener(asyncio.Protocol):
    """Notes when each event came."""

    def __init__(self, heard: dict[int, list[float]]) -> None:
        self.heard, self.rest = heard, b""

    def connection_made(self, transport) -> None:  # type: ignore[no-untyped-def,override]
        transport.write(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        now = time()
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"id: "):
                self.heard.setdefault(int(line[4:]), []).append(now)


def event_latency() -> list[dict]:
    """From the return of COMMIT to each of 200 clients, the document being changed 20 times a second."""
    document = stored(b"Nothing much.", "quiet.txt")
    heard: dict[int, list[float]] = {}
    committed: dict[int, float] = {}

    def write() -> None:
        for number in range(PER_SECOND * SECONDS):
            start = perf_counter()
            with store.transaction() as connection:
                changed = store.change(connection, document, progress=number % 100)
                store.tell(connection, changed)
            committed[-number] = time()
            sleep(max(0.0, 1 / PER_SECOND - (perf_counter() - start)))

    async def listen() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(LISTENERS):
            await loop.create_connection(lambda: Listener(heard), "127.0.0.1", int(os.environ["API_PORT"]))
        await asyncio.sleep(1)
        first = store.last_event()
        writer = Thread(target=write)
        writer.start()
        while writer.is_alive():
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        for number in range(PER_SECOND * SECONDS):
            committed[first + 1 + number] = committed.pop(-number)

    asyncio.run(listen())
    late = [(at - committed[number]) * 1000 for number in committed for at in heard[number]]
    assert len(late) == LISTENERS * PER_SECOND * SECONDS
    p95 = quantiles(late, n=20)[-1]
    return [row(f"commit → event, p95 of 200 listeners, {PROFILE}", p95, "ms", 25, f"median {median(late):.1f} ms")]


def ask(http: httpx.Client) -> float:
    start = perf_counter()
    assert http.post("/questions", json={"question": "Where is w1x2y3?"}).status_code == 200
    return (perf_counter() - start) * 1000


def questions() -> list[dict]:
    """Idle, and while 20 documents are processed."""
    made = [office_pdf(1000 + n) for n in range(20)]
    with httpx.Client(base_url=API, timeout=60) as http:
        idle = [ask(http) for _ in range(40)][10:]
        documents = [stored(content) for content in made]
        for document in documents:
            service.start(document)
        busy = []
        while any(store.find(document).status != Status.COMPLETED for document in documents):
            busy.append(ask(http))
            sleep(0.05)
    how = f"idle {median(idle):.0f} ms, busy {median(busy):.0f} ms, {len(busy)} questions"
    if PROFILE == "embedded":
        return [row("a question while 20 documents are processed, files", median(busy), "ms", 100, how)]
    return [row("a question: busy / idle, Redis", median(busy) / median(idle), "×", 2, how)]


def upload_memory() -> list[dict]:
    """How much larger the API's process is at its largest, while 50 MB come in."""
    [api] = [one for one in psutil.process_iter(["cmdline", "environ"])
             if "lesson15.api" in (one.info["cmdline"] or []) and "python" in one.name()
             and (one.info["environ"] or {}).get("API_PORT") == os.environ["API_PORT"]]  # fmt: skip
    small, large = [time().hex().encode() + b" whale" * (size // 6) for size in (1000, MAX_BYTES - 100)]
    with httpx.Client(base_url=API, timeout=60) as http:
        http.post("/documents?start=false", files={"file": ("a.txt", small)})
        before = api.memory_info().rss
        peak, done = [before], []

        def watch() -> None:
            while not done:
                peak.append(api.memory_info().rss)
                sleep(0.005)

        watching = Thread(target=watch)
        watching.start()
        start = perf_counter()
        assert http.post("/documents?start=false", files={"file": ("b.txt", large)}).status_code == 202
        took = perf_counter() - start
        done.append(True)
        watching.join()
    grown = (max(peak) - before) / 1e6
    return [row("API's memory, by an upload of 50 MB", grown, "MB", 20, f"in {took:.1f} s")]


@contextmanager
def lesson() -> Iterator[None]:
    """Its processes, on queues that are empty."""
    with app.connection_for_write() as connection:
        for queue in app.amqp.queues if PROFILE == "services" else ():
            connection.default_channel.queue_purge(queue)
    with running(LESSON.processes, Path(os.environ["LESSONS_HOME"], "logs"), deadline=60):
        yield


def main() -> None:
    with lesson():
        found = [one for measure in (event_latency, upload_memory, questions, throughput) for one in measure()]
    show(found)
    sys.exit(not all(one["ok"] for one in found))


if __name__ == "__main__":
    main()
