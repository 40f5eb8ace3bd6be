"""Lesson 15's claims about files that can't be read, and the process that tries: refused with one sentence."""

import os
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest
from celery.exceptions import SoftTimeLimitExceeded

from lesson15 import extraction, pipeline, sending, service, store
from lesson15.extraction import Page
from lesson15.model import Kind
from tests.hostile import FONT, forms_in_forms, hostile, stream, zipped
from tests.hostile import pdf as pdf_of
from tests.island import eventually
from tests.uploads import document, docx, encrypted, ended, many_pages, p, pdf, processed, r, sql, stored, upload

live = pytest.mark.usefixtures("workers")
once = pytest.mark.once
MEGABYTE = 1_000_000


def with_damaged_block() -> bytes:
    """A DOCX in which the first packed byte of the document is another one."""
    made = bytearray(document(p(r("Text. " * 100))))
    at = made.index(b"word/document.xml") + len("word/document.xml")
    made[at] ^= 0xFF
    return bytes(made)


def much_text() -> bytes:
    """A DOCX of 100 kB with more passages than a document may have."""
    return document(p(r("All work and no play. " * 20)) * 30_000)


def dense_page() -> bytes:
    """A PDF of some kilobytes, whose page holds most of a million letters, placed singly."""
    return pdf_of([stream(b"BT " + b"(a) Tj\n" * 950_000), FONT])


def with_relationships(content: bytes) -> bytes:
    """A DOCX whose package has these relationships."""
    return document(p(r("All is well.")), **{"_rels/.rels": content})


def entity_chain() -> bytes:
    """Entities that each name the one before: following them used to crash expat, which has a stack frame for each."""
    chain = b"".join(b'<!ENTITY e%d "&e%d;">' % (n, n - 1) for n in range(1, 300_000))
    return with_relationships(b'<!DOCTYPE x [<!ENTITY e0 "x">%s]><x y="&e299999;"/>' % chain)


def many_attributes() -> bytes:
    """A DOCX with an element for whose attributes expat, and not Python, finds no memory."""
    attributes = " ".join(f"a{n}=''" for n in range(1_200_000))
    return document(f"<w:p {attributes}/>")


def for_a_certificate() -> bytes:
    """A PDF that is encrypted for the owner of a certificate."""
    return pdf_of([stream(b""), FONT]).replace(b"trailer<<", b"trailer<</Encrypt<</Filter/Adobe.PubSec/V 4>>")


NO_PDF, NO_DOCX = "It can't be read as a PDF:", "It can't be read as a DOCX:"


@once
@live
@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("torn.pdf", lambda: pdf("A page of text. " * 50)[:700], f"{NO_PDF} the file is damaged."),
        ("secret.pdf", lambda: encrypted("password", "AES-256"), "The PDF needs a password. Save it without one"),
        ("certificate.pdf", for_a_certificate, "The PDF is encrypted. Save it without encryption"),
        ("scan.pdf", lambda: many_pages(3), "There is no text in it"),
        ("long.pdf", lambda: many_pages(10_000), "It has 10,000 pages, and 2,000 are the most"),
        ("junk.pdf", lambda: b"%PDF-1.7\n" + os.urandom(5000), f"{NO_PDF} the file is damaged."),
        ("dense.pdf", dense_page, f"{NO_PDF} its pages are damaged, or too complex."),
        ("junk.docx", lambda: b"PK\x03\x04" + os.urandom(5000), f"{NO_DOCX} the file is damaged."),
        ("damaged.docx", with_damaged_block, f"{NO_DOCX} the file is damaged."),
        ("other.docx", lambda: docx(**{"word/document.xml": b"<a>"}), f"{NO_DOCX} the file is damaged."),
        ("none.docx", lambda: zipped({"x": uuid4().bytes}), f"{NO_DOCX} there is no document in it."),
        ("bomb.docx", lambda: docx(**{"word/document.xml": b" " * 30 * MEGABYTE}), "The DOCX unpacks to over 15,000,0"),
        ("laughs.docx", lambda: hostile(13)[1], f"{NO_DOCX} it has a DOCTYPE"),
        ("chain.docx", entity_chain, f"{NO_DOCX} it has a DOCTYPE"),
        ("attributes.docx", many_attributes, "Reading it takes more than 70,000,000 bytes of memory"),
        ("bzip2.docx", lambda: hostile(5)[1], f"{NO_DOCX} it is packed in a way"),
        (
            "deep.docx",
            lambda: docx(**{"word/document.xml": b"<a>" * 4_000_000}),
            "Reading it takes more than 70,000,000",
        ),
        ("much.docx", much_text, "It has more than 20,000 passages, which is the limit."),
        ("latin.txt", lambda: str(uuid4()).encode() + "Käse".encode("latin-1"), "The text isn't UTF-8"),
        ("blank.txt", lambda: b" \n" * 100, "There is no text in it"),
    ],
)
def test_a_file_that_cannot_be_read_fails_and_says_why(
    http: httpx.Client, name: str, content: Callable[[], bytes], why: str
) -> None:
    """One sentence in our words, after one try; nothing of it is kept but the file, which can be retried."""
    answer = upload(http, name, content())
    assert answer.status_code in (200, 202)
    failed = ended(http, answer.headers["Location"])
    assert (failed["status"], failed["chunks"]) == ("FAILED", None)
    assert failed["message"].startswith(why)
    assert failed["message"].endswith(".")
    assert "/" not in failed["message"]
    [(tries, chunks)] = sql(
        "SELECT tries, (SELECT count(*) FROM lesson15.chunks WHERE document_id = id) FROM lesson15.documents"
        " WHERE id = :id", id=failed["id"],
    )  # fmt: skip
    assert (tries, chunks) == (1, 0)
    http.delete(answer.headers["Location"])


