"""Lesson 12 · Monitoring: a consumer of events of one's own, which tells of slow tasks.

python -m lesson12.watch
"""

from collections.abc import Callable
from contextlib import suppress

from celery import Celery


def listen(app: Celery, note: Callable[[dict], None], enough: Callable[[], bool] = lambda: False) -> None:
    """Call `note` with each event on the broker of `app`, until `enough()` is true."""

    def hear(event: dict) -> None:
        note(event)
        receiver.should_stop = enough()

    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": hear})  # or one handler for each type of event
        try:
            receiver.capture()  # first asks every worker for a sign of life
        finally:
            receiver.queue(connection.default_channel).delete()  # on files it would be fed for ever


def slow_tasks(app: Celery, seconds: float, tell: Callable[[str], None]) -> Callable[[dict], None]:
    """A `note` that tells of tasks on the queues of `app` that ran `seconds` or more, and of workers that appear."""
    state = app.events.State()  # puts together what several events say of one task: only the first has its name
    there: set[str] = set()

    def note(event: dict) -> None:
        state.event(event)
        if event["type"].startswith("worker-") and event["hostname"] not in there:
            there.add(event["hostname"])
            tell(f"{event['hostname'].partition('@')[0]} is there")
        if event["type"] == "task-succeeded" and event["runtime"] >= seconds:
            task = state.tasks[event["uuid"]]
            if task.routing_key in app.amqp.queues:  # others use this broker as well
                tell(f"{task.name}{task.args} took ≈ {event['runtime']:.1f} s")

    return note


if __name__ == "__main__":
    from lesson12.tasks import app

    with suppress(KeyboardInterrupt):  # Ctrl-C is how one ends it
        listen(app, slow_tasks(app, 0.9, lambda line: print(line, flush=True)))
