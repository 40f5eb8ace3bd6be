"""Exercise 06: the worker of the mail room, another team's code. Whoever calls it has nothing of this but the handbook.

celery -A lesson06.exercise_mailroom worker --loglevel=info
"""

from celery import Celery

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("mailroom", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise06",
    control_exchange="exercise06",
)


@app.task(name="letter.send")
def write_and_post(customer: int, *, language: str = "en") -> str:
    return f"letter to customer {customer:d} in {language}"


@app.task(name="parcel.label")
def stick_on(*, order: int, weight: float) -> str:
    return f"label for order {order:d}, {weight:g} kg"


@app.task(name="shelf.tidy", ignore_result=True)
def put_in_order(shelf: int) -> str:
    return f"shelf {shelf:d} is tidy"  # stored nowhere
