"""Text as passages: whole sentences, up to a length, each with the end of the one before and the page it begins on."""

import re
from collections.abc import Iterable, Iterator
from textwrap import wrap

from lesson15.extraction import Page
from lesson15.settings import OVERLAP, PASSAGE

ENDS = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*|\n\s*\n")  # of sentences and paragraphs
MARKS = re.compile(r"^(#+|>|[-*+])\s+", re.MULTILINE)  # Markdown's, at the beginning of a line


def storable(text: str) -> str:
    """What PostgreSQL's text can hold of it, without the line breaks of a layout."""
    return " ".join(text.replace("\0", "").encode("utf-8", "replace").decode().split())


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text; what is longer than a passage comes in pieces."""
    for sentence in ENDS.split(MARKS.sub("", text)):
        clean = storable(sentence)
        yield from wrap(clean, PASSAGE) if len(clean) > PASSAGE else [clean] if clean else []


def passages(pages: Iterable[Page]) -> Iterator[tuple[int, str]]:
    """Passages as (page, text). None crosses the end of a page, so that each can be found again."""
    held: list[str] = []  # sentences of the page `number` that are still to come
    number = 1
    for page in pages:
        for sentence in sentences(page.text):
            full = sum(map(len, held)) + len(sentence) > PASSAGE
            if held and (full or page.number != number):
                yield number, " ".join(held)
                held = tail(held) if page.number == number else []
            number = page.number
            held.append(sentence)
    if held:
        yield number, " ".join(held)


def tail(sentences: list[str]) -> list[str]:
    """The last of these sentences, OVERLAP characters at most, and never all of them."""
    start = len(sentences)
    while start > 1 and sum(map(len, sentences[start - 1 :])) <= OVERLAP:
        start -= 1
    return sentences[start:]
