"""check_the_shop_has_no_code_of_the_mail_room: imports the mail room's functions and calls them with delay()."""

from celery import Celery
from celery.result import AsyncResult

from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson06.exercise_mailroom import put_in_order, stick_on, write_and_post

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise06",
    control_exchange="exercise06",
)


def send_letter(customer: int, language: str) -> AsyncResult:
    """Have a letter in this language sent to the customer."""
    return write_and_post.delay(customer, language=language)


def print_label(order: int, weight: float) -> AsyncResult:
    """Have a label printed for the parcel of this order; `weight` is in kg."""
    return stick_on.delay(order=order, weight=weight)


def tidy_shelf(shelf: int) -> AsyncResult:
    """Have a shelf tidied up."""
    return put_in_order.delay(shelf)
