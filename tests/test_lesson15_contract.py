"""Lesson 15's claims about documents: from the upload to the answer."""

import os
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from classroom import catalog
from lesson15 import pipeline, store
from lesson15.celery_app import app
from lesson15.client import events
from lesson15.names import TaskNames
from lesson15.settings import FILES
from tests.island import eventually
from tests.refusals import refused
from tests.uploads import (
    ended,
    essay,
    events_of,
    processed,
    sql,
    upload,
    whole,
)

LESSON = catalog.find("15")
DATA = LESSON.folder / "data"
live = pytest.mark.usefixtures("workers")
once = pytest.mark.once


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
    assert app.send_task(TaskNames.CLEAN_UP, ignore_result=False).get(timeout=60, interval=0.02) >= 1
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
