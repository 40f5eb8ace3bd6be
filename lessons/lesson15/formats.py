"""PDF, DOCX and text as pages. Only the process that extraction.py starts for reading runs this.

Each reader yields its pages as it meets them and holds one piece of text at a time. Whatever a broken file makes a
library raise becomes Unreadable, in our words: the library's own may name a path of this server.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar
from xml.etree.ElementTree import ParseError, XMLParser
from xml.parsers.expat import errors
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from pypdf import PdfReader, overwrite_configuration

from lesson15.extraction import Page, Unreadable
from lesson15.settings import MAX_PAGES, MAX_XML

log = logging.getLogger(__name__)
logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of every flaw that it gets over

FORGET = 5  # pages after which pypdf's memory of what it has read is emptied
BOUNDS: dict[str, Any] = {  # what pypdf lets one page cost; its defaults are ten times as much, a gigabyte of memory
    "zlib_maximum_output_length": 8_000_000,  # bytes
    "array_based_stream_maximum_output_length": 8_000_000,
    "stream_parsing_work_maximum_count": 300_000,
}
BLOCK = 50_000  # characters of text in one piece
BYTES = 1 << 16  # of XML, unpacked at once


def pages(file: Path, kind: str) -> Iterator[Page]:
    """Yield the text of a file, in pieces of at most BLOCK characters. Raise Unreadable, at once or in the middle."""
    try:
        for page in READERS[kind](file):
            if page.number > MAX_PAGES:
                raise Unreadable(f"It has more than {MAX_PAGES:,} pages, which is the limit.")
            for text in blocks(page.text):
                yield Page(page.number, page.total, text)
    except (Unreadable, MemoryError, GeneratorExit):
        raise
    except Exception as error:  # zlib's, expat's, struct's …: a broken file can lead anywhere
        if isinstance(error, ParseError) and error.code == errors.codes[errors.XML_ERROR_NO_MEMORY]:
            raise MemoryError from error
        log.warning("%s can't be read as %s: %r", file.name, kind, str(error)[:200])
        raise Unreadable(f"It can't be read as a {kind.upper()}: the file is damaged.") from error


def blocks(text: str) -> Iterator[str]:
    """Cut a text into pieces of at most BLOCK characters, before a space or at the end of a line if it has any."""
    start = 0
    while len(text) - start > BLOCK:
        end = last_space(text, start, start + BLOCK)
        yield text[start:end]
        start = end
    yield text[start:]


def last_space(text: str, start: int, end: int) -> int:
    """Return where the last space or line end between these places is, or `end` if there is none."""
    found = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end))
    return found if found > start else end


def pdf(file: Path) -> Iterator[Page]:
    """The pages of a PDF. One that pypdf can't read counts as empty, unless that leaves no text at all."""
    overwrite_configuration(**BOUNDS)
    with file.open("rb") as source:  # not its path: pypdf would read all of it at once
        try:
            reader = PdfReader(source)
        except NotImplementedError as error:  # encrypted for the owner of a certificate, or in a way of its own
            raise Unreadable("The PDF is encrypted. Save it without encryption and upload it again.") from error
        if reader.is_encrypted and not reader.decrypt(""):  # most are "encrypted" with an empty password
            raise Unreadable("The PDF needs a password. Save it without one and upload it again.")
        announced = int(reader.root_object["/Pages"].get("/Count", 0))  # type: ignore[attr-defined]
        total = announced if announced > MAX_PAGES else len(reader.pages)  # counting them reads the tree of pages
        if total > MAX_PAGES:
            raise Unreadable(f"It has {total:,} pages, and {MAX_PAGES:,} are the most.")
        text = failed = False
        for number in range(total):
            try:
                page = Page(number + 1, total, reader.pages[number].extract_text())
            except MemoryError:
                raise
            except Exception as error:
                log.warning("page %s of %s can't be read: %r", number + 1, file.name, str(error)[:200])
                failed = True
                page = Page(number + 1, total, "")
            text = text or bool(page.text.strip())
            yield page
            if number % FORGET == FORGET - 1:
                reader.resolved_objects.clear()
        if failed and not text:
            raise Unreadable("It can't be read as a PDF: its pages are damaged, or too complex.")


def docx(file: Path) -> Iterator[Page]:
    """The pages of a DOCX, as far as the program that saved it marked where they end; then its notes.

    Only the parts that hold text are unpacked, a little at a time, and no tree of them is made. So the pictures, the
    relationships and the numbers in a file, such as how many columns a cell spans, cost nothing.
    """
    with ZipFile(file) as parts:
        names = {canonical(name): name for name in parts.namelist()}
        relationships = names.get("_rels/.rels")
        main = canonical(main_part(parts, relationships) if relationships else DOCUMENT)
        if main not in names:
            raise Unreadable("It can't be read as a DOCX: there is no document in it.")
        text = DocxText()
        for part in main, *notes(names, main):
            parser = XMLParser(target=text)
            for block in unpacked(parts, names[part]):
                parser.feed(block)
                yield from text.take()
            parser.close()
            yield from text.take()


DOCUMENT = "word/document.xml"  # where nearly every DOCX has its text


def canonical(name: str) -> str:
    """The name of a part as it is compared: case doesn't count (ISO/IEC 29500-2), and old .NET writes backslashes."""
    return str(PurePosixPath(name.replace("\\", "/").lower()))


