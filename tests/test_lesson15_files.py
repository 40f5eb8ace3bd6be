"""Lesson 15's claims about files that people upload: read, or refused with one sentence, whatever is in them."""

import io
import os
import re
import zipfile
from collections.abc import Callable, Generator, Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from threading import Event, Thread
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from pypdf import PdfReader, PdfWriter

from classroom import catalog
from lesson15 import chunking, extraction, formats, pipeline, sending, service, store
from lesson15.extraction import Page, Unreadable, pages
from lesson15.model import Kind
from lesson15.settings import PASSAGE
from tests import island as islands
from tests.hostile import FONT, WORD, forms_in_forms, hostile, stream, zipped
from tests.hostile import pdf as pdf_of
from tests.island import Island, client, eventually
from tests.uploads import docx, ended, essay, pdf, processed, sql, upload

LESSON = catalog.find("15")
DATA = LESSON.folder / "data"
HOSTILE = int(os.environ.get("HOSTILE", "60"))  # files of the generator that are tried
live = pytest.mark.usefixtures("workers")
once = pytest.mark.once
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def http(workers: dict[str, Path]) -> Iterator[httpx.Client]:
    """The lesson's API, with its workers."""
    with client(os.environ["API_PORT"]) as http:
        yield http


def read(content: bytes, kind: Kind, folder: Path) -> list[Page]:
    """The pages of a file of this content."""
    file = folder / str(uuid4())
    file.write_bytes(content)
    return list(pages(file, kind))


def text_of(content: bytes, kind: Kind, folder: Path) -> str:
    """Its text, with single spaces."""
    return " ".join("".join(page.text for page in read(content, kind, folder)).split())


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


