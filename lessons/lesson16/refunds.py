"""Lesson 16 · What the next version of the shop brings: a task that the workers of today don't know."""

from lesson16 import book
from lesson16.tasks import app


@app.task(name="refund")
def refund(order: str) -> None:
    book.note(order, "refunded")
