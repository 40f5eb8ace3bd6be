"""Exercise 06 · The shop and the mail room.

The mail room is another team, with a code base of its own. Its worker runs already (the Procfile beside this file shows
how), and reads the queue exercise06. You write for the shop, which has nothing of that code. What the mail room has
given you is this page of its handbook:

    task           arguments                                                     result
    letter.send    the customer's number; language, by keyword only (else en)    a sentence
    parcel.label   order and weight in kg, both by keyword only                  a sentence
    shelf.tidy     the shelf's number                                            none is kept

1. send_letter, print_label and tidy_shelf each send one of these tasks, and return its receipt at once.
2. Who asks the receipt of tidy_shelf isn't kept waiting for what never comes: its get() gives None at once.
3. The shop stays without the mail room's code: import nothing of it, and let this app have no task of its own.
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
