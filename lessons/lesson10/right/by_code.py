"""By code, when the settings are known; with keyword arguments, a timedelta, and days in a list."""

from datetime import timedelta

from celery import Celery
from celery.schedules import crontab

from global_config import REDIS_BROKER_URL, REDIS_URL

app = Celery("exercise", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise10",
    control_exchange="exercise10",
    timezone="America/New_York",
)


@app.on_after_configure.connect
def plan(sender: Celery, **_: object) -> None:
    for hour, side in (4, "left"), (5, "right"):
        sender.add_periodic_task(
            crontab(15, hour, day_of_week=[0, 2, 3, 4, 5, 6]), light_oven.s(side=side), expires=600
        )
    sender.add_periodic_task(crontab.from_string("0 0 1 * *"), close_books.s(), name="books")
    sender.add_periodic_task(timedelta(minutes=60), feed_dough.s(), name="dough")


@app.task
def light_oven(side: str) -> str:
    return f"{side} oven lit"


@app.task
def close_books() -> str:
    return "books closed"


@app.task
def feed_dough() -> str:
    return "dough fed"