def slow_pdf() -> bytes:
    """A PDF whose page takes seconds of processor time, and which has no end of such pages."""
    content = stream(b"BT /F1 1 Tf " + b"(a) Tj " * 200_000 + b"ET")
    return pdf_of([content, FONT], 1000) + str(uuid4()).encode()


def reading() -> list[psutil.Process]:
    """The reading processes of this test's pool processes, and of the lesson's."""
    return [one for one in psutil.process_iter(["cmdline", "environ"])
            if "lesson15.reader" in (one.info["cmdline"] or [])
            and (one.info["environ"] or {}).get("LESSONS_HOME") == os.environ["LESSONS_HOME"]]  # fmt: skip


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int]]]:
    """What would have been sent to the workers."""
    messages: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(sending.app, "send_task", lambda name, args, **_: messages.append((name, args)))
    return messages


@once
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells the size of a process")
def test_the_memory_that_files_leave_behind_adds_up(tmp_path: Path) -> None:
    """It counts from the start of the process, so that one whose files each leave a little is replaced in time."""
    reader, grown = extraction.Reader(), []

    def noted(reading: Generator[Page, None, int]) -> Iterator[Page]:
        grown.append((yield from reading))

    for content in b"small", document(f"<w:p w:x='{'a' * 14 * MEGABYTE}'/>"), b"small":
        (tmp_path / "file").write_bytes(content)
        kind = Kind.DOCX if content.startswith(b"PK") else Kind.TEXT
        list(noted(reader.read(tmp_path / "file", kind, lambda: None)))
    reader.stop()
    assert grown[2] >= grown[1] / 2


@once
@live
def test_a_file_that_takes_too_long_is_given_up_after_one_try(http: httpx.Client) -> None:
    """Its process is ended by the system, which no library can catch; the worker goes on with the next file."""
    failed = processed(http, "slow.pdf", slow_pdf())
    assert failed["message"] == "Reading it took too long."
    assert sql("SELECT tries FROM lesson15.documents WHERE id = :id", id=failed["id"]) == [(1,)]
    assert processed(http, "good.pdf", pdf("All is well."))["status"] == "COMPLETED"


@once
@live
def test_while_one_page_takes_long_the_document_is_not_sent_again(
    sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is extended as long as the process lives, again and again within one page."""
    monkeypatch.setattr(extraction, "LEASE_SECONDS", 0.4)  # extended each third of that, and as long as usual
    due: list[datetime] = []
    still_here = pipeline.Reading.still_here

    def noted(reading: pipeline.Reading) -> None:
        still_here(reading)
        due.append(store.find(reading.document.id).due_at)

    monkeypatch.setattr(pipeline.Reading, "still_here", noted)
    content = forms_in_forms(b"", Random(1))
    document = stored(content + str(uuid4()).encode(), "forms.pdf")
    assert pipeline.extract(document.id, 1).endswith(" passages")
    assert len(due) > 1
    assert due == sorted(set(due))  # each is later than the one before
    service.delete(document.id)


@once
@live
def test_a_reading_process_that_is_killed_says_nothing_about_the_file(http: httpx.Client) -> None:
    """The file is read again at once, by another; a document is given up only after three times."""
    answer = upload(http, "slow.pdf", slow_pdf())

    def tries() -> int:
        return sql("SELECT tries FROM lesson15.documents WHERE id = :id", id=answer.json()["document_id"])[0][0]

    for number in 1, 2, 3:
        eventually(lambda number=number: tries() == number, "it isn't read again")
        [victim] = eventually(lambda: [one for one in reading() if one.status() == "running"], "nothing is read")
        victim.kill()
    failed = ended(http, answer.headers["Location"])
    assert failed["message"] == "Reading it was interrupted 3 times."
    http.delete(answer.headers["Location"])


@once
@live
def test_the_soft_time_limit_ends_the_reading_too(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised where the pool process waits, and the reading process is ended with it."""

    def late() -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(extraction, "LEASE_SECONDS", 0.3)
    monkeypatch.setattr(pipeline.Reading, "still_here", lambda _: late())
    document = stored(slow_pdf(), "slow.pdf")
    assert pipeline.extract(document.id, 1) == "Reading it took too long."
    assert store.find(document.id).status == "FAILED"
    assert not [one for one in reading() if one.parent() == psutil.Process()]
    service.delete(document.id)
