"""Lesson 15's claims: the document pipeline on a real PostgreSQL with pgvector, fed with good and with bad files."""

import ast
import base64
import io
import json
import os
import random
import socket
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import httpx
import psycopg2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from playwright.sync_api import Page, expect
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError

from classroom import catalog
from classroom.processes import running
from global_config import VECTOR_DATABASE_URL
from lesson15 import embedding, extraction, pipeline, sending, service, store
from lesson15.celery_app import app
from lesson15.client import events
from lesson15.database import engine
from lesson15.model import SCHEMA, Base
from lesson15.names import CHAT, DOCUMENTS, HOUSEKEEPING, TaskNames
from lesson15.settings import FILES, MAX_BYTES
from tests import island as islands
from tests.island import Island, client, eventually, free_port
from tests.uploads import ended, essay, pdf, processed, refused, sql, upload

LESSON = catalog.find("15")
DATA = LESSON.folder / "data"
live = pytest.mark.usefixtures("workers")
once = pytest.mark.once
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def http(workers: dict[str, Path]) -> Iterator[httpx.Client]:
    """The lesson's API, with its workers."""
    with client(os.environ["API_PORT"]) as http:
        yield http


def whole(document_id: int) -> None:
    """All passages are there, once each, with their vectors."""
    counted = sql(
        "SELECT d.chunks, d.embedded, count(c.number), count(DISTINCT c.number), count(c.embedding)"
        " FROM lesson15.documents d JOIN lesson15.chunks c ON c.document_id = d.id WHERE d.id = :id GROUP BY d.id",
        id=document_id,
    )
    assert len(set(counted[0])) == 1, counted


# The contract.


@live
def test_an_upload_is_answered_at_once_and_told_of_until_it_is_ready(http: httpx.Client) -> None:
    """202 with an address; then events with exactly these fields, stage by stage, whose progress never falls."""
    answer = upload(http, "whales.txt", essay(200))
    assert answer.status_code == 202
    assert answer.json() == {"document_id": int(answer.headers["Location"].rpartition("/")[2]), "status": "PENDING",
                             "message": "Upload accepted"}  # fmt: skip
    told = list(events(f"{answer.headers['Location']}/events"))
    assert all(set(event) == {"number", "document_id", "status", "stage", "message", "progress"} for event in told)
    assert list(dict.fromkeys(event["stage"] for event in told)) == ["store", "extract", "chunk", "embed", "index"]
    assert [event["progress"] for event in told] == sorted(event["progress"] for event in told)
    assert (told[-1]["status"], told[-1]["progress"]) == ("COMPLETED", 100)
    now = http.get(answer.headers["Location"]).json()
    assert (now["name"], now["kind"], now["status"], now["last_event"]) == (
        "whales.txt", "text", "COMPLETED", told[-1]["number"],
    )  # fmt: skip
    whole(now["id"])


@live
def test_a_stored_file_waits_until_it_is_started(http: httpx.Client) -> None:
    """The older system's two steps: upload, then start, with its words in the answer."""
    answer = upload(http, "later.md", essay(), start="false")
    document = answer.json()["document_id"]
    assert answer.json()["status"] == "STORED"
    started = http.post(f"/start/{document}")
    assert started.status_code == 202
    assert set(started.json()) == {"message", "upload_id", "task_id"}
    assert started.json()["upload_id"] == document
    assert ended(http, f"/documents/{document}")["status"] == "COMPLETED"
    assert refused(http.post(f"/start/{document}")) == (409, "conflict")


@live
def test_events_resume_without_a_gap(http: httpx.Client) -> None:
    """After any of them the rest, of one document and of all; after the last one 204, which ends it."""
    before = store.last_event()
    document = processed(http, "whales.txt", essay())
    path = f"/documents/{document['id']}/events"
    told = list(events(path))
    for at, event in enumerate(told[:-1]):
        assert list(events(path, event["number"])) == told[at + 1 :]
    assert http.get(path, headers={"Last-Event-ID": str(told[-1]["number"])}).status_code == 204
    every = events("/events", before)
    assert [next(every) for _ in told] == told
    numbers = [row[0] for row in sql("SELECT id FROM lesson15.events ORDER BY id")]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@live
def test_listeners_hear_all_also_when_the_line_to_postgresql_is_cut(http: httpx.Client) -> None:
    """What is committed meanwhile is read afterwards: nobody misses an event or hears one twice."""
    document = upload(http, "whales.txt", essay(), start="false").json()["document_id"]
    path, heard = f"/documents/{document}/events", []
    with ThreadPoolExecutor(5) as threads:
        listeners = [threads.submit(list, events(path)) for _ in range(5)]
        for _ in range(2):
            sleep(0.8)  # all listen by now, or again
            sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN lesson15%'")
        http.post(f"/start/{document}")
        heard = [[event["number"] for event in listener.result(timeout=30)] for listener in listeners]
    in_the_database = sql("SELECT id FROM lesson15.events WHERE document_id = :id ORDER BY id", id=document)
    assert heard == [[row[0] for row in in_the_database]] * 5


