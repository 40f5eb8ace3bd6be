"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

from itertools import zip_longest

import pytest


def fetched(exercise, expect, product, down_for):
    """What fetch.delay(product, down_for) came to: its value, or its exception."""
    try:
        receipt = exercise.fetch.delay(product, down_for)
    except TypeError as error:
        expect(
            error,
            "a receipt",
            what=f"fetch.delay({product!r}, {down_for}), called as in the story",
            idea=(
                "Callers give a product and a number, nothing else. A bound task gets itself from Celery, as its first"
                " argument: bind=True and self belong together."
            ),
        )
    said = receipt.get(timeout=5, interval=0.02, propagate=False)
    if isinstance(said, NotImplementedError):
        raise said
    return said


def a_product(values):
    return "".join(values.choices("abcdefghijklmnopqrstuvwxyz", k=4))


def check_the_task_is_run_again(exercise, run, expect, values):
    """Who runs a task again: a loop in the task, or Celery? And how does a run know how many came before it?

    Lesson 04's first code block, and the box above it: a bound task, its request, and the call that sends it once more.
    Say how long to wait: the lesson's table has what happens otherwise.

    In fetch(self, …): except ConnectionError as error: raise self.retry(exc=error, countdown=0.2)
    """
    product, down_for = a_product(values), values.randint(1, 2)
    with run() as seen:
        said = fetched(exercise, expect, product, down_for)
    expect(
        seen.sent("fetch"),
        1,
        what="how many tasks were sent, their retries not counted",
        idea=(
            "A retry is the same task under the same id, so the caller's receipt stays good. A new task's result "
            "reaches nobody."
        ),
    )
    expect(
        said,
        f"{product}: answered on run {down_for + 1}",
        what=f"what fetch({product!r}, {down_for}) came to",
        idea=(
            "Nothing is run again unless you ask: self.retry() does, and it ends this run by raising Retry. Let that "
            "pass: caught, it makes a success out of a run that got nothing."
        ),
    )
    expect(
        seen.runs("fetch"),
        down_for + 1,
        what=f"how many times a worker ran fetch({product!r}, {down_for})",
        idea="A loop with sleep() isn't a retry: it keeps the process from other tasks, and Celery sees one run only.",
    )


def check_each_wait_is_twice_as_long(exercise, run, expect, values):
    """What changes from run to run, so that a wait could be computed from it?

    self.request.retries is 0 on the first run, 1 on the second. And in the lesson: which numbers does retry_backoff
    take, and which waits does jitter give?

    countdown=0.2 * 2**self.request.retries
    """
    waits = []
    for _ in range(3):  # a busy machine sends a retry late, which shortens its wait: what counts is the longest of each
        with run() as seen:
            exercise.fetch.delay(a_product(values), 3)  # not fetched(): waits that are too long are to be seen as such
        waits = [round(max(both), 2) for both in zip_longest(waits, seen.countdowns("fetch"), fillvalue=0)]
        wanted = pytest.approx([0.2, 0.4, 0.8][: max(2, len(waits))], abs=0.08)  # the next check counts the retries
        if waits == wanted:
            break
    expect(
        waits,
        wanted,
        what="seconds that each retry is to wait",
        idea=(
            "A countdown holds for one retry; the next may have another. retry_backoff can't say 0.2: it counts whole "
            "seconds, 1 at least, and its jitter draws them by chance."
        ),
    )


def check_it_gives_up_after_three_retries(exercise, run, expect, values):
    """How many runs are three retries? And what should the caller learn in the end: that it failed, or also why?

    Lesson 04's table, max_retries; and "Three retries are four runs" below it: which exception comes last?

    @app.task(bind=True, max_retries=3), and raise self.retry(exc=error, …)
    """
    with run() as seen:
        said = fetched(exercise, expect, a_product(values), values.randint(50, 99))
    expect(
        seen.runs("fetch"),
        4,
        what="how many times a worker ran it, with a server that stays down",
        idea="max_retries counts the retries, not the first run: three retries are four runs.",
    )
    expect(
        seen.states("fetch"),
        ["failed"],
        what="how it ended, with a server that stays down",
        idea="A task that returns has succeeded, whatever it returns. To fail, let the exception out.",
    )
    expect(
        said,
        ConnectionError("no answer on run 4"),
        what="the exception that it ended with",
        idea=(
            "The caller needs the reason: given to retry(exc=…), it is what the task fails with when no retry is left."
        ),
    )


def check_a_wrong_product_is_asked_for_once(exercise, run, expect, values):
    """Which failures pass by themselves, and which stay the same however often one tries?

    Look at your except line, or at autoretry_for: which exceptions does it take?

    except ConnectionError, or autoretry_for=(ConnectionError,): then a ValueError goes its way, and the task fails
    """
    product = f"{a_product(values)}-{values.randint(10, 99)}"
    with run() as seen:
        said = fetched(exercise, expect, product, 0)
    expect(
        seen.runs("fetch"),
        1,
        what=f"how many times a worker ran fetch({product!r}, 0)",
        idea="No retry mends bad data or a bug: retry only what can pass by itself, by its name.",
    )
    expect(
        said,
        ValueError(f"no product is called {product}"),
        what="what it ended with",
        idea="The caller is to learn that there is no such product: let the ValueError out.",
    )
