"""Lesson 03 · Chord: what the worker can do, with results in Redis.

celery -A lesson03.tasks worker --loglevel=info --concurrency=3 --hostname=worker@%h
"""

from time import sleep

from celery import Celery

from global_config import RABBITMQ_URL, REDIS_URL

app = Celery("lesson03", broker=RABBITMQ_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson03",  # a queue of its own: no other lesson's mail
    control_exchange="lesson03",  # and its own line for commands to the worker
)


@app.task
def cook(dish: str, seconds: float) -> str:
    sleep(seconds)
    if dish == "stone":
        raise ValueError("a stone stays hard")
    return f"hot {dish}"


@app.task
def serve(dishes: list[str]) -> str:
    # The callback's one argument: what the header's tasks returned, in the header's order.
    return f"{len(dishes)} dishes: {dishes}"


@app.task
def apologise(meal: str) -> str:
    # The error callback. With .s() it would be given the id of the failed task first; here .si() keeps that out.
    return f"there is no {meal}"
