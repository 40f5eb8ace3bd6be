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
        idea="Each of the three is sent once: ask the receipt for the outcome, instead of sending another call.",
    )


def why_other_answers(saw, wanted):
    """The idea behind pairs that aren't those of the three tasks."""
    if (
        not isinstance(saw, list)
        or len(saw) != 3
        or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in saw)
    ):
        return "A list of three pairs is wanted: for each task the state in which it ended, and what it returned."
    if [pair[::-1] for pair in saw] == wanted:
        return "In each pair the state comes first, then the value."
    if all(pair in saw for pair in wanted):
        return "The answers are right, but their order isn't: bake, share, sell, whichever of them ended first."
    if any(not isinstance(state, str) for state, _ in saw):
        return "The state is asked for as a word, such as SUCCESS: a receipt has it in .state."
    if any(state not in ("SUCCESS", "FAILURE") or value is None for state, value in saw):
        return (
            "A receipt isn't the answer yet: its state is PENDING and its result None until the task has ended. get() "
            "waits for that; ask for the state afterwards."
        )
    return "Each pair is about one receipt of this morning: its state, and the value that its own get() returned."


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
        idea=why_other_answers(pairs(said), wanted),
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
        idea=(
            "get() waits. Called between two sends, it makes the workers take turns: send everything, then collect."
            if sum(seen.sent_here(task) for task in ("bake", "share", "sell")) == 3
            else "Send each of the three yourself. In a chain, each task waits for the one before."
        ),
    )


@pytest.mark.judges(1)
def check_selling_waits_for_the_shop_to_open(exercise, run, expect, values):
    """Who waits until the shop opens: you, or the message?

    Lesson 00's first table, second line. The time is an option of sending, and the number comes with the call of
    morning().

    sell.apply_async(args=(loaves,), countdown=seconds)
    """
    loaves, seconds = values.randint(20, 90), values.choice([1.5, 2.5])  # no whole seconds, nor the lesson's 1
    with run() as seen:
        exercise.morning(loaves, values.randint(2, 9), seconds)
    expect(
        [task for task in ("bake", "share") if max(seen.countdowns(task), default=0) > 0.3],
        [],
        what="which of bake and share wait for something, too",
        idea="Only selling waits for the shop to open: a countdown belongs to one call, and these two are for now.",
    )
    countdowns = [round(countdown, 1) for countdown in seen.countdowns("sell")]
    expect(
        countdowns,
        [pytest.approx(seconds, abs=0.4)],
        what=f"seconds for which the message of sell says to wait, in morning({loaves}, …, {seconds})",
        idea=(
            "A countdown travels with the message, and the worker waits: the whole of `seconds`, which needn't be a "
            "whole number."
            if countdowns
            else "The message says nothing of waiting. A sleep here keeps you waiting; a countdown travels with it."
        ),
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
            said = exercise.morning(loaves, 0, 1.2)  # when share fails, selling has yet to begin
        except ZeroDivisionError as error:
            said = f"morning() raised {error!r}"
    expect_sent(seen, expect, "share")
    wrong = values.choice(["all", "the neighbours", "many"])
    with run():
        try:
            other = exercise.morning(loaves, wrong, 0)
        except TypeError as error:
            other = f"morning() raised {error!r}"
    failure = ("FAILURE", ZeroDivisionError("division by zero"))
    expect(
        pairs(said),
        [("SUCCESS", f"{loaves} loaves baked"), failure, ("SUCCESS", f"{loaves} loaves sold")],
        what=f"what morning({loaves}, 0, 1.2) returned: there are no guests",
        idea=(
            "A task was still waiting for its time when its state was asked for. One failure ends nothing: wait for "
            "each of the three, also for those after it."
            if "'PENDING'" in repr(said)
            else "get() raises here what the task raised there, unless told not to propagate it. The exception is the "
            "answer to hand over: not None, not its text, and the other two answers are still wanted."
        ),
    )
    reason = TypeError("unsupported operand type(s) for /: 'int' and 'str'")
    expect(
        pairs(other),
        [("SUCCESS", f"{loaves} loaves baked"), ("FAILURE", reason), ("SUCCESS", f"{loaves} loaves sold")],
        what=f"what morning({loaves}, {wrong!r}, 0) returned: guests that aren't a number",
        idea=(
            "A task may fail for any reason, and the caller is to learn which: hand over the exception that the task "
            "raised, of whatever type, rather than one kind of it or one of your own."
        ),
    )
