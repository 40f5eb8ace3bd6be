"""Files as text, a page at a time, so that a large file costs no more memory than a small one."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

from celery.exceptions import SoftTimeLimitExceeded
from docx import Document
from docx.table import Table
from docx.text.paragraph import Paragraph
from pypdf import PdfReader, overwrite_configuration

from lesson15.model import Kind
from lesson15.settings import MAX_PAGES, MAX_UNPACKED, MAX_XML

logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of every flaw that it gets over

FORGET = 5  # pages after which pypdf's memory of what it has read is emptied
BOUNDS: dict[
    str, Any
] = {  # what pypdf lets one page cost; its own are ten times as much, which is a gigabyte of memory
    "zlib_maximum_output_length": 8_000_000,  # bytes
    "array_based_stream_maximum_output_length": 8_000_000,
    "stream_parsing_work_maximum_count": 300_000,
}
BLOCK = 50_000  # characters of a text that are read at once


class Unreadable(Exception):
    """The file can't be read; the sentence says why."""


class Page(NamedTuple):
    """A piece of text, and where it stands; `total` is None where nobody knows how many pages there are."""

    number: int
    total: int | None
    text: str


def pages(file: Path, kind: Kind) -> Iterator[Page]:
    """The text of a file. Unreadable, at once or in the middle."""
    yield from READERS[kind](file)


def pdf(file: Path) -> Iterator[Page]:
    """The pages of a PDF. One that can't be read is taken for empty."""
    overwrite_configuration(**BOUNDS)
    try:
        with file.open("rb") as source:  # not its path: then pypdf would read all of it at once
            reader = PdfReader(source)
            if reader.is_encrypted and not reader.decrypt(""):
                raise Unreadable("The PDF is encrypted. Save it without a password and upload it again.")
            total = int(reader.root_object["/Pages"].get("/Count", 0))  # type: ignore[attr-defined]
            too_many_pages(total)  # as it says itself; before anything is read
            total = len(reader.pages)
            too_many_pages(total)
            for number in range(total):
                yield Page(number + 1, total, text_of(reader, number))
    except (Unreadable, SoftTimeLimitExceeded):
        raise
    except Exception as error:  # pypdf raises whatever a broken file leads to
        raise broken("PDF", error) from error


def text_of(reader: PdfReader, number: int) -> str:
    """The text of a page."""
    try:
        return reader.pages[number].extract_text()
    except SoftTimeLimitExceeded:
        raise
    except Exception:
        return ""
    finally:
        if number % FORGET == FORGET - 1:
            reader.resolved_objects.clear()


def docx(file: Path) -> Iterator[Page]:
    """The pages of a DOCX, as far as whoever saved it left marks of where they end."""
    try:
        with ZipFile(file) as parts:
            sizes = {part.filename: part.file_size for part in parts.infolist()}  # no more than that is ever unpacked
        largest = max((size for name, size in sizes.items() if name.endswith((".xml", ".rels"))), default=0)
        if sum(sizes.values()) > MAX_UNPACKED or largest > MAX_XML:
            raise Unreadable(f"The DOCX unpacks to {sum(sizes.values()):,} bytes, which is too much.")
        number = 1
        for block in Document(str(file)).iter_inner_content():
            if isinstance(block, Table):
                yield Page(number, None, "\n".join(" · ".join(cell.text for cell in row.cells) for row in block.rows))
            else:
                yield Page(number, None, block.text + "\n\n")
                number += page_breaks(block)
                too_many_pages(number)
    except Unreadable:
        raise
    except (BadZipFile, KeyError, ValueError, SyntaxError, OSError) as error:
        raise broken("DOCX", error) from error


def page_breaks(paragraph: Paragraph) -> int:
    """Those that a word processor noted when it laid the page out, or else those that somebody asked for."""
    return len(paragraph.rendered_page_breaks) or len(paragraph._p.xpath('.//w:br[@w:type="page"]'))


def plain(file: Path) -> Iterator[Page]:
    """A text, in blocks; a form feed begins a page."""
    number = 1
    try:
        with file.open(encoding="utf-8-sig") as text:
            while block := text.read(BLOCK):
                first, *others = block.split("\f")
                yield Page(number, None, first)
                for other in others:
                    number += 1
                    too_many_pages(number)
                    yield Page(number, None, other)
    except UnicodeDecodeError as error:
        raise Unreadable("The text isn't UTF-8. Save it as UTF-8 and upload it again.") from error


READERS: dict[Kind, Callable[[Path], Iterator[Page]]] = {
    Kind.PDF: pdf, Kind.DOCX: docx, Kind.TEXT: plain, Kind.MARKDOWN: plain,
}  # fmt: skip


def too_many_pages(count: int) -> None:
    """Raise Unreadable over MAX_PAGES."""
    if count > MAX_PAGES:
        raise Unreadable(f"It has {count:,} pages, and {MAX_PAGES:,} are the most.")


def broken(kind: str, error: Exception) -> Unreadable:
    """One sentence out of whatever a library said."""
    said = " ".join(str(error).split())[:200]
    return Unreadable(f"It can't be read as a {kind}: {said or type(error).__name__}.")
