"""Lesson 12 · Monitoring: four things that go wrong, what shows them, and what helps."""

from time import monotonic

from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded, TimeoutError
from kombu.exceptions import OperationalError

from global_config import RABBITMQ_URL
from lesson12.ask import ask, command, until
from lesson12.queues import waiting
from lesson12.tasks import app, collect, render, resize


def send(broker: str) -> None:
    sender = Celery("lesson12-sender", broker=broker, set_as_current=False)
    sender.config_from_object("global_config")
    sender.send_task(resize.name, args=("door.png", 0), queue="lesson12", ignore_result=True)


def no_broker() -> None:
    print("  no broker")
    start = monotonic()
    try:
        send("amqp://localhost:1//")  # nothing listens there
    except OperationalError as error:
        print(f"    seen: {type(error).__name__} from {error.__cause__!r:.22} after ≈ {monotonic() - start:.1f} s")
    send(RABBITMQ_URL)
    print("    cure: the right address; sent")


def nothing_arrives() -> None:
    print("  a worker that gets nothing")
    lost = resize.apply_async(("cat.png", 0), queue="lesson12-nobody")
    reads = [queue["name"] for queue in ask(app, "active_queues")]
    held = until(lambda: waiting(app, "lesson12-nobody"))  # a server may take a moment to count it
    print(f"    seen: {lost.state}; lesson12-nobody holds {held}; the worker reads {reads}")
    print("    cure:", command(app, "add_consumer", "lesson12-nobody"), "→", lost.get(timeout=10, interval=0.05))
    command(app, "cancel_consumer", "lesson12-nobody")
    with app.connection_for_write() as connection:
        connection.default_channel.queue_delete("lesson12-nobody")


def wait_until_replaced(pid: int) -> float:
    start = monotonic()
    until(lambda: pid not in ask(app, "stats")["pool"]["processes"])
    return monotonic() - start


def memory_grows() -> None:
    print("  growing memory")
    (old,) = ask(app, "stats")["pool"]["processes"]
    limit = app.conf.worker_max_memory_per_child  # KiB
    sizes: dict[int, list[int]] = {}  # of each process, after each task
    for _ in range(3):
        pid, size = collect.delay(40).get(timeout=10, interval=0.05)
        sizes.setdefault(pid, []).append(size)
        if limit and pid == old and size > limit * 1024:
            seconds = wait_until_replaced(pid)
    print(f"    seen: the worker's process has ≈ {sizes[old][0] / 1e6:.0f} MB, then ≈ {sizes[old][-1] / 1e6:.0f} MB")
    for new in list(sizes)[1:2]:
        print(
            f"    cure: over its limit, and replaced ≈ {seconds:.1f} s later by one of ≈ {sizes[new][0] / 1e6:.0f} MB"
        )


def time_runs_out() -> None:
    print("  time-outs")
    slow = resize.delay("wall.png", 1.5)
    try:
        slow.get(timeout=0.3)
    except TimeoutError:
        (task,) = until(lambda: ask(app, "active"))
        print("    seen: the caller's, after 0.3 s; active:", task["args"])
    print("    cure: wait longer;", slow.get(timeout=10, interval=0.05))
    for attempt in "seen: the worker's,", "      the same again,":
        try:
            render.delay("long.mp4", 2.0).get(timeout=10, interval=0.05)
        except SoftTimeLimitExceeded as error:
            print("   ", attempt, repr(error))
        if attempt.startswith("seen"):
            print("    cure? time_limit answers:", command(app, "time_limit", render.name, soft=5, hard=6))
    longer = render.apply_async(("long.mp4", 2.0), soft_time_limit=5)
    print("    cure: a longer limit for the call;", longer.get(timeout=10, interval=0.05))
