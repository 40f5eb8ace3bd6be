"""Exercise 06 · The shop and the mail room.

send_task() needs only a task's name, so the shop has none of the mail room's code. ignore_result=True is given with
the call, because only the mail room's code knows that shelf.tidy keeps no result.
"""

from celery import Celery
from celery.result import AsyncResult

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise06",
    control_exchange="exercise06",
)


def send_letter(customer: int, language: str) -> AsyncResult:
    """Have a letter in this language sent to the customer."""
    return app.send_task("letter.send", args=[customer], kwargs={"language": language})


def print_label(order: int, weight: float) -> AsyncResult:
    """Have a label printed for the parcel of this order; `weight` is in kg."""
    return app.send_task("parcel.label", kwargs={"order": order, "weight": weight})


def tidy_shelf(shelf: int) -> AsyncResult:
    """Have a shelf tidied up."""
    # The task has ignore_result=True too, but that stands in code that the shop hasn't got: its receipt can't know.
    return app.send_task("shelf.tidy", args=[shelf], ignore_result=True)
