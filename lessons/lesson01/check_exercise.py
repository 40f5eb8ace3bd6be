"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""


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
    expect(
        figures,
        {first: figure(first), broken: None, last: figure(last)},
        what="what a round without slow meters returned",
        idea="A round that has the time reads every meter; only a broken one has None. It returns all figures.",
    )
    expect(len(seen.names()), 1, what="how many tasks ran", idea="One round is one task; it reads its meters itself.")


def check_a_long_round_is_stopped(exercise, run, expect, values):
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


def check_what_was_read_is_saved(exercise, run, expect, values):
    """When the soft limit strikes, in which line is your task, and which lines will it still come to?

    Look at where save() stands. It must be reached while the round is being stopped, with what was read until then:
    lesson 01's export() removes its draft at such a place.

    except SoftTimeLimitExceeded:
        save(night, figures)
        raise
    """
    meters = named(values, "meter", "broken", "meter", "slow", "meter")
    with run():
        outcome_of(exercise.read_round.delay("saved", meters))
    saved = exercise.saved("saved")
    idea = (
        "The exception comes in the middle of read_meter(), and no line after it runs. What must happen then belongs "
        "where SoftTimeLimitExceeded is caught (TimeLimitExceeded is never raised inside a task)."
    )
    if saved:
        idea = "Save what was read before the limit struck, that and no more, and what the broken meter said as well."
    if meters[3] in saved:
        idea = (
            "The slow meter wasn't interrupted, or was counted as read. Looking at the clock between two meters can't "
            "stop a slow one; Celery's soft limit strikes in the middle of it."
        )
    wanted = {meters[0]: figure(meters[0]), meters[1]: None, meters[2]: figure(meters[2])}
    expect(saved, wanted, what=f"what was saved when {meters[3]} was interrupted", idea=idea)


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
            "A soft limit only raises an exception, and what swallows it runs on: here a meter, which can hold its "
            "worker process for 4 s. A hard limit ends the process, whatever runs in it. It is the safety net, here at"
            " 2.5 s."
        ),
    )


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
