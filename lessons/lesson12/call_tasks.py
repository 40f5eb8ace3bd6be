"""Lesson 12 · Monitoring: ask workers, brokers and Flower what is going on.

python -m lesson12.call_tasks            all of it
python -m lesson12.call_tasks queues     one part: log, worker, queues, symptoms or flower
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from threading import Event, Thread

from classroom.driver import run_driver
from lesson12 import ask_flower, queues, symptoms, tasks_redis
from lesson12.ask import ask, until
from lesson12.tasks import app, develop, resize
from lesson12.watch import listen, slow_tasks


@contextmanager
def watching() -> Iterator[list[str]]:
    """What watch.py tells while the block runs."""
    told, stop = list[str](), Event()
    watcher = Thread(target=listen, args=(app, slow_tasks(app, 0.9, told.append), stop.is_set))
    watcher.start()
    try:
        until(lambda: told)  # a worker is there: so we hear
        yield told
    finally:
        stop.set()
        watcher.join()


def read_the_log() -> None:
    receipt = develop.delay("cat.png")
    log = Path(receipt.get(timeout=10, interval=0.05)).read_text()
    lines = log.partition(f"{receipt.id}] received\n")[2].splitlines()
    for line in takewhile(lambda line: "succeeded" not in line, lines):
        print(" ", re.sub(r"^\[.*?: (\w+)/.*?\]", r"\1", line).replace(receipt.id, "id"))


def ask_the_worker() -> None:
    now, later = resize.delay("wall.png", 1.5), resize.apply_async(("door.png", 0), countdown=2.5)
    (task,) = until(lambda: ask(app, "active"))
    print("  active:       ", task["name"], task["args"])
    (task,) = until(lambda: ask(app, "scheduled"))
    print("  scheduled:    ", task["request"]["name"], task["request"]["args"])
    print("  ping:         ", ask(app, "ping"))
    print("  registered:   ", *(name.rpartition(".")[2] for name in ask(app, "registered")))
    print("  active_queues:", *(queue["name"] for queue in ask(app, "active_queues")))
    print("  stats:        ", ask(app, "stats")["pool"]["max-concurrency"], "process")
    print("  get:          ", now.get(timeout=10), later.get(timeout=10))


def ask_flower_too() -> None:
    before = ask_flower.counted(resize.name, "task-succeeded")
    receipts = [resize.delay(photo, 0) for photo in ("cat.png", "door.png")]
    for receipt in receipts:
        receipt.get(timeout=10, interval=0.05)
    for worker, answers in until(ask_flower.workers).items():
        print("  workers: ", worker.partition("@")[0], "reads", *(queue["name"] for queue in answers["active_queues"]))
    ids = [receipt.id for receipt in receipts]
    print("  tasks:   ", *until(lambda: (states := ask_flower.states(ids)).count("SUCCESS") == 2 and states))
    rise = ask_flower.counted(resize.name, "task-succeeded") - before
    print(f"  /metrics: flower_events_total of resize, task-succeeded, rose by {rise:.0f}")


PARTS: dict[str, tuple[Callable[[], None], ...]] = {
    "log": (read_the_log,),
    "worker": (ask_the_worker,),
    "queues": (queues.count_on_both_brokers, queues.count_what_is_in_hand),
    "symptoms": (symptoms.no_broker, symptoms.nothing_arrives, symptoms.memory_grows, symptoms.time_runs_out),
    "flower": (ask_flower_too,),
}


def main(*chosen: str) -> None:
    with watching() as told:
        for name in chosen or PARTS:
            print(f"{name}:")
            for part in PARTS[name]:
                part()
    print("watch.py told:", *(line for line in told if "took" in line), sep="\n  ")


if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - set(PARTS):
        print(f"There is no part {' or '.join(unknown)}; there are: {', '.join(PARTS)}.", file=sys.stderr)
        sys.exit(2)
    run_driver(lambda: main(*sys.argv[1:]), app, tasks_redis.app)
