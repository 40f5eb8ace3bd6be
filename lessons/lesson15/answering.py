"""Questions, answered from the passages that are most like them."""

from collections.abc import Sequence
from typing import Any

from lesson15 import store
from lesson15.chunking import sentences
from lesson15.embedding import embed
from lesson15.settings import EMBEDDER

PASSAGES = 5
LEAST = 0.08  # of a score; what is less alike is chance


def answer(question: str, documents: Sequence[int] | None = None) -> dict[str, Any]:
    """What the documents (or only those with these ids) say about a question: an answer, and passages with scores."""
    [vector] = embed([question])
    rows = store.nearest(vector, EMBEDDER, documents, PASSAGES) if any(vector) else []
    passages = [
        {"document_id": row.id, "document": row.name, "page": row.page, "score": round(score, 3), "text": row.text}
        for row in rows
        if (score := 1 - row.distance) >= LEAST
    ]
    return {"question": question, "answer": write(question, vector, passages), "passages": passages}


def write(question: str, vector: Sequence[float], passages: Sequence[dict[str, Any]]) -> str | None:
    """The place for a language model, which would get the question and the passages.

    Without one: the sentence that is most like the question.
    """
    found = [sentence for passage in passages for sentence in sentences(passage["text"])]
    alike = [sum(a * b for a, b in zip(vector, other, strict=True)) for other in embed(found)] if found else []
    return max(zip(alike, found, strict=True))[1] if found else None