@live
def test_events_are_numbered_as_they_are_committed() -> None:
    """Of two transactions the one that tells second waits: no number is seen before a lower one."""
    one, other = stored(), stored()
    seen = store.last_event()
    with ThreadPoolExecutor(1) as threads, store.transaction() as connection:
        store.tell(connection, store.find(one.id))

        def second() -> None:
            with store.transaction() as connection:
                store.tell(connection, store.find(other.id))

        told = threads.submit(second)
        sleep(0.3)  # in which it could be committed, if it didn't wait
        assert not told.done()
        assert store.last_event() == seen
        connection.commit()
    told.result()
    assert store.last_event() == seen + 2
    service.delete(one.id)
    service.delete(other.id)


@live
def test_a_question_is_answered_with_document_and_page(http: httpx.Client) -> None:
    """The best passage first, of the page on which it stands; in Korean too, and only from the documents asked."""
    ids = {}
    for file in DATA.iterdir():
        answer = upload(http, file.name, file.read_bytes())
        ids[file.name] = answer.json()["document_id"]
        assert ended(http, answer.headers["Location"])["status"] == "COMPLETED"
    for question, name, page, words in (
        ("For how many weeks may I keep a book?", "handbook.pdf", 2, "four weeks"),
        ("What does a printed page in colour cost?", "handbook.pdf", 3, "twenty in colour"),
        ("스터디룸은 몇 시간 쓸 수 있나요?", "guide-ko.docx", 2, "세 시간까지"),
        ("컬러 인쇄는 한 장에 얼마인가요?", "guide-ko.docx", 2, "이십 센트"),
        ("¿Quién puede leer cuentos a los niños?", "news.md", 1, "voluntarios"),
    ):
        found = http.post("/questions", json={"question": question, "documents": list(ids.values())}).json()
        best = found["passages"][0]
        assert (best["document"], best["page"]) == (name, page), question
        assert words in best["text"]
        scores = [passage["score"] for passage in found["passages"]]
        assert scores == sorted(scores, reverse=True)
        assert found["answer"] in " ".join(passage["text"] for passage in found["passages"])
    only = {"question": "For how many weeks may I keep a book?", "documents": [ids["news.md"]]}
    assert {passage["document"] for passage in http.post("/questions", json=only).json()["passages"]} <= {"news.md"}
    for nothing in "?!", "the of and", "xyzzy":
        asked = {"question": nothing, "documents": [ids["news.md"]]}
        assert http.post("/questions", json=asked).json() == {"question": nothing, "answer": None, "passages": []}


@live
def test_the_same_file_is_one_document(http: httpx.Client) -> None:
    """Also where eight uploads of it come at the same moment, under different names; one file is kept."""
    content = essay()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: upload(http, f"{n}.txt", content), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [202]
    assert len({answer.json()["document_id"] for answer in answers}) == 1
    assert len([file for file in FILES.iterdir() if file.read_bytes() == content]) == 1
    whole(ended(http, answers[0].headers["Location"])["id"])


@live
def test_a_deleted_document_is_gone_whatever_its_tasks_do(http: httpx.Client) -> None:
    """Row, passages and file; its last event says so, and nothing of it is found."""
    before = store.last_event()
    for moment in ("at once", "later"):
        answer = upload(http, "whales.txt", essay(3000))
        document = answer.json()["document_id"]
        file = FILES / sql("SELECT file FROM lesson15.documents WHERE id = :id", id=document)[0][0]
        if moment == "later":
            eventually(lambda: http.get(answer.headers["Location"]).json()["chunks"], "it isn't cut")  # noqa: B023
        assert http.delete(answer.headers["Location"]).status_code == 204
        assert refused(http.get(answer.headers["Location"])) == (404, "not_found")
        assert refused(http.delete(answer.headers["Location"])) == (404, "not_found")
        assert not file.exists()
        told = [event for event in events_of(document, before)]
        assert told[-1] == {"document_id": document, "status": "DELETED", "stage": None, "message": "Deleted",
                            "progress": 0}  # fmt: skip
    assert processed(http, "after.txt", essay())["status"] == "COMPLETED"
    assert sql("SELECT count(*) FROM lesson15.chunks WHERE document_id = :id", id=document) == [(0,)]


def events_of(document_id: int, after: int) -> list[dict]:
    return [json.loads(data) for _, _, data in store.events_after(after, document_id, 1000)]


