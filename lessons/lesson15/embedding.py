"""Texts as vectors: the more alike two texts are, the smaller the angle between theirs.

An embedder is a function from texts to vectors of length 1. The one here hashes words: it needs no model and knows no
meaning, so a question finds a passage by the words that both have. EMBEDDER=BAAI/bge-small-en-v1.5, or whatever else
fastembed knows, knows more (pip install fastembed; it fetches the model when it is first used).
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import mmh3

from lesson15.settings import EMBEDDER

if EMBEDDER != "hashing" and not find_spec("fastembed"):  # when the worker starts, not when somebody waits for it
    raise SystemExit(f"EMBEDDER is {EMBEDDER!r}, which needs fastembed: pip install fastembed")

Embedder = Callable[[Sequence[str]], list[list[float]]]

DIMENSIONS = 1024
STOP_WORDS = frozenset(Path(__file__).with_name("stop_words.txt").read_text().split())  # English, as in scikit-learn
INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")  # soft hyphens and the like
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")  # writing with many endings, or no spaces


def normal(text: str) -> str:
    """A text in one spelling: a PDF may write "office" with a ligature, and macOS an accent as a letter of its own."""
    return unicodedata.normalize("NFKC", INVISIBLE.sub("", text)).casefold()


def terms(text: str) -> Iterator[str]:
    """What texts are compared by: words, and of Korean, Chinese and Japanese ones each two letters in a row."""
    for word in re.findall(r"\w+", normal(text)):
        if UNSPACED.search(word):
            yield from (word[at : at + 2] for at in range(max(len(word) - 1, 1)))
        elif len(word) > 1 and word not in STOP_WORDS:
            yield word.removesuffix("s")


def hashing(texts: Sequence[str]) -> list[list[float]]:
    """Vectors by words only, and in an instant: the same as those of scikit-learn's HashingVectorizer."""
    return [hashed(text) for text in texts]


def hashed(text: str) -> list[float]:
    """A vector of length 1, or of zeros if the text has no terms.

    A term's hash gives its place and its sign. Because of the sign, terms that share a place cancel out on average.
    """
    vector = [0.0] * DIMENSIONS
    for term in terms(text):
        number = mmh3.hash(term)  # 32 bits with a sign
        vector[abs(number) % DIMENSIONS] += 1 if number >= 0 else -1
    length = math.hypot(*vector)
    return [value / length for value in vector] if length else vector


@cache
def embedder() -> Embedder:
    """The embedder that EMBEDDER names; made when first used, because a model may have threads, which no fork keeps."""
    if EMBEDDER == "hashing":
        return hashing
    from fastembed import TextEmbedding

    model = TextEmbedding(EMBEDDER)
    return lambda texts: [vector.tolist() for vector in model.embed(list(texts))]


def embed(texts: Sequence[str]) -> list[list[float]]:
    """A vector for each text."""
    return embedder()(texts)
