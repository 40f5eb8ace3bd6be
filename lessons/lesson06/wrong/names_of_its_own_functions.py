"""check_names_are_those_of_the_handbook: gives the tasks the names of its own functions."""

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
    return app.send_task("exercise.send_letter", args=[customer], kwargs={"language": language})


def print_label(order: int, weight: float) -> AsyncResult:
    """Have a label printed for the parcel of this order; `weight` is in kg."""
    return app.send_task("exercise.print_label", kwargs={"order": order, "weight": weight})


def tidy_shelf(shelf: int) -> AsyncResult:
    """Have a shelf tidied up."""
    # The task has ignore_result=True too, but that stands in code that the shop hasn't got: its receipt can't know.
    return app.send_task("exercise.tidy_shelf", args=[shelf], ignore_result=True)
