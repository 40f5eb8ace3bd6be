"""Exercise 16 · The shop has had a bad week.

An order is paid by a task, and the customers are angry: some were charged twice, some orders were never paid. Make pay
safe. Whatever happens, in the end the card has been charged exactly once, and each receipt says the same sentence:

1. the process that runs the task is killed, before the bank is asked or after;
2. the whole worker is killed; there is a second one;
3. the message comes twice, at the same moment;
4. the bank doesn't answer (NoAnswer), and nobody knows whether it has charged.

And there are three tickets, each with its own cause. Find it, and mend the task:

A. «On Redis, reminders that are a long time on their way are sent twice.» The message is handed out again when its
   visibility timeout is over, and another worker begins. One letter is enough; rather none than two.
B. «The report of the day never comes. The orders are all counted, the log says so.»
C. «The workers eat memory, until the system kills them.» A process may have some pictures in its memory, not all.

exercise_shop.py has the shop's steps, and what you may use of it: charge with a key, and first.
"""

from celery import Celery, chord
from celery.result import AsyncResult

from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson16 import exercise_shop as shop

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise16",
    control_exchange="exercise16",
    worker_timer_precision=0.05,  # the worker looks at its clock every 0.05 seconds: short waits come out exact
    worker_lost_wait=0.5,  # on files: seconds until a dead process's task counts as lost, instead of 10
)


@app.task(
    acks_late=True,  # a killed worker's message goes to the other one
    retry_on_worker_lost=True,  # a killed process is noticed, and the task is sent again,
    autoretry_for=(shop.NoAnswer,),  # as it is where the bank doesn't answer,
    max_retries=3,  # at most three times
    default_retry_delay=0.1,
)
def pay(order: str, amount: int) -> str:
    """Charge the card for an order; returns what the customer reads."""
    shop.charge(order, amount, key=order)  # for all runs and all messages of an order the same
    return f"order {order}: {amount} paid"


@app.task(acks_late=True)
def remind(order: str) -> None:
    """Post one reminder for an order."""
    if shop.first(f"reminder {order}"):  # said before the work: rather none than two
        shop.post(order)


@app.task  # its result is what the chord waits for
def count(order: int) -> int:
    return order


@app.task
def report(amounts: list[int]) -> int:
    return sum(amounts)


def close_the_day(amounts: list[int]) -> AsyncResult:
    """The receipt of the report: the sum of what the tasks have counted."""
    return chord(count.s(amount) for amount in amounts)(report.s())


@app.task
def thumbnail(name: str) -> int:
    """The size in bytes of a thumbnail: a thousandth of its picture."""
    return len(shop.picture(name)) // 1000