def renamed(content: bytes, old: str, new: str) -> bytes:
    """A DOCX in which a part has another name, also where it is referred to."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as parts, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name in parts.namelist():
            target.writestr(name.replace(old, new), parts.read(name).replace(old.encode(), new.encode()))
    return made.getvalue()


# Read what can be read.

STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
PAGE = '<w:r><w:br w:type="page"/></w:r>'
RENDERED = "<w:r><w:lastRenderedPageBreak/></w:r>"


def cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{p(r(text))}</w:tc>"


MERGED = (
    "<w:tbl><w:tr>" + cell("a", '<w:vMerge w:val="restart"/>') + cell("b") + "</w:tr>"
    "<w:tr>" + cell("", '<w:gridSpan w:val="7"/>') + cell("", "<w:vMerge/>") + cell("c") + "</w:tr></w:tbl>"
)
CHANGED = p(r("We sail at "), "<w:del>", r("eight"), "</w:del><w:ins>", r("nine"), "</w:ins>", r(" every day."))
MOVED = p("<w:moveFrom>", r("Gone."), "</w:moveFrom><w:moveTo>", r("Here."), "</w:moveTo>")
SPECIAL = "<w:r><w:ptab/><w:t>and</w:t><w:br/><w:t>more</w:t><w:noBreakHyphen/><w:t>so</w:t></w:r>"
BOX = p(
    "<w:r><x:AlternateContent><x:Choice><x:txbxContent>", p(r("In a box.")), "</x:txbxContent></x:Choice>",
    "<x:Fallback>", p(r("In a box.")), "</x:Fallback></x:AlternateContent></w:r>",
)  # fmt: skip
FIELD = p("<w:fldSimple>", r("field"), "</w:fldSimple><w:r><w:instrText>PAGE</w:instrText></w:r>")


@once
@pytest.mark.parametrize(
    ("inner", "wanted"),
    [
        pytest.param(f"<w:sdt><w:sdtContent>{p(r('Held.'))}</w:sdtContent></w:sdt>", "Held.", id="content control"),
        pytest.param(CHANGED, "We sail at nine every day.", id="tracked changes"),
        pytest.param(MOVED, "Here.", id="moved text"),
        pytest.param(MERGED, "a · b · · c", id="merged cell that continues in another column"),
        pytest.param(p("<w:hyperlink>", r("link"), "</w:hyperlink>", SPECIAL), "link and more-so", id="link and tab"),
        pytest.param(BOX, "In a box.", id="text box, which is there twice"),
        pytest.param(FIELD, "field", id="a field's result, and not its formula"),
    ],
)
def test_the_text_of_a_docx_is_read_as_if_all_changes_were_accepted(inner: str, wanted: str, tmp_path: Path) -> None:
    """Whatever the text is wrapped in."""
    assert text_of(document(inner), Kind.DOCX, tmp_path) == wanted


@once
def test_a_docx_may_be_of_any_make(tmp_path: Path) -> None:
    """Strict Open XML, with macros, with broken relationships, or with names of parts in other forms."""
    body = p(r("All is well."))
    relationships = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        b'<Relationship Id="r1" Type="x/image" Target="NULL"/><Relationship Id="r2" Type="x/hyperlink" Target="#_top"/>'
        b"</Relationships>"
    )
    plain = document(body)
    for made in (
        docx(**{"word/document.xml": word(body, STRICT)}),
        document(body, **{"word/_rels/document.xml.rels": relationships}),
        plain.replace(b"wordprocessingml.document.main", b"ms-word.document.macroEnabled"),
        renamed(plain, "word/document.xml", "word/document2.xml"),
        plain.replace(b"word/document.xml", b"Word/Document.xml"),  # in the ZIP only: its XML is packed
        plain.replace(b"word/document.xml", b"word\\document.xml"),
        document(body, **{"word/media/1.png": bytes(100 * MEGABYTE)}),  # never unpacked
    ):
        assert text_of(made, Kind.DOCX, tmp_path) == "All is well."


@once
def test_a_docx_is_cut_where_the_program_that_saved_it_saw_pages_end(tmp_path: Path) -> None:
    """A break that was asked for and is also noted as rendered is one; a note is on the page that cites it."""
    cited = '<w:r><w:footnoteReference w:id="4"/></w:r>'
    notes = word('<w:footnote w:id="4">' + p(r("A note.")) + "</w:footnote>").replace(b"w:document", b"w:footnotes")
    inner = p(PAGE) + p(RENDERED, r("two "), cited, RENDERED, r("three")) + p(r("three"), PAGE) + p(RENDERED, r("four"))
    for name in "word/footnotes.xml", "word/footnotes2.xml":
        made = document(inner, **{name: notes})
        found = {(page.number, page.text.strip()) for page in read(made, Kind.DOCX, tmp_path) if page.text.strip()}
        assert found == {(2, "two"), (2, "A note."), (3, "three\n\nthree"), (4, "four")}


@once
def test_a_pdf_with_an_empty_password_is_read(tmp_path: Path) -> None:
    """Every viewer opens it without a question, whatever it is encrypted with."""
    for algorithm in "RC4-128", "AES-128", "AES-256":
        assert text_of(encrypted("", algorithm), Kind.PDF, tmp_path) == "Nothing secret."


@once
def test_a_large_text_is_read_in_small_pieces(tmp_path: Path) -> None:
    """Whatever its lines are like, and without cutting one that isn't long; form feeds begin pages."""
    found = read(("a" * 200_000 + "\fsecond").encode(), Kind.TEXT, tmp_path)
    assert max(len(page.text) for page in found) <= formats.BLOCK
    assert (found[-1].number, found[-1].text) == (2, "second")
    assert "".join(page.text for page in found) == "a" * 200_000 + "second"
    lines = "".join(f"This is sentence {n}.\n" for n in range(10_000))
    assert all(page.text.endswith(".\n") for page in read(lines.encode(), Kind.TEXT, tmp_path))


@once
def test_a_text_without_line_breaks_is_cut_between_words(tmp_path: Path) -> None:
    """A text of one line, a paragraph and a page of a PDF, each longer than a block."""
    words = " ".join(f"{n:08}" for n in range(20_000))  # nine bytes each, so that no block ends between two
    page = b"BT 14 TL " + b"".join(b"(%s) Tj T* " % words[at : at + 3599].encode() for at in range(0, 180_000, 3600))
    made = {Kind.TEXT: words.encode(), Kind.DOCX: document(p(r(words))), Kind.PDF: pdf_of([stream(page + b"ET"), FONT])}
    for kind, content in made.items():
        found = read(content, kind, tmp_path)
        assert len(found) > 2
        assert [word for page in found for word in page.text.split()] == words.split()


