"""Lesson 09, the caller's side: what messages weigh, work split by stages, and a task that is watched."""

from collections.abc import Callable
from pathlib import Path

from celery import chain, uuid
from celery.canvas import Signature
from celery.exceptions import SoftTimeLimitExceeded

from global_config import LESSONS_HOME
from lesson09.batches import FOLDER
from lesson09.stages import extract, extract_to_file, load, load_file, transform, transform_file
from lesson09.tasks import app
from lesson09.watched import work_watched

SCALES = "lesson09-scales"  # a queue that no worker reads


def kilobytes(call: Signature) -> float:
    """What the broker keeps for this call: it is sent to where nobody takes it away, weighed, and thrown away."""
    message = app.amqp.create_task_message(uuid(), call.task, call.args, call.kwargs)  # as delay() makes it
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        app.amqp.send_task_message(app.amqp.Producer(connection), call.task, message, queue=SCALES)  # and sends it
        if redis := getattr(channel, "client", None):
            size = len(redis.lindex(SCALES, 0))
        else:
            size = sum(file.stat().st_size for file in Path(LESSONS_HOME, "messages").glob(f"*.{SCALES}.msg"))
        channel.queue_purge(SCALES)
        channel.queue_delete(SCALES)
        channel.exchange_delete(SCALES)
    return size / 1000


def split_by_stages() -> None:
    print("By stages, extract | transform | load of 1 MB of text:")
    FOLDER.mkdir(exist_ok=True)
    for what, first, second, third in (
        ("the data", extract, transform, load),
        ("its name", extract_to_file, transform_file, load_file),
    ):
        receipt = chain(first.s(1000), second.s(), third.s())()
        said = receipt.get(timeout=10, interval=0.02)
        extracted, transformed = (one.get(timeout=10) for one in (receipt.parent.parent, receipt.parent))
        weights = [kilobytes(call) for call in (first.s(1000), second.s(extracted), third.s(transformed))]
        print(
            f"  passing {what:9} messages of",
            ", ".join(f"≈ {weight:.0f} kB" for weight in weights) + ";",
            said,
            "words",
        )


def weigh_messages() -> None:
    print("What the broker keeps of a message whose argument is")
    million = 1_000_000
    for what, argument in {
        "nothing": "",
        "1 MB of ASCII letters": "a" * million,
        "1 MB of Korean letters": "가" * (million // 3),  # each is 3 bytes of UTF-8
        "1 MB of binary bytes": bytes(range(250)) * (million // 250),
        "1 MB of NUL characters": "\0" * million,
    }.items():
        print(f"  {what + ':':24}≈ {kilobytes(transform.s(argument)):7.0f} kB")


def watch() -> None:
    print("A watched task, its soft limit 2 s:")
    receipts = {items: work_watched.delay(items) for items in (3, 13, 40)}
    for items, receipt in receipts.items():
        try:
            warned = receipt.get(timeout=10, interval=0.02).get("warned")
            print(f"  {items:2} items: SUCCESS,", f"warned after ≈ {warned:.1f} s" if warned else "no warning")
        except SoftTimeLimitExceeded as error:
            print(f"  {items:2} items: {receipt.state}, {error!r}")


PARTS: dict[str, Callable[[], None]] = {"watched": watch, "stages": split_by_stages, "messages": weigh_messages}
