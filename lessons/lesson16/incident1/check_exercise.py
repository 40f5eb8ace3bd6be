"""What a mended incident 1 does. The docstring holds three hints, a paragraph each."""

from time import monotonic, sleep

import pytest

NONE = (
    "None was posted. If it was taken for posted already: that is to be asked for this very order, before its first "
    "letter, and once in a run."
)
AT_ONCE = (
    "Two processes had the message at the same moment, and both posted. What one of them remembers the other doesn't "
    "know; if you look whether it is posted, both look before either has posted; and no setting keeps a message from "
    "coming twice. A step that only one run can make has to come first."
)
LATER = (
    "The message came again when the letter had been posted, and another one was posted. What lasts only as long as a "
    "run, such as a lock, doesn't hold for a later message, and what one process remembers the others don't know. What "
    "decides has to be kept, for all processes."
)
ANOTHER_ID = (
    "The web server's second message is another message, and has another id. What both have in common is the order."
)


@pytest.mark.judges(1, 2, 3)
def check_a_reminder_is_posted_once(exercise, run, expect, values):
    """Two workers have the same message at the same time: how could one of them know of the other?

    Neither can. Both have to ask one place that decides, before anything is posted: exercise_shop.first says True once.

    if shop.first(f"reminder {order}"): shop.post(order, seconds=2)
    """
    numbers = values.sample(range(1000, 10_000), k=4)
    by_redis, by_web_server, *others = (
        f"{name}-{number}" for name, number in zip(("ada", "ian", "bob", "eve"), numbers, strict=True)
    )

    def letters(order):
        return [number for page in exercise.shop.noted("letters", order) for number in page]

    def wait_for_letters(orders, seconds):
        until = monotonic() + seconds
        while not all(letters(order) for order in orders) and monotonic() < until:
            sleep(0.05)

    with run() as seen:
        receipt = exercise.remind.delay(by_redis)
        exercise.remind.apply_async((by_redis,), task_id=receipt.id)
        exercise.remind.delay(by_web_server)
        exercise.remind.delay(by_web_server)
        wait_for_letters([by_redis, by_web_server], 6)
        at_once = letters(by_redis)
        for _ in range(3):  # later, and to more than one process
            exercise.remind.apply_async((by_redis,), task_id=receipt.id)
            exercise.remind.delay(by_web_server)
        for order in others:
            exercise.remind.delay(order)
        wait_for_letters(others, 6)  # what had begun before them has ended by then
    expect(
        list(dict.fromkeys(event["exception"] for event in seen.events if event["type"] == "task-failed")),
        [],
        what="the exceptions with which runs of remind failed",
        idea="A run that finds its reminder posted already ends without an error, and so does any other run.",
    )
    expect(
        letters(by_redis),
        [1],
        what="the letters to a customer whose message Redis handed out again, at the same moment and later",
        idea=NONE if not letters(by_redis) else AT_ONCE if len(at_once) > 1 else LATER,
    )
    expect(
        letters(by_web_server),
        [1],
        what="the letters to a customer whose message the web server sent again, at the same moment and later",
        idea=ANOTHER_ID if letters(by_web_server) else NONE,
    )
    expect(
        [letters(order) for order in others],
        [[1], [1]],
        what="the letters to two other customers",
        idea="Each order has a reminder of its own, and what keeps one from being posted again concerns no other.",
    )
