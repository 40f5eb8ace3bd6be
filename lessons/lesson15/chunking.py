"""Text as passages: whole sentences, up to a length, each with the end of the one before and the page it begins on."""

import re
from collections.abc import Iterable, Iterator

from lesson15.extraction import Page
from lesson15.settings import OVERLAP, PASSAGE

ENDS = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*|\n\s*\n")  # of sentences and paragraphs
SPACE = re.compile(r"\s+")
MARKS = re.compile(r"^(#+|>|[-*+])\s+", re.MULTILINE)  # Markdown's, at the beginning of a line


def storable(text: str) -> str:
    """What PostgreSQL's text can hold of it, without the line breaks of a layout."""
    return SPACE.sub(" ", text.replace("\0", "").encode("utf-8", "replace").decode()).strip()


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text; one that is longer than a passage comes in pieces, cut between words where it can be."""
    for sentence in ENDS.split(MARKS.sub("", text)):
        rest = storable(sentence)
        while len(rest) > PASSAGE:
            end = rest.rfind(" ", 1, PASSAGE + 1)
            end = end if end > 0 else PASSAGE
            yield rest[:end]
            rest = rest[end:].lstrip()
        if rest:
            yield rest


def passages(pages: Iterable[Page]) -> Iterator[tuple[int, str]]:
    """Passages as (page, text) of at most PASSAGE characters. None crosses the end of a page, so it can be found."""
    held: list[str] = []  # sentences of the page `number` that are still to come
    number, size = 1, 0  # `size`: of held, joined by spaces
    for page in pages:
        for sentence in sentences(page.text):
            room = PASSAGE - len(sentence) - 1  # for what comes before it, and a space
            if held and (page.number != number or size > room):
                yield number, " ".join(held)
                held = tail(held, min(OVERLAP, room)) if page.number == number else []
                size = len(" ".join(held))
            number = page.number
            held.append(sentence)
            size += len(sentence) + (len(held) > 1)
    if held:
        yield number, " ".join(held)


def tail(sentences: list[str], most: int) -> list[str]:
    """The last of these sentences, `most` characters at most, and never all of them."""
    start = len(sentences)
    while start > 1 and len(" ".join(sentences[start - 1 :])) <= most:
        start -= 1
    return sentences[start:]
