"""Files that no honest program writes: hostile(seed) is a good DOCX or PDF that a seeded generator has changed."""

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from random import Random

from docx import Document as Docx
from fpdf import FPDF

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
LINES = ["Whales are mammals.", "They breathe air.", "고래는 포유류이다.", "A calf drinks milk for a year."]


def good_docx(random: Random) -> dict[str, bytes]:
    """The parts of a DOCX with paragraphs and a table."""
    made, document = io.BytesIO(), Docx()
    document.add_heading(f"Document {random.random()}")
    for _ in range(random.randrange(1, 20)):
        document.add_paragraph(" ".join(random.choices(LINES, k=5)))
    table = document.add_table(3, 3)
    for cell in table._cells:
        cell.text = random.choice(LINES)
    document.save(made)
    with zipfile.ZipFile(made) as parts:
        return {name: parts.read(name) for name in parts.namelist()}


def zipped(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return made.getvalue()


def body(inner: str) -> bytes:
    return f'<w:document xmlns:w="{WORD}"><w:body>{inner}</w:body></w:document>'.encode()


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


# What can be wrong with a DOCX. Each takes the parts of a good one and returns the file's bytes.


def long_part(parts: dict[str, bytes], random: Random) -> bytes:
    filler = random.choice([b" ", b"<w:p/>", b"<a/>", b"<!-- -->", b"x", b"&#65;"])
    count = random.choice([20, 80]) * 1_000_000 // len(filler)
    return zipped(parts | {"word/document.xml": body("@").replace(b"@", filler * count)})


def lying_sizes(parts: dict[str, bytes], random: Random) -> bytes:
    """Both places that tell the size of a part say that it is small."""
    packed = bytearray(zipped(parts | {"word/document.xml": body(" " * random.choice([30, 100]) * 1_000_000)},
                              random.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])))  # fmt: skip
    for header, size_at in (b"PK\x03\x04", 22), (b"PK\x01\x02", 24):
        for found in re.finditer(header, bytes(packed)):
            packed[found.start() + size_at : found.start() + size_at + 4] = (1000).to_bytes(4, "little")
    return bytes(packed)