@once
@live
def test_the_list_is_filtered_and_paged(http: httpx.Client) -> None:
    """The latest first; what it doesn't know is refused."""
    documents = [processed(http, "whales.txt", essay())["id"] for _ in range(2)]
    listed = http.get("/documents", params={"status": "COMPLETED", "limit": 2}).json()
    assert [document["id"] for document in listed] == documents[::-1]
    assert http.get("/documents", params={"limit": 1, "offset": 1}).json() == [listed[1]]
    for query in "status=DONE", "colour=red", "limit=0", "limit=1001", "offset=-1":
        assert refused(http.get(f"/documents?{query}")) == (422, "invalid"), query


# Bad input.

PNG = b"\x89PNG\r\n\x1a\n" + bytes(1000)


@once
@live
@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("empty.pdf", b"", 422),
        ("empty.txt", b"", 422),
        ("picture.pdf", PNG, 415),
        ("picture.docx", PNG, 415),
        ("picture.png", PNG, 415),
        ("nothing", b"text", 415),
        (".pdf", b"%PDF-", 415),
    ],
)
def test_a_file_of_the_wrong_kind_is_refused(http: httpx.Client, name: str, content: bytes, status: int) -> None:
    """4xx with one sentence; nothing is kept."""
    before = set(FILES.iterdir()) if FILES.exists() else set()
    assert refused(upload(http, name, content))[0] == status
    assert (set(FILES.iterdir()) if FILES.exists() else set()) == before


@once
@live
def test_a_file_over_the_limit_is_cut_off_and_leaves_nothing(http: httpx.Client) -> None:
    """By its announced length before it is read, and where none was announced after that many bytes."""
    port = int(os.environ["API_PORT"])
    head = "POST /documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(f"{head}Content-Length: {MAX_BYTES + 2 * MEGABYTE}\r\n\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")

    def endless() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range(600):
            yield b"a" * 100_000

    kept = set(FILES.iterdir()) if FILES.exists() else set()
    answer = http.post("/documents", content=endless(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert refused(answer) == (413, "too_large")
    assert refused(upload(http, "a.txt", b"a" * (MAX_BYTES + 1))) == (413, "too_large")
    assert (set(FILES.iterdir()) if FILES.exists() else set()) == kept


@once
@live
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\secrets\\plan.txt", "plan.txt"),
        ("x" * 500 + ".txt", "x" * 195 + "….txt"),
        ("<img src=x onerror=alert(1)>.txt", "<img src=x onerror=alert(1)>.txt"),
        ("안내 📄.txt", "안내 📄.txt"),
    ],
)
def test_a_name_is_text_and_never_a_path(http: httpx.Client, name: str, shown: str) -> None:
    """It is kept to be shown; the file on disk has a name of ours."""
    document = processed(http, name, essay())
    assert document["name"] == shown
    assert all(len(file.name) == 36 for file in FILES.iterdir())


@once
@live
def test_bad_requests_are_refused_in_one_shape(http: httpx.Client) -> None:
    """4xx with a code and a sentence, and never 500."""
    for path in "/documents/0", "/documents/x", "/documents/2147483648":
        assert refused(http.get(path)) == (422, "invalid"), path
        assert refused(http.post(f"{path}/retry")) == (422, "invalid"), path
    for method, path in ("GET", "/documents/2147483647"), ("POST", "/start/2147483647"), ("GET", "/nowhere"):
        assert refused(http.request(method, path)) == (404, "not_found")
    assert refused(http.get("/documents/2147483647/events")) == (404, "not_found")
    assert refused(http.delete("/documents")) == (405, "method_not_allowed")
    for body in (
        {},
        {"question": ""},
        {"question": " "},
        {"question": "x" * 1001},
        {"question": "a", "documents": []},
        [],
    ):
        assert refused(http.post("/questions", json=body)) == (422, "invalid"), body
    assert refused(http.post("/questions", content=b" " * 1_000_001)) == (413, "too_large")
    for after in "x", "-1", "9" * 30:
        assert refused(http.get("/events", headers={"Last-Event-ID": after})) == (422, "invalid"), after
    assert refused(http.post("/documents", data={"file": "not a file"})) == (422, "invalid")
    assert refused(http.post("/documents", content=b"x", headers={"Content-Type": "multipart/form-data"}))[0] == 400


# Nothing lost, nothing twice.


def stored(content: bytes | None = None, name: str = "whales.txt") -> Any:
    """A document that nobody works on: its tasks are called by the test alone."""
    document = service.upload(name, io.BytesIO(content or essay(2000)), start=False).document
    [row] = sql("UPDATE lesson15.documents SET status = 'PENDING' WHERE id = :id RETURNING *", id=document.id)
    return row


@pytest.fixture
def unwatched() -> Iterator[None]:
    """The living worker doesn't look for stuck documents meanwhile: the test does."""
    chat = [f"chat@{socket.gethostname()}"]
    assert app.control.cancel_consumer(HOUSEKEEPING, destination=chat, reply=True, timeout=10, limit=1)
    yield
    assert app.control.add_consumer(HOUSEKEEPING, destination=chat, reply=True, timeout=10, limit=1)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int]]]:
    """What would have been sent to the workers."""
    messages: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(sending.app, "send_task", lambda name, args, **_: messages.append((name, args)))
    return messages