@once
def test_the_samples_hold_what_the_lesson_says() -> None:
    """Three pages of PDF, two of DOCX with a table."""
    assert [page.number for page in pages(DATA / "handbook.pdf", Kind.PDF)] == [1, 2, 3]
    assert len(PdfReader(DATA / "handbook.pdf").pages) == 3
    found = list(pages(DATA / "guide-ko.docx", Kind.DOCX))
    assert {page.number for page in found} == {1, 2}
    assert "컬러 · 이십 센트" in found[-1].text


# Passages.


@once
def test_passages_are_whole_sentences_with_overlap_and_page() -> None:
    """None crosses a page; each sentence is in one, and the end of one begins the next."""
    made = [Page(n, 3, " ".join(f"Sentence {n}-{m} says something." for m in range(60))) for n in (1, 2, 3)]
    found = list(chunking.passages(made))
    for page in made:
        mine = [words for number, words in found if number == page.number]
        for sentence in chunking.sentences(page.text):
            assert any(sentence in words for words in mine), sentence
        for one, other in pairwise(mine):
            assert f"{other.partition('.')[0]}." in one


@once
@pytest.mark.parametrize("seed", range(20))
def test_no_passage_is_longer_than_the_setting_says_and_none_loses_text(seed: int) -> None:
    """Of any text, in PostgreSQL's letters; its letters come in their order."""
    random = Random(seed)
    bits = [
        "a",
        "bc ",
        ". ",
        "! ",
        "\n",
        "\n\n",
        "한국。",
        "\0",
        "\ud800",
        " ",
        *("x" * n for n in (10, 349, 350, 351, 800)),
    ]
    text = "".join(random.choices(bits, k=random.choice([10, 500, 3000])))
    found = [words for _, words in chunking.passages([Page(1, None, text)])]
    assert all(0 < len(words) <= PASSAGE for words in found)
    assert all("\0" not in words and words.encode() for words in found)
    rest = iter("".join(found))
    assert all(letter in rest for letter in chunking.storable(text) if letter != " ")
    assert list(chunking.passages([Page(1, 1, " \n ")])) == []


# Refuse the others with a sentence.


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


@once
def test_any_error_of_a_library_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whatever type; only what says nothing about the file goes through."""
    for error in (ZeroDivisionError("/root/x"), RecursionError(), AttributeError(), OSError(5, "/root/x")):

        def failing(_: Path, error: Exception = error) -> Iterator[Page]:
            raise error
            yield

        monkeypatch.setitem(formats.READERS, "text", failing)
        with pytest.raises(Unreadable, match=r"It can't be read as a TEXT: the file is damaged\."):
            list(formats.pages(tmp_path, "text"))
    monkeypatch.setitem(formats.READERS, "text", lambda _: iter([Page(1, 1, "fine")]))
    assert [page.text for page in formats.pages(tmp_path, "text")] == ["fine"]


# The process that reads.


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
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would have been sent to the workers."""
    messages: list[Any] = []
    monkeypatch.setattr(sending.app, "send_task", lambda name, args, **_: messages.append((name, args)))
    return messages


def stored(content: bytes, name: str) -> Any:
    """A document that only the test works on."""
    document = service.upload(name, io.BytesIO(content), start=False).document
    [row] = sql("UPDATE lesson15.documents SET status = 'PENDING' WHERE id = :id RETURNING *", id=document.id)
    return row


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
    before = monotonic()
    failed = processed(http, "slow.pdf", slow_pdf())
    assert failed["message"] == "Reading it took too long."
    assert sql("SELECT tries FROM lesson15.documents WHERE id = :id", id=failed["id"]) == [(1,)]
    assert monotonic() - before < 60
    assert processed(http, "good.pdf", pdf("All is well."))["status"] == "COMPLETED"