def odd_packing(parts: dict[str, bytes], random: Random) -> bytes:
    parts = parts | {"word/document.xml": body(paragraph("x" * 30_000_000))}
    return zipped(parts, random.choice([zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))


def deep(parts: dict[str, bytes], random: Random) -> bytes:
    tag = random.choice(["w:p", "w:tbl", "w:sdt", "w:ins", "w:r", "w:tc"])
    depth = random.choice([300, 20_000, 700_000])
    return zipped(parts | {"word/document.xml": body(f"<{tag}>" * depth + f"</{tag}>" * depth)})


def huge_numbers(parts: dict[str, bytes], random: Random) -> bytes:
    number = random.choice(["1000000000", "-1", "99999999999999999999", "NaN", ""])
    what = random.choice(["gridSpan", "vMerge", "gridBefore", "hMerge"])
    cell = f'<w:tc><w:tcPr><w:{what} w:val="{number}"/></w:tcPr>{paragraph("cell")}</w:tc>'
    return zipped(parts | {"word/document.xml": body("<w:tbl>" + f"<w:tr>{cell * 3}</w:tr>" * 50 + "</w:tbl>")})


def merged_rows(parts: dict[str, bytes], random: Random) -> bytes:
    cell = f"<w:tc><w:tcPr><w:vMerge/></w:tcPr>{paragraph('merged')}</w:tc>"
    rows = random.choice([400, 1100, 20_000])
    return zipped(parts | {"word/document.xml": body("<w:tbl>" + f"<w:tr>{cell * 3}</w:tr>" * rows + "</w:tbl>")})


def entities(parts: dict[str, bytes], random: Random) -> bytes:
    names = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    outside = '<!ENTITY e9 SYSTEM "file:///etc/passwd">'
    head = f'<!DOCTYPE x [<!ENTITY e0 "ha">{random.choice([names, outside])}]>'
    return zipped(parts | {"word/document.xml": head.encode() + body(paragraph("&e9;"))})


def changed_xml(parts: dict[str, bytes], random: Random) -> bytes:
    name = random.choice([name for name in parts if name.endswith((".xml", ".rels"))])
    return zipped(parts | {name: damaged(parts[name], random)})


def parts_gone(parts: dict[str, bytes], random: Random) -> bytes:
    gone = set(random.sample(sorted(parts), random.randrange(1, len(parts))))
    return zipped({name: content for name, content in parts.items() if name not in gone})


def many_parts(parts: dict[str, bytes], random: Random) -> bytes:
    return zipped(parts | {f"{n}": b"" for n in range(random.choice([1000, 60_000]))}, zipfile.ZIP_STORED)


def much_text(parts: dict[str, bytes], random: Random) -> bytes:
    """A few kilobytes that become millions of characters."""
    return zipped(parts | {"word/document.xml": body(paragraph("All work and no play. " * 20) * 30_000)})


def damaged_zip(parts: dict[str, bytes], random: Random) -> bytes:
    return b"PK" + damaged(zipped(parts), random)[2:]


# What can be wrong with a PDF.


def good_pdf(random: Random) -> bytes:
    made = FPDF()
    made.set_font("Helvetica", size=12)
    made.set_title(str(random.random()))
    made.set_compression(random.random() < 0.5)
    for _ in range(random.randrange(1, 6)):
        made.add_page()
        made.multi_cell(0, 6, " ".join(random.choices(LINES[:2] + LINES[3:], k=30)))
    return bytes(made.output())


def pdf(objects: list[bytes], pages: int = 1, count: int | None = None) -> bytes:
    """A PDF of these objects, numbered from 10, whose pages share the content stream 10 and the resources 11."""
    kids = b" ".join(b"3 0 R" for _ in range(pages))
    every = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, pages if count is None else count),
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 10 0 R/Resources 11 0 R>>",
        **dict(enumerate(objects, 10)),
    }
    made, places = b"%PDF-1.7\n", {}
    for number, content in every.items():
        places[number] = len(made)
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%d 1\n%010d 00000 n \n" % place for place in places.items())
    return made + b"xref\n0 1\n0000000000 65535 f \n%strailer<</Root 1 0 R/Size 99>>\nstartxref\n%d\n%%%%EOF" % (
        table, len(made),
    )  # fmt: skip


def stream(content: bytes, more: bytes = b"", packed: bool = True) -> bytes:
    content, how = (zlib.compress(content, 9), b"/Filter/FlateDecode") if packed else (content, b"")
    return b"<</Length %d%s%s>>stream\n%s\nendstream" % (len(content), how, more, content)


FONT = b"<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
TEXT = b"BT /F1 12 Tf (Whales) Tj ET "


