"""Lesson 15's claims about what happens at the same moment, or comes twice: nothing is lost, nothing done twice."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from lesson15 import extraction, pipeline, sending, service, store
from lesson15.celery_app import app
from lesson15.names import HOUSEKEEPING, TaskNames
from tests.refusals import refused
from tests.uploads import ended, sql, stored, whole

live = pytest.mark.usefixtures("workers")
once = pytest.mark.once


@pytest.fixture
def unwatched() -> Iterator[None]:
    """The living worker doesn't look for stuck documents meanwhile: the test does."""
    chat = [f"chat@{socket.gethostname()}"]
    assert app.control.cancel_consumer(HOUSEKEEPING, destination=chat, reply=True, timeout=60, limit=1)
    yield
    assert app.control.add_consumer(HOUSEKEEPING, destination=chat, reply=True, timeout=60, limit=1)


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
