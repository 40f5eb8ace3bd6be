"""Exercise 10 · A bakery's clock.

A bakery in New York has a worker, a beat and three tasks. The tasks are finished; what is missing is their schedule.
All times are those that the clock on the bakery's wall shows, in winter and in summer. (The clocks of New York are put
forward on a Sunday in March, and back on a Sunday in November.)

1. From Tuesday to Sunday, light_oven("left") is sent at 04:15 and light_oven("right") at 05:15, each of them once. On
   Mondays the bakery is closed, and neither is sent.
2. close_books() is sent at midnight, when the first day of a month begins; once a month, and never else.
3. feed_dough() is sent every 60 minutes, day and night. The minute doesn't matter, but dough knows no clocks: it can't
   wait for two hours in the night in which they are put back.
4. An oven is never lit late: if no worker has taken a light_oven within 10 minutes after beat sent it, it isn't run any
   more.
5. All of it goes to the queue exercise10, the only one that the bakery's worker reads.
6. Whenever beat sends a message, a worker may run it at once: it doesn't wait for a later time, and isn't too old yet,
   even if beat was started weeks ago.

You needn't wait to see whether it holds: your schedule is asked when it will fire, in several years.
"""

from celery import Celery

from global_config import REDIS_BROKER_URL, REDIS_URL

app = Celery("exercise", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise10",
    control_exchange="exercise10",
    beat_schedule={},  # TODO: see the wishes above; more settings may be needed
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