def notes(names: Iterable[str], main: str) -> list[str]:
    """The parts with the footnotes, then those with the endnotes; some programs number them: footnotes2.xml."""
    folder = re.escape(main.removesuffix(PurePosixPath(main).name))
    wanted = [re.compile(rf"{folder}{kind}notes\d*\.xml") for kind in ("foot", "end")]
    return [name for kind in wanted for name in names if name != main and kind.fullmatch(name)]


def no_doctype(*_: object) -> None:
    """Refuse a part that declares a document type, before expat reads its entities."""
    raise Unreadable("It can't be read as a DOCX: it has a DOCTYPE, which word processors never write.")


def main_part(parts: ZipFile, relationships: str) -> str:
    """The name of the part that holds the document's text, as the package's relationships have it."""
    named: list[str] = []

    class Relationships:
        doctype = staticmethod(no_doctype)

        def start(self, _tag: str, attributes: dict[str, str]) -> None:
            if attributes.get("Type", "").endswith("/officeDocument"):
                named.append(attributes.get("Target", "").lstrip("/"))

    parser = XMLParser(target=Relationships())
    for block in unpacked(parts, relationships):
        parser.feed(block)
    return next(filter(None, named), DOCUMENT)


def unpacked(parts: ZipFile, name: str) -> Iterator[bytes]:
    """The content of a part, a block at a time. Unreadable if it is too long, whatever the file says of its size."""
    if parts.getinfo(name).compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # zipfile unpacks others without a bound
        raise Unreadable("It can't be read as a DOCX: it is packed in a way that word processors don't use.")
    size = 0
    with parts.open(name) as part:
        while block := part.read(BYTES):
            size += len(block)
            if size > MAX_XML:
                raise Unreadable(f"The DOCX unpacks to over {MAX_XML:,} bytes of text, which is too much.")
            yield block


class DocxText:
    """Collects the text of WordprocessingML while its tags go by (ISO/IEC 29500), as if all changes were accepted.

    Content controls, hyperlinks, text boxes and inserted text are read like any other; deleted text isn't. A cell that
    is merged with others has its text once.
    """

    SKIPPED = ("del", "moveFrom", "rt", "Fallback")  # Fallback: for old programs, the same text in another form
    CHARACTERS: ClassVar = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}

    doctype = staticmethod(no_doctype)

    def __init__(self) -> None:
        self.number = 1
        self.asked = False  # the author asked for a new page, and nothing is on it yet
        self.noted: dict[tuple[str, str], int] = {}  # on which page a note is referred to
        self.skipping = self.cells = self.size = 0  # depths of such elements, and characters of pieces
        self.row_begins = self.wanted = False
        self.pieces: list[str] = []
        self.pages: list[Page] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        self.skipping += name in self.SKIPPED
        self.wanted = name == "t" and not self.skipping
        match name:
            case "br" if "page" in attributes.values():
                self.new_page()
                self.asked = True
            case "lastRenderedPageBreak":
                if not self.asked:  # or else it is the one that the author asked for
                    self.new_page()
                self.asked = False
            case "tr":
                self.row_begins = True
            case "tc":
                self.cells += 1
                self.add("" if self.row_begins else "· ")
                self.row_begins = False
            case "footnoteReference" | "endnoteReference":
                self.noted[name.removesuffix("Reference"), identity(attributes)] = self.number
            case "footnote" | "endnote":
                self.finish()
                self.number = self.noted.get((name, identity(attributes)), self.number)
            case _ if not self.skipping:
                self.add(self.CHARACTERS.get(name, ""))

    def end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        self.wanted = False
        match name:
            case "p":
                self.add(" " if self.cells else "\n\n")
            case "tc":
                self.cells -= 1
            case "tr" | "tbl":
                self.add("\n")
            case _:
                self.skipping -= name in self.SKIPPED
        if self.size > BLOCK // 5 and name in ("p", "tr"):
            self.finish()

    def data(self, text: str) -> None:
        if self.wanted:
            self.add(text)
            self.asked = False

    def close(self) -> None:
        """The end of a part."""
        self.finish()

    def add(self, text: str) -> None:
        self.pieces.append(text)
        self.size += len(text)

    def new_page(self) -> None:
        self.finish()
        self.number += 1

    def finish(self) -> None:
        """What was collected is a piece of this page."""
        self.pages.append(Page(self.number, None, "".join(self.pieces)))
        self.pieces.clear()
        self.size = 0

    def take(self) -> list[Page]:
        """The pieces that were finished since the last call."""
        taken, self.pages = self.pages, []
        return taken


def identity(attributes: dict[str, str]) -> str:
    """The value of w:id."""
    return next((value for name, value in attributes.items() if name.endswith("}id")), "")


def plain(file: Path) -> Iterator[Page]:
    """A text, in blocks that end at the end of a line, or of a word in a very long line; a form feed begins a page."""
    number, rest = 1, ""
    try:
        with file.open(encoding="utf-8-sig") as text:
            while block := rest + (more := text.read(BLOCK // 2) + text.readline(BLOCK // 2)):
                end = len(block) if not more or more.endswith("\n") else last_space(block, 0, len(block))
                rest = block[end:]
                first, *others = block[:end].split("\f")
                yield Page(number, None, first)
                for other in others:
                    number += 1
                    yield Page(number, None, other)
    except UnicodeDecodeError as error:
        raise Unreadable("The text isn't UTF-8. Save it as UTF-8 and upload it again.") from error


READERS: dict[str, Callable[[Path], Iterator[Page]]] = {"pdf": pdf, "docx": docx, "text": plain, "markdown": plain}