@live
def test_each_stage_may_come_twice_and_counts_once(sent: list[tuple[str, list[int]]]) -> None:
    """Copies of each message, in turn or four at once; the last batch sends the last stage, and no other does."""
    document = stored()
    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(lambda _: pipeline.extract(document.id, 1), range(4)))[1:] == ["nothing to do"] * 3
        batches, sent[:] = list(sent), []
        assert {name for name, _ in batches} == {TaskNames.EMBED}
        assert len(batches) > 1
        list(threads.map(lambda batch: pipeline.embed_batch(*batch[1]), [*batches, *batches]))
        assert sent == [(TaskNames.INDEX, [document.id, 1])]
        done = list(threads.map(lambda _: pipeline.index(document.id, 1), range(4)))
    assert sorted(done) == ["Ready to be searched"] + ["nothing to do"] * 3
    assert pipeline.extract(document.id, 1) == "nothing to do"
    whole(document.id)


@live
def test_tasks_of_an_old_attempt_do_nothing(sent: list[tuple[str, list[int]]]) -> None:
    """After a retry the document answers to its new attempt alone; what was embedded stays."""
    document = stored()
    pipeline.extract(document.id, 1)
    first, *others = sent[:]
    pipeline.embed_batch(*first[1])
    service.retry(document.id)
    for _, args in (first, *others):
        assert pipeline.embed_batch(*args) == "nothing to do"
    assert pipeline.index(document.id, 1) == "nothing to do"
    pipeline.fail(document.id, 1, "late")
    assert store.find(document.id).status == "PENDING"
    sent.clear()
    sending.send_next(store.find(document.id))
    assert pipeline.embed_batch(*sent[0][1]) == "nothing to do"  # the first batch has its vectors
    for _, args in sent[1 : len(others) + 1]:
        pipeline.embed_batch(*args)
    assert pipeline.index(document.id, 2) == "Ready to be searched"
    whole(document.id)


