"""Lesson 06 · Names and send_task: the worker's side. Each task has a name of its own, whatever its function is called.

celery -A lesson06.tasks worker --loglevel=info
"""

from celery import Celery

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("lesson06", broker=RABBITMQ_URL, backend=POSTGRES_URL, include=["lesson06.moved"])
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson06",  # a queue of its own: no other lesson's mail
    control_exchange="lesson06",  # and its own line for commands to the worker
)


@app.task(name="email.send_welcome")
def send_welcome(user_id: int) -> str:
    return f"welcome mail to user {user_id}"


@app.task(name="report.make")
def make_report(year: int, currency: str) -> str:
    return f"report of {year} in {currency}"


@app.task(name="visits.note", ignore_result=True)
def note_visit(user_id: int) -> str:
    return f"user {user_id} was here"  # stored nowhere