@once
@live
def test_while_one_page_takes_long_the_document_is_not_sent_again(
    sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is extended as long as the process lives: here it is much shorter than the page."""
    monkeypatch.setattr(store, "LEASE_SECONDS", 0.4)
    monkeypatch.setattr(extraction, "LEASE_SECONDS", 0.4)
    content = forms_in_forms(b"", Random(1))
    document = stored(content + str(uuid4()).encode(), "forms.pdf")
    said = pipeline.extract(document.id, 1)  # while the lesson's workers look for stuck documents each second
    assert said.endswith(" passages")
    service.delete(document.id)


@once
@live
def test_a_reading_process_that_is_killed_says_nothing_about_the_file(http: httpx.Client) -> None:
    """The file is read again at once, by another; a document is given up only after three times."""
    answer = upload(http, "slow.pdf", slow_pdf())

    def tries() -> int:
        return sql("SELECT tries FROM lesson15.documents WHERE id = :id", id=answer.json()["document_id"])[0][0]

    for number in 1, 2, 3:
        eventually(lambda number=number: tries() == number, "it isn't read again", 30)
        [victim] = eventually(lambda: [one for one in reading() if one.status() == "running"], "nothing is read", 30)
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


# Hostile files.


class Peak(Thread):
    """How much memory a process and all below it have, together and at their most, from now on."""

    def __init__(self, root: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.root, self.ended, self.most = root, Event(), 0
        self.idle = self.now()
        self.start()

    def now(self) -> int:
        """Bytes."""
        total = 0
        for one in [self.root, *self.root.children(recursive=True)]:
            try:
                total += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def run(self) -> None:
        while not self.ended.wait(0.02):
            self.most = max(self.most, self.now())


@pytest.fixture
def island(profile: str) -> Iterator[Island]:
    """A pipeline of our own, whose readers have less time than usual: what takes too long takes as long as it may."""
    names = ("worker-documents", "worker-chat", "beat", "api", "postgres")
    seconds = os.environ.get("READ_SECONDS", "1.5")
    with islands.island(
        profile, {name: LESSON.processes[name] for name in names}, "/health", READ_SECONDS=seconds
    ) as made:
        yield made


SENTENCES = re.compile(
    r"Ready to be searched|"
    r"There is no text in it\. If it is a scan, have it recognised first \(OCR\)\.|"
    r"It can't be read as a (PDF|DOCX): (the file is damaged|its pages are damaged, or too complex|"
    r"it has a DOCTYPE, which word processors never write|it is packed in a way that word processors don't use|"
    r"there is no document in it)\.|"
    r"The PDF is encrypted\. Save it without encryption and upload it again\.|"
    r"The DOCX unpacks to over 15,000,000 bytes of text, which is too much\.|"
    r"It has [\d,]+ pages, and 2,000 are the most\.|"
    r"It has more than (2,000 pages|20,000 passages), which is the limit\.|"
    r"Reading it took too long\.|"
    r"Reading it takes more than 70,000,000 bytes of memory, which is the limit\."
)


@once
@pytest.mark.timeout(600)
def test_hostile_files_cost_what_they_may_and_lose_no_worker(island: Island) -> None:
    """Two at a time, 300 MB at most beyond what idle workers have, a true sentence for each, and the next good file."""
    worker = psutil.Process(island.started["worker-documents"].pid)
    with client(island.api) as http:
        assert processed(http, "first.pdf", pdf("All is well."))["status"] == "COMPLETED"
        peak = Peak(worker)
        said: dict[str, str] = {}
        slowest: dict[str, float] = {}
        for first in range(0, HOSTILE, 10):  # as many as wait at once
            begun = monotonic()
            made = [hostile(seed) for seed in range(first, min(first + 10, HOSTILE))]
            answers = {name: upload(http, name, content) for name, content in made}
            for name, answer in answers.items():
                found = ended(http, answer.headers["Location"], 120)
                said[name], slowest[name] = found["message"], monotonic() - begun
                http.delete(answer.headers["Location"])
        peak.ended.set()
        peak.join()
        assert {name: message for name, message in said.items() if not SENTENCES.fullmatch(message)} == {}
        before = monotonic()
        assert processed(http, "next.txt", essay())["status"] == "COMPLETED"
        good = monotonic() - before
    print(f"idle {peak.idle / MEGABYTE:.0f} MB, at most {(peak.most - peak.idle) / MEGABYTE:.0f} MB more;"
          f" the next good file took {good:.1f} s")  # fmt: skip
    assert peak.most - peak.idle < 300 * MEGABYTE
    log = (island.home / "worker-documents.log").read_text()
    assert "exited prematurely" not in log
    assert "Hard time limit" not in log
    assert island.fallen() == {}