@once
@live
def test_an_embedder_that_fails_is_told_of(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The document has failed and says why; an error of the database is raised, and the batch comes again."""
    document = stored()
    pipeline.extract(document.id, 1)

    def gone(_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(pipeline, "embed", gone)
    with pytest.raises(OperationalError):
        pipeline.embed_batch(document.id, 1, 0)
    assert store.find(document.id).status == "IN_PROGRESS"
    monkeypatch.setattr(pipeline, "embed", lambda _: 1 / 0)
    assert pipeline.embed_batch(document.id, 1, 0) == "It can't be embedded: division by zero."
    assert store.find(document.id).status == "FAILED"
    service.delete(document.id)


@live
@pytest.mark.usefixtures("unwatched")
def test_a_worker_that_was_thought_dead_is_kept_out(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """While it reads on, another has begun: what the first one writes comes to nothing."""
    document = stored()

    def slow(*_: object) -> Iterator[extraction.Page]:
        yield extraction.Page(1, 2, "First. " * 5000)
        sql("UPDATE lesson15.documents SET due_at = now() - interval '1 day' WHERE id = :id", id=document.id)
        assert pipeline.find_stuck() == 1
        assert pipeline.extract(document.id, 2) == "1 passages"
        yield extraction.Page(2, 2, "Second. " * 5000)

    def quick(*_: object) -> Iterator[extraction.Page]:
        yield extraction.Page(1, 1, "Only this.")

    readers = iter([slow, quick])
    monkeypatch.setattr(pipeline, "pages", lambda *args: next(readers)(*args))
    assert pipeline.extract(document.id, 1) == "another has it"
    assert sql("SELECT text FROM lesson15.chunks WHERE document_id = :id", id=document.id) == [("Only this.",)]
    service.delete(document.id)


@once
@live
@pytest.mark.usefixtures("unwatched")
def test_a_document_that_ends_its_workers_is_given_up(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """After three it has failed, and says so."""
    document, attempt = stored(), 1

    def die(*_: object) -> Iterator[extraction.Page]:
        raise MemoryError
        yield

    monkeypatch.setattr(pipeline, "pages", die)
    for _ in range(3):
        with pytest.raises(MemoryError):
            pipeline.extract(document.id, attempt)
        sql("UPDATE lesson15.documents SET due_at = now() - interval '1 day' WHERE id = :id", id=document.id)
        pipeline.find_stuck()
        attempt += 1
    assert pipeline.extract(document.id, attempt) == "Reading it was interrupted 3 times."
    assert store.find(document.id).status == "FAILED"
    service.delete(document.id)


@live
def test_a_retry_cancels_the_task_before(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is revoked by its id; what can't be retried is refused."""
    revoked: list[str] = []
    monkeypatch.setattr(app.control, "revoke", revoked.append)
    document = stored()
    pipeline.fail(document.id, 1, "no")
    answer = service.retry(document.id)
    assert revoked == [document.task_id]
    assert (answer.document.attempt, answer.document.status) == (2, "PENDING")
    assert answer.document.task_id != document.task_id
    done = ended(http, f"/documents/{document.id}")
    assert (done["status"], done["attempt"]) == ("COMPLETED", 2)
    assert refused(http.post(f"/documents/{document.id}/retry")) == (409, "conflict")


@live
def test_what_nobody_sent_is_found_and_sent(http: httpx.Client) -> None:
    """A row that was committed by a process that died then is a document like any other."""
    document = stored()
    sql("UPDATE lesson15.documents SET due_at = now() WHERE id = :id", id=document.id)
    assert ended(http, f"/documents/{document.id}")["status"] == "COMPLETED"


@live
def test_old_documents_and_files_without_one_are_cleaned_up(http: httpx.Client) -> None:
    """Rows, passages, files and events older than 30 days; what is newer stays."""
    old, new = (processed(http, "whales.txt", essay())["id"] for _ in range(2))
    names = dict(sql("SELECT id, file FROM lesson15.documents WHERE id IN (:old, :new)", old=old, new=new))
    month = "now() - interval '31 days'"
    sql(f"UPDATE lesson15.documents SET created_at = {month} WHERE id = :id", id=old)
    sql(f"UPDATE lesson15.events SET at = {month} WHERE document_id = :id", id=old)
    orphan, fresh = FILES / str(uuid4()), FILES / str(uuid4())
    orphan.touch()
    os.utime(orphan, (0, 0))
    fresh.touch()
    assert app.send_task(TaskNames.CLEAN_UP, ignore_result=False).get(timeout=10, interval=0.02) >= 1
    assert http.get(f"/documents/{old}").status_code == 404
    assert http.get(f"/documents/{new}").status_code == 200
    assert not orphan.exists()
    assert fresh.exists()
    assert (FILES / names[new]).exists()
    assert events_of(old, 0) == [
        {"document_id": old, "status": "DELETED", "stage": None, "message": "Deleted", "progress": 0}
    ]
    os.utime(FILES / names[old], (0, 0))
    pipeline.clean_up()
    assert not (FILES / names[old]).exists()
    fresh.unlink()


# Shape.


@once
def test_another_embedder_is_one_setting(tmp_path: Path) -> None:
    """Where fastembed is missing, the worker says so when it starts; where it is there, its model is used."""
    code = "from lesson15.embedding import embed; print(embed(['one', 'two']))"
    env = {**os.environ, "EMBEDDER": "BAAI/bge-small-en-v1.5", "PYTHONPATH": str(tmp_path)}
    missing = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert missing.returncode == 1
    assert missing.stderr == "EMBEDDER is 'BAAI/bge-small-en-v1.5', which needs fastembed: pip install fastembed\n"
    (tmp_path / "fastembed.py").write_text(
        "from array import array\n"
        "class TextEmbedding:\n"
        "    def __init__(self, name): self.name = name\n"
        "    def embed(self, texts): return (array('i', [len(text), len(self.name)]) for text in texts)\n"
    )
    there = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert there.stdout == "[[3, 22], [3, 22]]\n"


@once
def test_the_arrows_point_inwards() -> None:
    """api, tasks → service, pipeline → store → model: nothing knows who stands further out."""
    order = [{"settings", "names"}, {"model"}, {"database"}, {"store"}, {"sending"}, {"service", "pipeline"},
             {"api", "tasks"}]  # fmt: skip
    for at, names in enumerate(order):
        outer = {f"lesson15.{name}" for further in order[at + 1 :] for name in further}
        for name in names:
            known = set()
            for node in ast.walk(ast.parse((LESSON.folder / f"{name}.py").read_text())):
                if isinstance(node, ast.ImportFrom):
                    known |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
            assert not known & outer, name


@once
def test_the_api_beat_and_flower_never_load_the_workers_code() -> None:
    """No task, no PDF, no vectors; and nobody opens a connection before the fork."""
    code = "import sys, lesson15.api, lesson15.celery_app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"lesson15.tasks", "lesson15.pipeline", "lesson15.embedding", "pypdf", "mmh3"} & set(loaded)
    code = (
        "import sys; from lesson15 import database, tasks; print(database.engine.cache_info().currsize, *sys.modules)"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert made[0] == "0"
    assert not {"pypdf", "cryptography", "lesson15.formats"} & set(made)  # only the process that reads has them


@once
def test_each_kind_of_work_has_its_queue() -> None:
    """And beat sends the clean-up at midnight of the zone in which this computer is."""
    routed = {name: app.amqp.router.route({}, name)["queue"].name for name in TaskNames}
    assert routed == {
        TaskNames.EXTRACT: DOCUMENTS, TaskNames.EMBED: DOCUMENTS, TaskNames.INDEX: DOCUMENTS, TaskNames.ANSWER: CHAT,
        TaskNames.FIND_STUCK: HOUSEKEEPING, TaskNames.CLEAN_UP: HOUSEKEEPING,
    }  # fmt: skip
    code = "from lesson15.celery_app import app; s = app.conf.beat_schedule['clean up at midnight']['schedule'];" \
           "print(app.conf.timezone, s.hour, s.minute)"  # fmt: skip
    for zone in "Asia/Seoul", "America/New_York":
        env = {**os.environ, "TIMEZONE": "", "TZ": zone}
        told = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert told.stdout == f"{zone} {{0}} {{0}}\n"


@once
def test_a_text_and_a_question_may_be_spelled_differently() -> None:
    """Ligatures, full-width letters, soft hyphens, and accents or Hangul in one letter or in several."""
    decomposed = unicodedata.normalize("NFD", "café 고래")
    for one, other in [
        ("the o\ufb03ce \ufb01les", "the office files"), ("ｗｈａｌｅ", "whale"), (decomposed, "CAFÉ 고래"),
        ("la\u00adby\u200brinth", "labyrinth"), ("Straße", "STRASSE"),
    ]:  # fmt: skip
        assert list(embedding.terms(one)) == list(embedding.terms(other))
        assert embedding.embed([one]) == embedding.embed([other])


@once
def test_vectors_stay_what_they_were() -> None:
    """Those of scikit-learn 1.9's HashingVectorizer, which earlier versions of the course have stored."""
    [vector, nothing] = embedding.embed(["The whale, whales and the 고래 of Straße 7", "the of and"])
    places = {place: round(value, 4) for place, value in enumerate(vector) if value}
    assert places == {217: 0.8165, 717: -0.4082, 803: 0.4082}  # whale twice, strasse and 고래
    assert nothing == [0] * 1024


@once
@live
def test_an_index_of_vectors_works_as_the_page_says() -> None:
    """It needs the column's dimensions."""
    with engine().begin() as connection:
        connection.execute(text("CREATE TEMP TABLE indexed (embedding vector(1024)) ON COMMIT DROP"))
        connection.execute(text("CREATE INDEX ON indexed USING hnsw (embedding vector_cosine_ops)"))
        with pytest.raises(DBAPIError, match="column does not have dimensions"), connection.begin_nested():
            connection.execute(text("CREATE INDEX ON lesson15.chunks USING hnsw (embedding vector_cosine_ops)"))


@once
@live
def test_model_and_migrations_agree() -> None:
    """Alembic finds nothing that it would change."""
    with engine().connect() as connection:
        options = {"include_schemas": True, "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
                   "version_table_schema": SCHEMA}  # fmt: skip
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


@once
@live
def test_migrations_may_run_at_once_and_from_any_folder(tmp_path: Path) -> None:
    """Four on an empty database: each succeeds, and so does one more."""
    name = f"lesson15_{uuid4().hex}"
    admin = create_engine(VECTOR_DATABASE_URL, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        env = {
            **os.environ,
            "APP_DATABASE_URL": make_url(VECTOR_DATABASE_URL).set(database=name).render_as_string(hide_password=False),
        }
        command = [sys.executable, "-m", "lesson15.migrate"]
        four = [subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE) for _ in range(4)]
        assert [one.communicate(timeout=30)[0] for one in four] == [b"The tables are up to date.\n"] * 4
        subprocess.run(command, cwd=tmp_path, env=env, check=True, timeout=30)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def test_a_server_without_pgvector_is_named(profile: str) -> None:
    """Exit 1 and one sentence, with the mend."""
    url = "postgresql+psycopg2://postgres:postgres@localhost:5432/celery_jobs"
    if profile == "embedded":
        pytest.skip("needs a PostgreSQL of one's own")
    with psycopg2.connect(url.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
        if cursor.fetchone() == (1,):
            pytest.skip("this server has it")
    command = [sys.executable, "-m", "lesson15.migrate"]
    env = {**os.environ, "APP_DATABASE_URL": url}
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert "lacks the extension vector" in ended.stderr
    assert "python -m classroom.postgres --vector has it." in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


# Who may come in.


@live
def test_a_token_is_asked_for_and_a_browser_can_give_it() -> None:
    """As Bearer, or as the password of Basic; only health goes without. Another site's page never comes in."""
    env = {**os.environ, "API_PORT": free_port(), "API_TOKEN": "s3cret"}
    logs = Path(env["LESSONS_HOME"], "logs", "lesson15-alone")
    with running({"api": "python -m lesson15.api"}, logs, place=(Path.cwd(), env)), client(env["API_PORT"]) as stranger:
        assert stranger.get("/health").json() == {"status": "ok"}
        for path in "/", "/page.js", "/documents", "/events", "/docs", "/openapi.json", "/nowhere":
            answer = stranger.get(path)
            assert refused(answer) == (401, "unauthorized")
            assert answer.headers["WWW-Authenticate"].startswith("Basic")
        for wrong in "Bearer s3cre", "Basic s3cret", "Basic ????", "s3cret", "Bearer":
            assert stranger.get("/", headers={"Authorization": wrong}).status_code == 401, wrong
        assert stranger.get("/documents", headers={"Authorization": "Bearer s3cret"}).status_code == 200
        assert stranger.get("/", auth=("anybody", "s3cret")).status_code == 200
        theirs = {"Authorization": "Bearer s3cret", "Origin": "http://elsewhere.example"}
        assert refused(stranger.get("/documents", headers=theirs)) == (403, "forbidden")
        own = theirs | {"Origin": f"http://127.0.0.1:{env['API_PORT']}"}
        assert stranger.get("/documents", headers=own).status_code == 200


@once
@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"API_HOST": "0.0.0.0"}, "Set API_TOKEN"),
        ({"API_PORT": "eighty"}, "API_PORT is 'eighty'"),
        ({"MAX_BYTES": "-1"}, "MAX_BYTES is '-1'"),
    ],
)
def test_a_dangerous_or_wrong_setting_is_refused_at_start(env: dict[str, str], why: str) -> None:
    """Exit 1 and one sentence, before anything else happens."""
    command = [sys.executable, "-m", "lesson15.api"]
    ended = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 1
    assert why in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@live
