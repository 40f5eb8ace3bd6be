"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

import pytest


def pairs(said):
    """What morning() returned, its pairs as tuples: a list of two is as good."""
    if not isinstance(said, list | tuple):
        return said
    return [tuple(pair) if isinstance(pair, list) else pair for pair in said]


def expect_sent(seen, expect, task):
    """The task was sent once, and the caller's process didn't run it."""
    expect(
        seen.here.count(f"exercise.{task}"),
        0,
        what=f"how often {task} ran in the caller's own process",
        idea=(
            f"{task}(…) is an ordinary call, and run() and apply() run a task here too. Only delay() and apply_async() "
            "send it away."
        ),
    )
    expect(
        seen.sent(task),
        1,
        what=f"how many calls of {task} were sent to a worker",
        idea="Each of the three is sent once: the receipt, not another call, tells what became of it.",
    )


@pytest.mark.judges(1, 3)
def check_a_worker_does_the_work(exercise, run, expect, values):
    """What does bake(loaves) do, and what does bake.delay(loaves) do? And when does a receipt know how a task ended?

    Lesson 00's first table: some ways of writing it run the task here, others send it; some ask at once, and one waits.
    `delay` hands everything that it is given to the task; the call that also takes a countdown is another one.

    baking = bake.delay(loaves); said = baking.get(timeout=10); and after that, not before: (baking.state, said)
    """
    loaves, guests = values.randint(20, 90), values.randint(2, 9)
    with run() as seen:
        said = exercise.morning(loaves, guests, 0)
    for task in ("bake", "share", "sell"):
        expect_sent(seen, expect, task)
    wanted = [("SUCCESS", f"{loaves} loaves baked"), ("SUCCESS", loaves / guests), ("SUCCESS", f"{loaves} loaves sold")]
    expect(
        pairs(said),
        wanted,
        what=f"what morning({loaves}, {guests}, 0) returned",
        idea=(
            "A receipt isn't the answer yet: its state is PENDING and its result None until the task has ended. get() "
            "waits for that; ask for the state afterwards."
        ),
    )


@pytest.mark.judges(2)
def check_all_are_sent_before_one_is_waited_for(exercise, run, expect, values):
    """While the bread is in the oven, what are you doing: waiting beside it, or giving out the other work?

    Look at the order of your lines: where is the first get(), and which call is sent after it?

    receipts = [bake.delay(loaves), share.delay(loaves, guests), …]; only below that: receipt.get(…) for each of them
    """
    with run() as seen:
        exercise.morning(values.randint(20, 90), values.randint(2, 9), 0)
    expect(
        seen.sent_before_waiting(),
        3,
        what="how many of the three calls were sent before you first waited for a result",
        idea="get() waits. Called between two sends, it makes the workers take turns: send everything, then collect.",
    )


@pytest.mark.judges(1)
def check_selling_waits_for_the_shop_to_open(exercise, run, expect, values):
    """Who waits until the shop opens: you, or the message?

    Lesson 00's first table, second line. The time is an option of sending, and the number comes with the call of
    morning().

    sell.apply_async(args=(loaves,), countdown=seconds)
    """
    loaves, seconds = values.randint(20, 90), values.choice([1.6, 2.4])  # not the 1 second of the lesson
    with run() as seen:
        exercise.morning(loaves, values.randint(2, 9), seconds)
    countdowns = [round(countdown, 1) for countdown in seen.countdowns("sell")]
    expect(
        countdowns,
        [pytest.approx(seconds, abs=0.4)],
        what=f"seconds for which the message of sell says to wait, in morning({loaves}, …, {seconds})",
        idea="A countdown travels with the message, and the worker waits: no sleep here, nor a number of your own.",
    )


@pytest.mark.judges(3)
def check_a_failure_is_handed_over(exercise, run, expect, values):
    """When a task fails on the worker, what does get() do here? And what would you like it to do?

    Lesson 00's first table has two lines with get(): compare them. The driver's call_and_fail() uses one of them.

    receipt.get(timeout=10, propagate=False) returns the exception instead of raising it
    """
    loaves = values.randint(20, 90)
    with run() as seen:
        try:
            said = exercise.morning(loaves, 0, 0)
        except ZeroDivisionError as error:
            said = f"morning() raised {error!r}"
    expect_sent(seen, expect, "share")
    failure = ("FAILURE", ZeroDivisionError("division by zero"))
    expect(
        pairs(said),
        [("SUCCESS", f"{loaves} loaves baked"), failure, ("SUCCESS", f"{loaves} loaves sold")],
        what=f"what morning({loaves}, 0, 0) returned: nobody to share with",
        idea=(
            "get() raises here what the task raised there, unless told not to propagate it. The exception is the "
            "answer to hand over: not None, not its text, and the other two answers are still wanted. A PENDING among "
            "them means that a state was asked for before get() had waited."
        ),
    )
