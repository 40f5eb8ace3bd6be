"""Exercise 10 · A bakery's clock.

A crontab in the bakery's time zone follows the clock on the wall, and an interval counts seconds, whatever the clocks
do. With `expires` the worker discards an oven's message that is more than 10 minutes late.
"""

from celery import Celery
from celery.schedules import crontab

from global_config import REDIS_BROKER_URL, REDIS_URL

app = Celery("exercise", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise10",
    control_exchange="exercise10",
    timezone="America/New_York",  # a zone, and not a number of hours: it knows when clocks change
    beat_schedule={
        "left oven": {
            "task": "exercise.light_oven",
            "schedule": crontab(hour=4, minute=15, day_of_week="tue-sun"),
            "args": ("left",),
            "options": {"expires": 600},
        },
        "right oven": {
            "task": "exercise.light_oven",
            "schedule": crontab(hour=5, minute=15, day_of_week="tue-sun"),
            "args": ("right",),
            "options": {"expires": 600},
        },
        "books": {"task": "exercise.close_books", "schedule": crontab(minute=0, hour=0, day_of_month=1)},
        "dough": {"task": "exercise.feed_dough", "schedule": 3600.0},  # an interval counts seconds, whatever clocks do
    },
)


@app.task
def light_oven(side: str) -> str:
    return f"{side} oven lit"


@app.task
def close_books() -> str:
    return "books closed"


@app.task
def feed_dough() -> str:
    return "dough fed"