@once
def test_schemathesis_finds_nothing(http: httpx.Client) -> None:
    """No 5xx, and every answer as OpenAPI has it."""
    schema = f"http://127.0.0.1:{os.environ['API_PORT']}/openapi.json"
    command = ["schemathesis", "run", schema, "--seed=15", "--max-time=5", "--request-timeout=15", "--no-color",
               "--generation-database=none", "--exclude-path=/events",
               "--exclude-checks=positive_data_acceptance"]  # fmt: skip
    # left out: a stream that never ends, and that any file will do: what is in it no schema can say
    ran = subprocess.run(command, cwd=os.environ["LESSONS_HOME"], capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stdout[-5000:]


# The page.


@once
@live
def test_the_page_from_end_to_end(page: Page, http: httpx.Client, tmp_path: Path) -> None:
    """Drop three files, watch the bars move, ask, read the passage, break one, retry it, reload in the middle."""
    address = f"http://127.0.0.1:{os.environ['API_PORT']}"
    for document in http.get("/documents?limit=1000").json():  # of other tests
        http.delete(f"/documents/{document['id']}")
    wanted = os.environ.get("LESSONS_PICTURES")
    pictures = LESSON.folder if wanted else tmp_path
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 1100, "height": 640})
    page.goto(address)
    expect(page.locator("#line")).to_have_text("live")
    policy = http.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src")

    # Three files at once; the bar of the large one moves.
    large = tmp_path / "atlas.txt"
    large.write_bytes(essay(15_000))
    page.locator("#files").set_input_files([large, DATA / "handbook.pdf", DATA / "guide-ko.docx"])
    atlas = page.locator(".document", has_text="atlas.txt")
    seen: set[int] = set()

    def moved() -> bool:
        seen.add(int(atlas.locator("progress").evaluate("bar => bar.value")) if atlas.count() else 0)
        return len(seen) > 3

    eventually(moved, "the bar doesn't move", 30)
    page.reload()  # in the middle: everything is there again, and goes on
    expect(page.locator(".document")).to_have_count(3)
    for name in "atlas.txt", "handbook.pdf", "guide-ko.docx":
        row = page.locator(".document", has_text=name)
        expect(row.locator(".status")).to_have_text("completed", timeout=30_000)
        assert row.locator("progress").evaluate("bar => bar.value") == 100

    # One that is torn fails, says why, and is retried; it can be dropped, too.
    torn = (DATA / "handbook.pdf").read_bytes()[:900]
    page.evaluate(
        """([name, text]) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name));
            document.querySelector("#drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
        }""",
        ["<img src=x onerror=alert(1)>.pdf", base64.b64encode(torn).decode()],
    )
    broken = page.locator(".document", has_text="<img src=x onerror=alert(1)>.pdf")
    expect(broken.locator(".message")).to_contain_text("It can't be read as a PDF", timeout=10_000)
    before = store.last_event()
    broken.get_by_role("button", name="Retry").click()
    eventually(lambda: store.last_event() >= before + 3, "it isn't retried")
    expect(broken.locator(".status")).to_have_text("failed")
    broken.get_by_role("button", name="Delete").click()
    expect(page.locator(".document")).to_have_count(3)
    page.locator("#files").set_input_files({"name": "cat.pdf", "mimeType": "", "buffer": PNG})
    expect(page.locator("#refusals")).to_have_text("cat.pdf is called PDF, and isn't one.")
    page.locator("#files").set_input_files([])

    # A question, and the passage with its document and page.
    page.locator("#question").fill("For how many weeks may I keep a book?")
    page.get_by_role("button", name="Ask").click()
    first = page.locator(".passage").first
    expect(first.locator(".source")).to_have_text("handbook.pdf, page 2")
    expect(first.locator(".text")).to_contain_text("Books may be kept for four weeks")
    upload(http, "second.txt", essay(15_000))  # of another client: the page hears of it
    second = page.locator(".document", has_text="second.txt")
    expect(second.locator(".message")).to_contain_text(" of ")
    page.screenshot(path=pictures / "page.png")
    expect(second.locator(".status")).to_have_text("completed", timeout=30_000)

    # On a phone nothing sticks out.
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.screenshot(path=pictures / "answer.png")
    page.reload()
    expect(page.locator(".document")).to_have_count(4)  # though nothing happens any more
    assert all(picture.stat().st_size < 150_000 for picture in pictures.glob("*.png"))
    assert complaints == []
    assert {url.partition("//")[2].partition("/")[0] for url in asked if url.startswith("http")} == {
        f"127.0.0.1:{os.environ['API_PORT']}"
    }


