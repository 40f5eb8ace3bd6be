"""Lesson 06 · Names and send_task: the caller's side, which has none of the worker's code.

python -m lesson06.call_tasks
"""

from celery import Celery
from celery.exceptions import TimeoutError

from classroom.driver import run_driver
from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("lesson06", broker=RABBITMQ_URL, backend=POSTGRES_URL)  # the caller's own app, without any task
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson06",  # the queue that the worker reads
    control_exchange="lesson06",  # and the line for commands to it
)


def call_by_name() -> None:
    welcome = app.send_task("email.send_welcome", args=[42])
    report = app.send_task("report.make", kwargs={"year": 2025, "currency": "EUR"})
    print("email.send_welcome:         ", welcome.get(timeout=10))
    print("report.make:                ", report.get(timeout=10))


def call_what_has_moved() -> None:
    goodbye = app.send_task("email.send_goodbye", args=[42])
    old_name = app.send_task("lesson06.tasks.count_users")
    new_name = app.send_task("lesson06.moved.count_users")
    print("email.send_goodbye:         ", goodbye.get(timeout=10))
    print("lesson06.tasks.count_users: ", type(old_name.get(timeout=10, propagate=False)).__name__)
    print("lesson06.moved.count_users: ", new_name.get(timeout=10))


def misspell_a_name() -> None:
    lost = app.send_task("email.send_wellcome", args=[42])  # no error: only the worker knows which names there are
    error = lost.get(timeout=10, propagate=False)
    print("email.send_wellcome:        ", lost.state, type(error).__name__, error)


def call_what_stores_nothing() -> None:
    note = app.send_task("visits.note", args=[42])
    try:
        note.get(timeout=1)  # the caller can't know that there will be no result
    except TimeoutError:
        print("visits.note, after 1 s:     ", note.state)
    note = app.send_task("visits.note", args=[42], ignore_result=True)  # now it does
    print("visits.note, result ignored:", note.get(timeout=10))


def main() -> None:
    call_by_name()
    call_what_has_moved()
    misspell_a_name()
    call_what_stores_nothing()


if __name__ == "__main__":
    run_driver(main, app)
