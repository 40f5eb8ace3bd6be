"""Names kept in a StrEnum, and a call written down by its name alone, as a signature."""

from enum import StrEnum

from celery import Celery, signature
from celery.result import AsyncResult

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise06",
    control_exchange="exercise06",
)


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
