"""For tests of lesson 15: files, uploads, and their outcome."""

import io
import json
import zipfile
from typing import Any
from uuid import uuid4

import httpx
from docx import Document as Docx
from fpdf import FPDF
from pypdf import PdfWriter
from sqlalchemy import text

from lesson15 import service, store
from lesson15.database import engine
from tests.hostile import WORD
from tests.island import eventually

PNG = b"\x89PNG\r\n\x1a\n" + bytes(1000)


def sql(command: str, **values: Any) -> list[Any]:
    """What PostgreSQL answers."""
    with engine().begin() as connection:
        result = connection.execute(text(command), values)
        return list(result) if result.returns_rows else []


def upload(http: httpx.Client, name: str, content: bytes, **query: Any) -> httpx.Response:
    return http.post("/documents", files={"file": (name, content)}, params=query)


def ended(http: httpx.Client, document: str, seconds: float = 90) -> dict[str, Any]:
    """A document, once it is completed or has failed."""

    def look() -> dict[str, Any] | None:
        found = http.get(document).json()
        return found if found["status"] in ("COMPLETED", "FAILED") else None

    return eventually(look, f"{document} doesn't end", seconds)


def processed(http: httpx.Client, name: str, content: bytes) -> dict[str, Any]:
    """A new document, at its end."""
    answer = upload(http, name, content)
    assert answer.status_code == 202, answer.text
    return ended(http, answer.headers["Location"])


def whole(document_id: int) -> None:
    """All passages are there, once each, with their vectors."""
    counted = sql(
        "SELECT d.chunks, d.embedded, count(c.number), count(DISTINCT c.number), count(c.embedding)"
        " FROM lesson15.documents d JOIN lesson15.chunks c ON c.document_id = d.id WHERE d.id = :id GROUP BY d.id",
        id=document_id,
    )
    assert len(set(counted[0])) == 1, counted


def events_of(document_id: int, after: int) -> list[dict]:
    """What was told of a document after that number."""
    return [json.loads(data) for _, _, data in store.events_after(after, document_id, 1000)]


def stored(content: bytes | None = None, name: str = "whales.txt") -> Any:
    """A document that nobody works on: its tasks are called by the test alone."""
    document = service.upload(name, io.BytesIO(content or essay(2000)), start=False).document
    [row] = sql("UPDATE lesson15.documents SET status = 'PENDING' WHERE id = :id RETURNING *", id=document.id)
    return row


def essay(sentences: int = 30) -> bytes:
    """A text that nobody has uploaded yet."""
    return "".join(f"Sentence {n} of {uuid4()} is about whales. " for n in range(sentences)).encode()


def pdf(*texts: str) -> bytes:
    """A PDF with a page for each text, unlike any other."""
    made = FPDF()
    made.set_font("Helvetica", size=12)
    made.set_title(str(uuid4()))
    for words in texts:
        made.add_page()
        made.multi_cell(0, 6, words)
    return bytes(made.output())


def docx(**parts: bytes) -> bytes:
    """A DOCX with these parts added, or replaced."""
    made, whole = io.BytesIO(), Docx()
    whole.add_paragraph(f"Text of {uuid4()}.")
    whole.save(made)
    result = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, parts.pop(name, old.read(name)))
        for name, content in parts.items():
            new.writestr(name, content)
    return result.getvalue()


def written(writer: PdfWriter) -> bytes:
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def encrypted(password: str, algorithm: str) -> bytes:
    writer = PdfWriter(io.BytesIO(pdf("Nothing secret.")))
    writer.encrypt(password, owner_password="owner", algorithm=algorithm)
    return written(writer)


def many_pages(count: int) -> bytes:
    """A small PDF of that many empty pages."""
    writer = PdfWriter()
    for _ in range(count):
        writer.add_blank_page(10, 10)
    return written(writer)


def word(inner: str, space: str = WORD) -> bytes:
    """A word/document.xml with this body."""
    return f'<w:document xmlns:w="{space}" xmlns:x="x"><w:body>{inner}</w:body></w:document>'.encode()


def p(*runs: str) -> str:
    return f"<w:p>{''.join(runs)}</w:p>"


def r(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


def document(inner: str, **more: bytes) -> bytes:
    return docx(**{"word/document.xml": word(inner), **more})
