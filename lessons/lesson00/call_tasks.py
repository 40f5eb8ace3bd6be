"""Lesson 00 · Basic calls: send calls to a worker, and ask what became of each.

python -m lesson00.call_tasks
"""

from celery import uuid
from celery.result import AsyncResult
from kombu.exceptions import EncodeError

from classroom.driver import run_driver
from lesson00.tasks import add, app, describe, divide


def call_here_and_there() -> None:
    print("add(2, 3) runs here:       ", add(2, 3))  # still a function: no worker is involved
    receipt = add.delay(2, 3)  # puts a message on the queue and returns at once
    print("add.delay(2, 3), fetched:  ", receipt.get(timeout=10))  # seconds; without it, get() waits for ever


def call_later() -> None:
    receipt = add.apply_async(args=(20, 30), countdown=1)  # not before 1 second from now
    print("countdown=1, ready by now? ", receipt.ready(), receipt.state)
    print("countdown=1, fetched:      ", receipt.get(timeout=10), receipt.state)


def call_and_fail() -> None:
    receipt = divide.delay(1, 0)
    error = receipt.get(timeout=10, propagate=False)  # hands the exception over; get() alone would raise it
    print("the division gave:         ", repr(error))
    print("successful(), failed():    ", receipt.successful(), receipt.failed())
    print("its traceback ends with:   ", receipt.traceback.splitlines()[-1])


def ask_about_nothing() -> None:
    print("an id that was never sent: ", AsyncResult(uuid(), app=app).state)


def send_what_json_can_say() -> None:
    print("(1, 2) arrives as", describe.delay((1, 2)).get(timeout=10))
    try:
        describe.delay({1, 2})
    except EncodeError as error:
        print("{1, 2} isn't sent:", error)


def main() -> None:
    call_here_and_there()
    call_later()
    call_and_fail()
    ask_about_nothing()
    send_what_json_can_say()


if __name__ == "__main__":
    run_driver(main, app)
