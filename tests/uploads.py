"""For tests of lesson 15: files, uploads, and their outcome."""

import io
import zipfile
from typing import Any
from uuid import uuid4

import httpx
from docx import Document as Docx
from fpdf import FPDF
from sqlalchemy import text

from lesson15.database import engine
from tests.island import eventually


def sql(command: str, **values: Any) -> list[Any]:
    """What PostgreSQL answers."""
    with engine().begin() as connection:
        result = connection.execute(text(command), values)
        return list(result) if result.returns_rows else []


def upload(http: httpx.Client, name: str, content: bytes, **query: Any) -> httpx.Response:
    return http.post("/documents", files={"file": (name, content)}, params=query)


def ended(http: httpx.Client, document: str, seconds: float = 30) -> dict[str, Any]:
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


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error, in the one shape that all have."""
    body = answer.json()
    assert set(body) == {"error"}, body
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    return answer.status_code, body["error"]["code"]


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
