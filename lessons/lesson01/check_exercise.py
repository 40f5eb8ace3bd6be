"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

import os
import re

import pytest


@pytest.mark.judges(1)
def check_a_short_round_returns_its_figures(exercise, run, expect, values):
    """What should happen to the other meters of a round when one of them is broken?

    Look at read_meter(): it raises for a broken meter. So the try around it belongs inside the loop over the meters.

    for meter in meters:
        try:
            figures[meter] = read_meter(meter)
        except ValueError:
            figures[meter] = None
    """
    first, broken, last = named(values, "meter", "broken", "meter")
    # More rounds than a worker has processes, so that one of them is its process's second.
    others = [[f"meter-{house}1", f"broken-{house}2"] for house in range(100, 101 + (os.cpu_count() or 1))]
    with run() as seen:
        try:
            receipt = exercise.read_round.delay("short", [first, broken, last])
        except ValueError as refused:
            expect(
                f"ValueError: {refused}",
                "a receipt",
                what="what read_round.delay(…) gave",
                idea=(
                    "Celery won't send a task whose soft limit lies above its hard one: the soft limit comes first, "
                    "and the hard one is the safety net behind it."
                ),
            )
        figures = receipt.get(timeout=6, interval=0.02)
        receipts = [exercise.read_round.delay(f"short-{number}", meters) for number, meters in enumerate(others)]
        later = [receipt.get(timeout=6, interval=0.02) for receipt in receipts]
    expect(
        figures,
        {first: figure(first), broken: None, last: figure(last)},
        what="what a round without slow meters returned",
        idea="A round that has the time reads every meter; only a broken one has None. It returns all figures.",
    )
    expect(
        later,
        [{meter: figure(meter), broken: None} for meter, broken in others],
        what=f"what {len(others)} more rounds returned, each of two meters of its own",
        idea=(
            "A worker's process runs one round after another, and a variable of the module lives as long as the "
            "process. Make the dictionary inside of read_round(), so that each round begins with an empty one."
        ),
    )
    expect(
        len(seen.names()),
        1 + len(others),
        what=f"how many tasks ran, for {1 + len(others)} rounds",
        idea="One round is one task; it reads its meters itself.",
    )


@pytest.mark.judges(2)
def check_a_long_round_is_stopped(exercise, run, expect, values, workers):
    """Which of the two limits raises something inside the task, and who catches it there?

    Look at the table of the two limits in lesson 01, and then at every except in your task: which exceptions does it
    catch, and does it raise them again? "Why it is like that" begins with these two.

    The limit: @app.task(soft_time_limit=0.5). Around read_meter(): except ValueError, and nothing wider. Where the soft
    limit is caught, the last line is a bare raise: except SoftTimeLimitExceeded: …; raise
    """
    meters = named(values, "meter", "broken", "meter", "slow", "meter")
    with run():
        receipt = exercise.read_round.delay("long", meters)
        outcome = outcome_of(receipt)
    expect(
        f"{receipt.state} {outcome!r}",
        "FAILURE SoftTimeLimitExceeded()",
        what="how a round with a slow meter ended",
        idea=why_not_stopped(outcome, meters[3]),
    )
    expect(
        struck(workers, receipt.id),
        [0.5],
        what='the soft limits that the worker enforced, in seconds, as in its log: "Soft time limit (…s) exceeded"',
        idea=(
            "Celery is to stop the round after 0.5 s, and its worker to say so. A soft limit may be a fraction; set it "
            "at the task, or for all tasks."
        ),
    )


@pytest.mark.judges(3)
def check_what_was_read_is_saved(exercise, run, expect, values):
    """When the soft limit strikes, in which line is your task, and which lines will it still come to?

    Look at where save() stands. It must be reached while the round is being stopped, with what was read until then:
    lesson 01's export() removes its draft at such a place.

    except SoftTimeLimitExceeded:
        save(night, figures)
        raise
    """
    meters = named(values, "meter", "broken", "meter", "slow", "meter")
    before = named(values, "meter")[0]
    exercise.save("saved", {before: figure(before)})  # the same night's first try
    with run():
        outcome_of(exercise.read_round.delay("saved", meters))
    saved = exercise.saved("saved")
    wanted = {meters[0]: figure(meters[0]), meters[1]: None, meters[2]: figure(meters[2])}
    expect(
        saved,
        wanted,
        what=f"what is saved since {meters[3]} was interrupted",
        idea=why_not_saved(saved, meters, before),
    )


