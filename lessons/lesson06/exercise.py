"""Exercise 06 · The shop and the mail room.

The mail room is another team, with a code base of its own. Its worker runs already (the Procfile beside this file shows
how), and reads the queue exercise06. You write for the shop, which has nothing of that code. What the mail room has
given you is this page of its handbook:

    task           arguments                                                     result
    letter.send    the customer's number; language, by keyword only (else en)    a sentence
    parcel.label   order and weight in kg, both by keyword only                  a sentence
    shelf.tidy     the shelf's number                                            none is kept

1. send_letter, print_label and tidy_shelf each send one of these tasks, once, by the name that the handbook gives.
2. The arguments travel as the handbook wants them, and numbers stay the numbers that they are.
3. Each of the three returns the receipt of the call that it has just sent, and doesn't wait for the task. Two calls are
   two messages, each under an id of its own, also if their arguments are the same. If you call get() on the receipt of
   send_letter or print_label, you get the sentence.
4. get() on the receipt of tidy_shelf gives None at once, instead of waiting for a result that never comes.
5. The shop has none of the mail room's code: your file imports nothing of it, and declares no task.
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
    raise NotImplementedError("send_letter() is yours to write")  # TODO: see the wishes above


def print_label(order: int, weight: float) -> AsyncResult:
    """Have a label printed for the parcel of this order; `weight` is in kg."""
    raise NotImplementedError("print_label() is yours to write")


def tidy_shelf(shelf: int) -> AsyncResult:
    """Have a shelf tidied up."""
    raise NotImplementedError("tidy_shelf() is yours to write")
