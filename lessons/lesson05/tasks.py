"""Lesson 05 · Queue routing: greetings don't wait behind reports. One worker for each queue:

celery -A lesson05.tasks worker --queues=lesson05-high --hostname=worker-high@%h --concurrency=1 --loglevel=info
celery -A lesson05.tasks worker --queues=lesson05-low --hostname=worker-low@%h --concurrency=1 --loglevel=info
"""

from time import sleep

from celery import Celery
from kombu import Queue

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("lesson05", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_queues=[  # each name begins with the lesson's: no other lesson's queues
        Queue("lesson05-high", routing_key="lesson05-high"),  # without a key of its own, each would have the default
        Queue("lesson05-low", routing_key="lesson05-low"),  # queue's, and a topic exchange would copy to both
    ],
    task_default_queue="lesson05-high",  # for every task that no route catches
    task_routes={  # a task's name, or a pattern of names, and where such tasks go
        "lesson05.tasks.clean_up": {"queue": "lesson05-low"},
        "lesson05.tasks.report_*": {"queue": "lesson05-low"},
    },
    control_exchange="lesson05",  # the lesson's own line for commands to the workers
)


@app.task
def greet(name: str) -> str:
    return f"Hello, {name}!"


@app.task
def clean_up() -> str:
    return "all tidy"


@app.task
def report_year(year: int) -> str:
    sleep(1)  # seconds: the slow work
    return f"report of {year}"