@pytest.mark.judges(4)
def check_a_stuck_round_is_ended(exercise, run, expect, values):
    """What if the code that hangs takes no notice of the soft limit?

    Look at the table of the two limits in lesson 01: one of them doesn't ask the task.

    @app.task(soft_time_limit=0.5, time_limit=2.5)
    """
    with run():
        receipt = exercise.read_round.delay("stuck", named(values, "meter", "stuck"))
        outcome = outcome_of(receipt)
    expect(
        f"{receipt.state} {outcome!r}",
        "FAILURE TimeLimitExceeded(2.5)",
        what="how a round with a stuck meter ended",
        idea=(
            "The hard limit ended it, but not after 2.5 s, as is asked for."
            if type(outcome).__name__ == "TimeLimitExceeded"
            else "A soft limit only raises an exception, and what swallows it runs on: here a meter, which can hold "
            "its worker process for 4 s. A hard limit ends the process, whatever runs in it. It is the safety net, "
            "here at 2.5 s."
        ),
    )


def struck(workers, task_id):
    """The soft limits, in seconds, that the workers' logs say this task exceeded."""
    logs = "".join(log.read_text(errors="replace") for log in workers.values())
    found = re.findall(rf"Soft time limit \(([\d.]+)s\) exceeded for \S+\[{task_id}\]", logs)
    return [float(seconds) for seconds in found]


def named(values, *kinds):
    """Meters of these kinds with numbers that differ."""
    return [f"{kind}-{number}" for kind, number in zip(kinds, values.sample(range(100, 1000), len(kinds)), strict=True)]


def figure(meter):
    """What read_meter() says of a meter that isn't broken."""
    return int(meter.partition("-")[2])


def outcome_of(receipt):
    """What a round returned, or how it failed."""
    outcome = receipt.get(timeout=6, interval=0.02, propagate=False)
    if isinstance(outcome, NotImplementedError):
        raise outcome
    return outcome


def why_not_saved(saved, meters, before):
    """The idea behind what was saved in place of the figures that were read."""
    slow, last = meters[3:]
    if saved.keys() == {before}:
        return (
            "Nothing was saved for this night; what is there is from its first try. The soft limit comes in the middle "
            "of read_meter(), and no line after it runs. What must happen then belongs where SoftTimeLimitExceeded is "
            "caught (TimeLimitExceeded is never raised inside a task)."
        )
    if before in saved:
        return "What was saved for this night before is replaced, and not added to: each round has its own figures."
    if saved.keys() - set(meters):
        return (
            "Figures of another round are among them: a variable of the module lives as long as the worker's process. "
            "Make the dictionary inside of read_round()."
        )
    if saved.get(slow) is not None:
        return (
            "The slow meter wasn't interrupted. Looking at the clock between two meters can't stop a slow one; "
            "Celery's soft limit strikes in the middle of it."
        )
    if slow in saved:
        return "None says that a meter is broken. The slow one isn't, it was interrupted, so it has no figure."
    if last in saved:
        return "A stopped round reads no further meters: once the limit has struck, save, and raise it again."
    return "Save all that was read before the limit struck, and what the broken meter said as well."


def why_not_stopped(outcome, slow):
    """The idea behind a round that wasn't ended by its soft limit."""
    if type(outcome).__name__ == "TimeLimitExceeded":
        return (
            "That was a hard limit: it ends the process, and no line of the task is sure to run after it, finally "
            "included. What stops a task so that it can save its work is the soft limit."
        )
    if isinstance(outcome, BaseException):
        return (
            "An exception of another kind came out of the round, which doesn't tell that a limit was met. Where the "
            "soft limit is caught, raise again what was caught: raise, and nothing after it."
        )
    if not isinstance(outcome, dict) or slow not in outcome:
        return (
            "The round was stopped, and says SUCCESS: a task that catches the soft limit and returns has succeeded, "
            "whatever it left undone. Catch it, save, and raise it again."
        )
    if outcome[slow] is None:
        return (
            "The slow meter isn't broken: it was the soft limit that was caught around read_meter(). "
            "SoftTimeLimitExceeded is an Exception like others, and except Exception swallows it."
        )
    return (
        "Nothing stopped the round: it waited for the slow meter, 2 s. Either it has no soft limit, or the worker's "
        "pool takes no notice: a soft limit holds only where tasks run in their own processes (prefork, the default)."
    )
