"""Lesson 15's claims about files that people upload: what can be read is read, and cut into passages."""

import io
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
from pypdf import PdfReader

from classroom import catalog
from lesson15 import chunking, formats
from lesson15.extraction import Page, Unreadable, pages
from lesson15.model import Kind
from lesson15.settings import PASSAGE
from tests.hostile import FONT, stream
from tests.hostile import pdf as pdf_of
from tests.uploads import document, docx, encrypted, p, r, word

pytestmark = pytest.mark.once

LESSON = catalog.find("15")
DATA = LESSON.folder / "data"
MEGABYTE = 1_000_000


def read(content: bytes, kind: Kind, folder: Path) -> list[Page]:
    """The pages of a file of this content."""
    file = folder / str(uuid4())
    file.write_bytes(content)
    return list(pages(file, kind))


def text_of(content: bytes, kind: Kind, folder: Path) -> str:
    """Its text, with single spaces."""
    return " ".join("".join(page.text for page in read(content, kind, folder)).split())


def renamed(content: bytes, old: str, new: str) -> bytes:
    """A DOCX in which a part has another name, also where it is referred to."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as parts, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name in parts.namelist():
            target.writestr(name.replace(old, new), parts.read(name).replace(old.encode(), new.encode()))
    return made.getvalue()


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


def test_a_docx_is_cut_where_the_program_that_saved_it_saw_pages_end(tmp_path: Path) -> None:
    """A break that was asked for and is also noted as rendered is one; a note is on the page that cites it."""
    cited = '<w:r><w:footnoteReference w:id="4"/></w:r>'
    notes = word('<w:footnote w:id="4">' + p(r("A note.")) + "</w:footnote>").replace(b"w:document", b"w:footnotes")
    inner = p(PAGE) + p(RENDERED, r("two "), cited, RENDERED, r("three")) + p(r("three"), PAGE) + p(RENDERED, r("four"))
    for name in "word/footnotes.xml", "word/footnotes2.xml":
        made = document(inner, **{name: notes})
        found = {(page.number, page.text.strip()) for page in read(made, Kind.DOCX, tmp_path) if page.text.strip()}
        assert found == {(2, "two"), (2, "A note."), (3, "three\n\nthree"), (4, "four")}


def test_a_pdf_with_an_empty_password_is_read(tmp_path: Path) -> None:
    """Every viewer opens it without a question, whatever it is encrypted with."""
    for algorithm in "RC4-128", "AES-128", "AES-256":
        assert text_of(encrypted("", algorithm), Kind.PDF, tmp_path) == "Nothing secret."


def test_a_large_text_is_read_in_small_pieces(tmp_path: Path) -> None:
    """Whatever its lines are like, and without cutting one that isn't long; form feeds begin pages."""
    found = read(("a" * 200_000 + "\fsecond").encode(), Kind.TEXT, tmp_path)
    assert max(len(page.text) for page in found) <= formats.BLOCK
    assert (found[-1].number, found[-1].text) == (2, "second")
    assert "".join(page.text for page in found) == "a" * 200_000 + "second"
    lines = "".join(f"This is sentence {n}.\n" for n in range(10_000))
    assert all(page.text.endswith(".\n") for page in read(lines.encode(), Kind.TEXT, tmp_path))


def test_a_text_without_line_breaks_is_cut_between_words(tmp_path: Path) -> None:
    """A text of one line, a paragraph and a page of a PDF, each longer than a block."""
    words = " ".join(f"{n:08}" for n in range(20_000))  # nine bytes each, so that no block ends between two
    page = b"BT 14 TL " + b"".join(b"(%s) Tj T* " % words[at : at + 3599].encode() for at in range(0, 180_000, 3600))
    made = {Kind.TEXT: words.encode(), Kind.DOCX: document(p(r(words))), Kind.PDF: pdf_of([stream(page + b"ET"), FONT])}
    for kind, content in made.items():
        found = read(content, kind, tmp_path)
        assert len(found) > 2
        assert [word for page in found for word in page.text.split()] == words.split()


def test_the_samples_hold_what_the_lesson_says() -> None:
    """Three pages of PDF, two of DOCX with a table."""
    assert [page.number for page in pages(DATA / "handbook.pdf", Kind.PDF)] == [1, 2, 3]
    assert len(PdfReader(DATA / "handbook.pdf").pages) == 3
    found = list(pages(DATA / "guide-ko.docx", Kind.DOCX))
    assert {page.number for page in found} == {1, 2}
    assert "컬러 · 이십 센트" in found[-1].text


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
