"""Lesson 12 · Monitoring: tasks to be watched; their worker writes a log file beside what it shows.

celery -A lesson12.tasks worker --loglevel=info --concurrency=1 --hostname=worker@%h
"""

import logging
import os
from time import sleep

import psutil
from celery import Celery
from celery.app.log import TaskFormatter
from celery.signals import after_setup_logger, after_setup_task_logger
from celery.utils.log import get_task_logger

from global_config import LESSONS_HOME, POSTGRES_URL, RABBITMQ_URL

logging.basicConfig(format="MY OWN FORMAT %(message)s")  # a worker takes no notice of it
logger = get_task_logger(__name__)

app = Celery("lesson12", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson12",  # a queue of its own: no other lesson's mail
    control_exchange="lesson12",  # and its own line for commands to the worker
    worker_max_memory_per_child=150_000,  # KiB; a process that has had more is replaced after its task
)

LOG = LESSONS_HOME / "lesson12.log"
ALBUM: list[bytes] = []  # lives as long as its process: what is put here is never given back


@after_setup_logger.connect
@after_setup_task_logger.connect  # the loggers of tasks are set up on their own
def log_to_a_file_too(logger: logging.Logger, format: str, **_: object) -> None:
    handler = logging.FileHandler(LOG)
    handler.setFormatter(TaskFormatter(format, use_color=False))
    logger.addHandler(handler)


@app.task
def develop(photo: str) -> str:
    logger.info("developing %s", photo)
    logging.getLogger("camera").warning("the battery is low")  # stands for a library's own log
    print("printed", photo)
    return str(LOG)


@app.task
def resize(photo: str, seconds: float) -> str:
    sleep(seconds)
    return f"{photo} is resized"


@app.task(soft_time_limit=0.5)
def render(film: str, seconds: float) -> str:
    sleep(seconds)
    return f"{film} is rendered"


@app.task
def collect(megabytes: int) -> tuple[int, int]:
    ALBUM.append(b"x" * megabytes * 1_000_000)
    return os.getpid(), psutil.Process().memory_info().rss  # in bytes