def long_content(_: bytes, random: Random) -> bytes:
    what = random.choice([b"(a) Tj\n", b"[", b"<<", b"q ", b"1 0 0 1 0 0 cm ", b"BT ET ", b"(", b"\\(", b"%", b"0 "])
    content = b"BT /F1 1 Tf " + what * (random.choice([1, 7, 60]) * 1_000_000 // len(what))
    return pdf([stream(content), FONT], random.choice([1, 50, 1000]))


def content_array(_: bytes, random: Random) -> bytes:
    """A page of one stream a thousand times."""
    return pdf([b"[" + b"12 0 R " * random.choice([1000, 100_000]) + b"]", FONT, stream(TEXT * 10_000)], 3)


def forms_in_forms(_: bytes, random: Random) -> bytes:
    """Each form draws the next one ten times."""
    depth = random.choice([5, 9, 100])
    more = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X %d 0 R>>" + FONT[2:]
    forms = [stream(TEXT + b"/X Do " * 10, more % (13 + n if n < depth else 12)) for n in range(depth + 1)]
    return pdf([stream(TEXT + b"/X Do " * 10), b"<</XObject<</X 12 0 R>>" + FONT[2:], *forms])


def page_count(_: bytes, random: Random) -> bytes:
    count = random.choice([-1, 0, 3, 10**6, 10**12])
    return pdf([stream(TEXT), FONT], random.choice([1, 1999, 30_000]), count)


def loops(_: bytes, random: Random) -> bytes:
    whole = pdf([stream(TEXT), FONT])
    old, new = random.choice([
        (b"/Kids[3 0 R]", b"/Kids[2 0 R 2 0 R]"), (b"/Contents 10 0 R", b"/Contents 3 0 R "),
        (b"/Parent 2", b"/Parent 3"), (b"trailer<<", b"trailer<</Prev %d " % whole.rindex(b"xref\n0 1")),
        (b"/Resources 11 0 R", b"/Resources 3 0 R "), (b"/Pages 2 0 R", b"/Pages 1 0 R"),
    ])  # fmt: skip
    return whole.replace(old, new)


def filters(_: bytes, random: Random) -> bytes:
    names = random.choices(
        [b"/FlateDecode", b"/LZWDecode", b"/ASCIIHexDecode", b"/ASCII85Decode", b"/RunLengthDecode"], k=4
    )
    content = bytes(random.choice([10_000_000, 100_000_000]))
    for _ in range(random.randrange(1, 4)):
        content = zlib.compress(content, 9)
    chain = b"[" + b"/FlateDecode" * 3 + b"".join(names) + b"]"
    columns = random.choice([b"", b"/DecodeParms[<</Predictor 12/Columns 2000000000>>]"])
    return pdf([stream(content, b"/Filter" + chain + columns, packed=False), FONT])


def character_map(_: bytes, random: Random) -> bytes:
    """A font whose map says that a billion codes are letters."""
    ranges = random.choice([b"<00000000> <FFFFFFFF> <0000>\n", b"<0000> <FFFF> <0000>\n"]) * random.choice(
        [1, 100, 5000]
    )
    cmap = stream(b"1 begincodespacerange <0000> <FFFF> endcodespacerange 100 beginbfrange\n" + ranges + b"endbfrange")
    font = b"<</Font<</F1<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/ToUnicode 12 0 R>>>>>>"
    return pdf([stream(TEXT), font, cmap])


def many_letters(_: bytes, random: Random) -> bytes:
    """27 kB that become a hundred million letters."""
    return pdf([stream(b"BT /F1 1 Tf " + b"(All work and no play.) Tj T* " * 30_000 + b"ET"), FONT], 1999)


def damaged_pdf(whole: bytes, random: Random) -> bytes:
    return b"%PDF-1.7\n" + damaged(whole, random)


def damaged(content: bytes, random: Random) -> bytes:
    """With bytes changed, cut out, repeated, put in, or with numbers made large."""
    made = bytearray(content)
    for _ in range(random.choice([1, 3, 30])):
        if len(made) < 200:
            break
        at = random.randrange(len(made))
        match random.randrange(6):
            case 0:
                made[at] = random.randrange(256)
            case 1:
                del made[at : at + random.randrange(1, 200)]
            case 2:
                made[at:at] = made[at : at + 50] * random.choice([1, 100])
            case 3:
                made[at:at] = random.randbytes(random.randrange(1, 100))
            case 4:
                del made[max(at, 100) :]
            case 5:
                numbers = list(re.finditer(rb"\d+", bytes(made)))
                if numbers:
                    found = random.choice(numbers)
                    made[found.start() : found.end()] = random.choice([b"0", b"-1", b"99999999999", b"2147483648"])
    return bytes(made)


DOCX: list[Callable[[dict[str, bytes], Random], bytes]] = [
    long_part, lying_sizes, odd_packing, deep, huge_numbers, merged_rows, entities, changed_xml, changed_xml,
    parts_gone, many_parts, much_text, damaged_zip, damaged_zip,
]  # fmt: skip
PDF: list[Callable[[bytes, Random], bytes]] = [
    long_content, long_content, content_array, forms_in_forms, page_count, loops, filters, character_map, many_letters,
    damaged_pdf, damaged_pdf, damaged_pdf,
]  # fmt: skip


def hostile(seed: int) -> tuple[str, bytes]:
    """Name and content of a file. Seeds that follow each other go through all kinds in turn."""
    random = Random(seed)
    if seed % 2:
        change = DOCX[seed // 2 % len(DOCX)]
        return f"{seed}-{change.__name__}.docx", change(good_docx(random), random)
    spoil = PDF[seed // 2 % len(PDF)]
    return f"{seed}-{spoil.__name__}.pdf", spoil(good_pdf(random), random)