# On an island: servers and processes of its own, which can be killed.


@pytest.fixture
def island(profile: str) -> Iterator[Island]:
    """A pipeline of our own."""
    names = ("worker-documents", "worker-chat", "beat", "api", "postgres")  # each before what it needs
    commands = {name: LESSON.processes[name] for name in names}
    with islands.island(profile, commands, "/health", LEASE_SECONDS="1.5") as island:
        yield island


@pytest.mark.timeout(300)
def test_whatever_is_killed_no_document_is_lost_and_no_passage_comes_twice(island: Island) -> None:
    """Each part, pool processes and reading processes are killed at moments drawn from a seed.

    CHAOS_DOCUMENTS=40 CHAOS_SECONDS=40 CHAOS_SEED=7 make it longer, or the same as before.
    """
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))
    count = int(os.environ.get("CHAOS_DOCUMENTS") or 8)
    seconds = float(os.environ.get("CHAOS_SECONDS") or 8)
    print(f"CHAOS_SEED={seed}")
    chance, kills, taken = random.Random(seed), dict.fromkeys(island.commands, 0), list[int]()
    content = [pdf(*["The river bends to the north. " * 60] * chance.randrange(5, 40)) for _ in range(count)]

    def send() -> None:
        with client(island.api) as http:
            for one in content:
                while True:  # until it is taken: the same bytes are the same document
                    with suppress(httpx.TransportError):
                        answer = upload(http, "a.pdf", one)
                        assert answer.status_code in (200, 202, 503), answer.text
                        if answer.status_code != 503:
                            taken.append(answer.json()["document_id"])
                            break
                    sleep(0.1)
                sleep(seconds / count / 2)

    caller = Thread(target=send, daemon=True)
    caller.start()
    working = "SELECT 1 FROM lesson15.documents WHERE status = 'IN_PROGRESS'"
    eventually(lambda: island.sql(working), "nobody begins", 40)
    victims, began = ["worker-documents", "postgres", *(["redis"] if "redis" in island.commands else [])], monotonic()
    while victims or monotonic() - began < seconds:
        victim = victims.pop(0) if victims else chance.choice(list(island.commands))
        island.kill(victim)
        kills[victim] += 1
        sleep(chance.uniform(0, 0.5))
        island.start(victim)
        sleep(chance.uniform(0.3, 2))
        island.kill_below("worker-documents", chance)
        sleep(chance.uniform(0, 2))
        island.supervise()
    caller.join(timeout=60)
    assert len(set(taken)) == count, seed

    def states() -> dict[str, int]:
        """How many are in each state; one whose reading was interrupted three times is retried, as a user would do."""
        island.supervise()
        for document, message in island.sql("SELECT id, message FROM lesson15.documents WHERE status = 'FAILED'"):
            assert message == "Reading it was interrupted 3 times.", (seed, message)
            with suppress(httpx.TransportError), client(island.api) as http:
                http.post(f"/documents/{document}/retry")
        return dict(island.sql("SELECT status, count(*) FROM lesson15.documents GROUP BY 1"))

    eventually(lambda: states() == {"COMPLETED": count}, f"seed {seed}: {states()}", 90)
    eventually(island.answers, "the API doesn't start", 40)
    counted = """
        SELECT d.chunks, d.embedded, count(c.number), count(DISTINCT c.number), count(c.embedding)
        FROM lesson15.documents d JOIN lesson15.chunks c ON c.document_id = d.id GROUP BY d.id
    """
    assert all(len(set(row)) == 1 for row in island.sql(counted)), seed
    print(f"seed {seed}: {count} documents completed, killed {kills}, {monotonic() - began:.0f} s")
