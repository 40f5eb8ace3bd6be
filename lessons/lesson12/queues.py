"""Lesson 12 · Monitoring: how much waits, on each broker.

python -m lesson12.queues
"""

from pathlib import Path

from celery import Celery, Task

from global_config import LESSONS_HOME
from lesson12 import tasks_redis
from lesson12.ask import ask, command, until
from lesson12.tasks import app, resize
from lesson12.tasks_redis import stamp


def waiting(app: Celery, queue: str) -> int:
    """How many messages lie in `queue`, on any broker."""
    with app.connection_for_read() as connection:
        try:  # passive: look, make nothing
            return connection.default_channel.queue_declare(queue, passive=True).message_count
        except connection.channel_errors:  # on Redis, an empty queue is none
            return 0


def look_inside(app: Celery, queue: str) -> tuple[int, str]:
    """The same number, found in the broker itself, and how one finds it there.

    On Redis that is true of messages without a priority: others are in further lists, which message_count includes.
    """
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        match connection.transport.driver_type:
            case "filesystem":
                files = list(Path(LESSONS_HOME, "messages").glob(f"*.{queue}.msg"))
                return len(files), f"files that end with .{queue}.msg"
            case "redis":
                taken = channel.client.hlen("unacked")  # by all workers of this Redis, from all queues
                return channel.client.llen(queue), f"by LLEN {queue}; HLEN unacked says ≈ {taken} messages"
            case _:
                there = channel.queue_declare(queue, passive=True)
                return there.message_count, f"ready in RabbitMQ, and {there.consumer_count} consumer"


def count_what_waits(app: Celery, task: Task, *args: object) -> None:
    queue = app.conf.task_default_queue
    print("  cancel_consumer:", command(app, "cancel_consumer", queue))
    try:
        receipts = [task.delay(*args) for _ in range(2)]
        until(lambda: waiting(app, queue) == len(receipts))  # a server may take a moment to count them
        print(f"    {waiting(app, queue)} waiting; the broker itself has {look_inside(app, queue)[0]}")
    finally:
        print("  add_consumer:   ", command(app, "add_consumer", queue))
    print("   ", *{receipt.get(timeout=10, interval=0.05) for receipt in receipts})


def count_on_both_brokers() -> None:
    count_what_waits(app, resize, "cat.png", 0)
    count_what_waits(tasks_redis.app, stamp, "letter")


def count_what_is_in_hand() -> None:
    receipts = [stamp.apply_async(("postcard",), countdown=1) for _ in range(2)]
    taken = until(lambda: len(found := ask(tasks_redis.app, "scheduled")) == 2 and found)
    print(f"  two for later:   {waiting(tasks_redis.app, 'lesson12-redis')} waiting; the worker has {len(taken)}")
    print("   ", *{receipt.get(timeout=10, interval=0.05) for receipt in receipts})


if __name__ == "__main__":
    for one in app, tasks_redis.app:
        number, how = look_inside(one, one.conf.task_default_queue)
        print(f"{one.conf.task_default_queue + ':':15} {number} {how}")
