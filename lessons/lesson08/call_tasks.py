"""Lesson 08 · Progress and failure: see how far a task is, why it failed, and stop it.

python -m lesson08.call_tasks
python -m lesson08.call_tasks errors      one part alone: progress, errors, callbacks, stop, keep or poison
"""

import argparse

from celery import chain, chord
from celery.result import AsyncResult

from classroom.driver import run_driver
from lesson08 import tasks_postgres
from lesson08.errors import OutOfPaper
from lesson08.poison import poison
from lesson08.progress import progress, watch
from lesson08.tasks import FAILURES, app, deliver, note_failure, print_pages, print_photo


def errors() -> None:
    try:
        print_pages.delay(5, paper=3).get(timeout=10)
    except OutOfPaper as error:
        print("OutOfPaper arrives as:   ", repr(error), "with .missing", error.missing)
    wrapped = print_photo.delay().get(timeout=10, propagate=False)
    print("OutOfInk arrives as:     ", type(wrapped).__name__, wrapped)


def callbacks() -> None:
    FAILURES.unlink(missing_ok=True)
    failing = {
        "link_error:": print_pages.s(2, 1).on_error(note_failure.s()),
        "on_error of a chain:": chain(print_pages.s(2, 1), deliver.s()).on_error(note_failure.s()),
        "on_error in a chord:": chord([print_photo.s(), print_photo.s()], deliver.s().on_error(note_failure.s())),
    }
    for call in failing.values():
        call.delay().get(timeout=10, propagate=False)
    printed = print_pages.apply_async(args=(2,), link=deliver.s(), link_error=note_failure.s())
    printed.get(timeout=10)
    print("link:                    ", printed.children[0].get(timeout=10))
    for how, line in zip(failing, FAILURES.read_text().splitlines(), strict=True):
        print(f"{how:25}", line)


def stop() -> None:
    FAILURES.unlink(missing_ok=True)
    running, waiting = (print_pages.apply_async(args=(80,), link_error=note_failure.s()) for _ in range(2))
    watch(running, until="PROGRESS")
    running.revoke()
    waiting.revoke()
    print("revoke, waiting:         ", repr(waiting.get(timeout=10, propagate=False)), waiting.state)
    with app.connection_for_read() as connection:
        queue = connection.default_channel.queue_declare("lesson08", passive=True)  # passive: look, make nothing
        print("  still in the queue:    ", queue.message_count, "message")
    print("revoke, running:         ", running.state)
    running.revoke(terminate=True)
    print("  with terminate=True:   ", repr(running.get(timeout=10, propagate=False)), running.state)
    note_failure.delay({"task": print_pages.name}, "stopped by hand", None).get(timeout=10)  # nobody else does
    print("error callbacks:         ", FAILURES.read_text().strip())


def keep() -> None:
    ignored = print_pages.apply_async(args=(1,), ignore_result=True)
    kept = deliver.delay("a book")
    print("a result:                ", kept.get(timeout=10), kept.state)
    if app.conf.result_backend.startswith("redis"):
        print(f"  Redis keeps it:         ≈ {app.backend.client.ttl(app.backend.get_key_for_task(kept.id))} s")
    kept.forget()
    print("  after forget():        ", kept.state)
    print("an ignored one:          ", ignored.get(timeout=10), AsyncResult(ignored.id, app=app).state)


PARTS = {part.__name__: part for part in (progress, errors, callbacks, stop, keep, poison)}


def main(*parts: str) -> None:
    for part in parts or PARTS:
        PARTS[part]()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("part", nargs="?", choices=PARTS)
    part = parser.parse_args().part
    run_driver(lambda: main(*filter(None, [part])), app, tasks_postgres.app)
