"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

import os
from itertools import zip_longest

import pytest
from celery.exceptions import TimeoutError as Late


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


def busy(seen):
    """Seconds for which fetch kept a process of the worker, all its runs together."""
    ids = seen.ids("fetch")
    ours = [event for event in seen.events if event["uuid"] in ids]
    begun = [event["timestamp"] for event in ours if event["type"] == "task-started"]
    ended = [e["timestamp"] for e in ours if e["type"] in ("task-retried", "task-succeeded", "task-failed")]
    if len(begun) != len(ended):  # a run that ends in another way, such as by replace(), has no event for that
        return 0
    return sum(end - begin for begin, end in zip(begun, ended, strict=True))  # one run may begin before another's end


def a_product(values):
    return "".join(values.choices("abcdefghijklmnopqrstuvwxyz", k=4))


@pytest.mark.judges(1)
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
            "It was run again, and failed in the end, though the server was back: give it self.request.retries of this "
            "call. A number that the module keeps is another one in each process."
            if isinstance(said, Exception) and seen.runs("fetch") > 1
            else "The task failed where it was to be run again. Nothing is run again unless you ask: self.retry() "
            "does, or autoretry_for with the exceptions to retry."
            if isinstance(said, Exception)
            else "What the server says is to be returned as it is, and it is to be told how often this call was "
            "retried: 0 on the first run, 1 on the next."
            if isinstance(said, str)
            else "self.retry() ends this run by raising Retry. Let that pass: caught, it makes a success out of a run "
            "that got nothing. And what the server says in the end is to be returned."
        ),
    )
    expect(
        seen.runs("fetch"),
        down_for + 1,
        what=f"how many times a worker ran fetch({product!r}, {down_for})",
        idea=(
            "It was run more often than the server was down. Tell the server self.request.retries of this call; a "
            "number that the module keeps is another one in each process."
            if seen.runs("fetch") > down_for + 1
            else "Celery is to run the task again, once for each time that the server was down. A loop inside of the "
            "task isn't a retry: Celery sees one run only, and while it sleeps, the process is kept from other tasks."
        ),
    )


@pytest.mark.judges(1, 2)
def check_each_wait_is_twice_as_long(exercise, run, expect, values):
    """What changes from run to run, so that a wait could be computed from it?

    self.request.retries is 0 on the first run, 1 on the second. And in the lesson: which numbers does retry_backoff
    take, and which waits does jitter give?

    countdown=0.2 * 2**self.request.retries
    """
    waits, kept = [], []
    for _ in range(3):  # a busy machine sends a retry late, which shortens its wait: what counts is the longest of each
        with run() as seen:
            exercise.fetch.delay(a_product(values), 3)  # not fetched(): waits that are too long are to be seen as such
        waits = [round(max(both), 2) for both in zip_longest(waits, seen.countdowns("fetch"), fillvalue=0)]
        kept.append(busy(seen))
        longest = [0.2, 0.4, 0.8]
        wanted = pytest.approx(longest[: max(2, len(waits))], abs=0.08)  # the next check counts the retries
        too_long = any(wait > limit + 0.08 for wait, limit in zip(waits, longest, strict=False))  # and stays so
        if too_long or (waits == wanted and kept[-1] < 0.7):
            break
    expect(
        "busy" if min(kept) > 0.7 else "free",  # the three waits together are 1.4 s
        "free",
        what=f"the worker's process while fetch waits (its runs took {min(kept):.1f} s together)",
        idea=(
            "The task sleeps, and a process that sleeps is kept from other tasks. Leave the waiting to the message: a "
            "retry with a countdown ends this run at once, and the next one begins when its time has come."
        ),
    )
    expect(
        waits,
        wanted,
        what="seconds that each retry is to wait",
        idea=why_other_waits(waits),
    )


def why_other_waits(waits):
    """The idea behind waits that aren't 0.2, 0.4 and 0.8 seconds."""
    if not waits:
        return "The retries don't wait at all: say how long with countdown=, in seconds, each time that you retry."
    if len(waits) > 1 and max(waits) < 1.5 * min(waits):
        return "Each wait is as long as the first. A countdown holds for one retry; the next one may have another."
    if all(wait == pytest.approx(round(wait), abs=0.08) for wait in waits):
        return (
            "retry_backoff can't say 0.2: it counts whole seconds, 1 at least, and its jitter draws them by chance. "
            "self.retry(countdown=…) takes fractions."
        )
    return (
        "Each wait is twice the one before: 0.2 times 1, 2, 4. self.request.retries tells which one it is, and belongs "
        "to this call, unlike a number that the module keeps."
    )


@pytest.mark.judges(3)
def check_it_gives_up_after_three_retries(exercise, run, expect, values):
    """How many runs are three retries? And what should the caller learn in the end: that it failed, or also why?

    Lesson 04's table, max_retries; and "Three retries are four runs" below it: which exception comes last?

    @app.task(bind=True, max_retries=3), and raise self.retry(exc=error, …)
    """
    with run() as seen:
        try:
            said = fetched(exercise, expect, a_product(values), values.randint(50, 99))
        except Late:
            said = "no end in 5 seconds"
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


@pytest.mark.judges(4)
def check_a_wrong_product_is_asked_for_once(exercise, run, expect, values):
    """Which failures pass by themselves, and which stay the same however often one tries?

    Look at your except line, or at autoretry_for: which exceptions does it take?

    except ConnectionError, or autoretry_for=(ConnectionError,): then a ValueError goes its way, and the task fails
    """
    product, other = (f"{a_product(values)}-{number}" for number in values.sample(range(10, 100), 2))
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
    with run() as seen:
        said = fetched(exercise, expect, other, 1)
    expect(
        seen.runs("fetch"),
        2,
        what=f"how many times a worker ran fetch({other!r}, 1): the server is down for one run, and then says no",
        idea="A wrong product fails at once on any run, also on one that is a retry.",
    )
    expect(
        said,
        ValueError(f"no product is called {other}"),
        what=f"what fetch({other!r}, 1) ended with",
        idea="The caller is to learn why the last run failed, and not why the one before it did.",
    )
    many = 2 * (os.cpu_count() or 1) + 1  # more than the worker has processes
    with run():
        for receipts in (
            [exercise.fetch.delay(f"{a_product(values)}-{number}", 0) for number in range(many)],
            later := [exercise.fetch.delay(a_product(values), 1) for _ in range(many)],
        ):
            for receipt in receipts:
                receipt.get(timeout=8, interval=0.02, propagate=False)
    expect(
        [receipt.result for receipt in later if isinstance(receipt.result, Exception)],
        [],
        what=f"how {many} calls failed, after as many wrong products, with a server that is down for one run",
        idea=(
            "Each worker process has one object for the task, and all calls share it. What a call changes there, such "
            "as self.max_retries, holds for the calls after it, too: give it to retry(), or let the exception out."
        ),
    )
