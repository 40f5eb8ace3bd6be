"""Lesson 10 · Periodic tasks: what beat sends, and when. A worker runs it; beat is a process of its own.

celery -A lesson10.tasks worker --loglevel=info
celery -A lesson10.tasks beat --loglevel=info
"""

from contextlib import suppress
from pathlib import Path
from time import time

from celery import Celery, Task
from celery.schedules import crontab

from global_config import LESSONS_HOME, REDIS_BROKER_URL, REDIS_URL

UPLOADS = Path(LESSONS_HOME, "lesson10-uploads")
TICKS = Path(LESSONS_HOME, "lesson10-ticks")

app = Celery("lesson10", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson10",  # a queue of its own: no other lesson's mail
    control_exchange="lesson10",  # and its own line for commands to worker and beat
    worker_timer_precision=0.05,  # seconds between looks at the clock; the default, 1.0, can lengthen a short wait
    timezone="Asia/Seoul",  # the clock that crontab entries go by; unless it is set: UTC
    beat_enable_remote_control=True,  # beat answers `celery inspect ping`
    beat_schedule={
        "tick": {
            "task": "lesson10.tasks.tick",
            "schedule": 1.0,  # an interval, in seconds
            "options": {"expires": 1.5},  # apply_async()'s: a tick that no worker has taken by then isn't run
        },
        "clean up at midnight": {
            "task": "lesson10.tasks.clean_up",
            "schedule": crontab(hour=0, minute=0),  # both: with hour=0 alone it would be every minute from 0:00 to 0:59
            "kwargs": {"days": 7},
        },
    },
)


@app.on_after_configure.connect  # the other way to add an entry: by code, once the settings are known
def clean_up_for_show(sender: Celery, **_: object) -> None:
    sender.add_periodic_task(3.0, clean_up.s(days=7), name="clean up, for show")


@app.task(bind=True)
def tick(self: Task) -> None:
    with TICKS.open("a") as ticks:
        ticks.write(f"{self.request.origin}\n")  # the process that sent the message: here, which beat it was


@app.task
def clean_up(days: float) -> list[str]:
    deleted = []
    for file in UPLOADS.glob("*"):
        with suppress(FileNotFoundError):  # another clean-up was faster: beat promises nobody that a task runs once
            if file.stat().st_mtime < time() - days * 86400:
                file.unlink()
                deleted.append(file.name)
    return sorted(deleted)


@app.task
def remind(text: str) -> str:
    return text
