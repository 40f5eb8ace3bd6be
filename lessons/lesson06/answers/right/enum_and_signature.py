"""The names are kept in a StrEnum, and the last call is a signature made from a name."""

from enum import StrEnum

from celery import signature


class Task(StrEnum):
    LETTER = "letter.send"
    LABEL = "parcel.label"


def send_letter(customer: int, language: str) -> AsyncResult:
    """Have a letter in this language sent to the customer."""
    return app.send_task(Task.LETTER, (customer,), {"language": language})


def print_label(order: int, weight: float) -> AsyncResult:
    """Have a label printed for the parcel of this order; `weight` is in kg."""
    return app.send_task(Task.LABEL, kwargs=dict(order=order, weight=weight))


def tidy_shelf(shelf: int) -> AsyncResult:
    """Have a shelf tidied up."""
    return signature("shelf.tidy", args=[shelf], app=app).apply_async(ignore_result=True)
