"""What a mended incident 2 does. Each docstring holds three hints, a paragraph each."""

import pytest
from celery.exceptions import TimeoutError

NOTHING = "nothing, in 6 s"
came = {}  # the first day's report: a report that doesn't come takes its time, so one day serves both checks


def expect_report(exercise, expect, values):
    """The report of one day comes."""
    if not came:
        amounts = [values.randint(10, 99) for _ in range(3)]
        receipt = exercise.close_the_day(list(amounts))
        try:
            total = receipt.get(timeout=6, interval=0.05)
        except TimeoutError:
            total = NOTHING
        except TypeError as error:  # raised by the report
            total = f"TypeError: {error}"
        came.update(amounts=amounts, total=total)
    if came["total"] == NOTHING:
        idea = (
            "A chord calls its callback when it has the result of each part, and asks for them again and again until "
            "then. Look at what the parts leave behind."
        )
    elif isinstance(came["total"], str):
        idea = (
            "The report got something that is no number. Does count return the amount? None is what a function returns "
            "that has no `return`."
        )
    else:
        idea = "The report is the sum of what the tasks of this day have counted, each of its orders once."
    expect(came["total"], sum(came["amounts"]), what=f"the report of a day with {came['amounts']}", idea=idea)


@pytest.mark.judges(1)
def check_the_report_comes(exercise, workers, expect, values):
    """What tells a chord that its header is done?

    With results in a database, a task looks whether the result of each part is there. See chord_ignored in canvas.py.

    @app.task(ignore_result=False), for what is in the header too
    """
    expect_report(exercise, expect, values)


@pytest.mark.judges(2, 3)
def check_each_order_is_counted_by_a_worker(exercise, run, expect, values):
    """Which process counts, which one makes the report, and which one waits?

    The blank's chord has all three: only what its parts leave behind is missing. Compare your close_the_day with it.

    return chord(count.s(amount) for amount in amounts)(report.s()), without get()
    """
    expect_report(exercise, expect, values)
    one, two, three, four = values.sample(range(10, 100), k=4)
    days = [one, two, two], [three, four, three, four, one]
    with run() as seen:
        receipts = [exercise.close_the_day(list(day)) for day in days]
        steps = list(seen.steps)
        totals = [receipt.get(timeout=6, interval=0.05) for receipt in receipts]
    expect(
        list(dict.fromkeys(seen.here)),
        [],
        what="the tasks that ran in the process that called close_the_day",
        idea="Counting and reporting are for workers: run(), apply() and an ordinary call run a task here.",
    )
    expect(
        steps.count("waits for a result"),
        0,
        what="how often close_the_day waited for a result, on two days",
        idea="A chord needs no caller that waits: its callback is sent when all parts have ended. Return its receipt.",
    )
    expect(
        sorted(seen.returned("count")),
        sorted(amount for day in days for amount in day),
        what=f"what the workers counted on two days, of the orders {days[0]} and {days[1]}",
        idea="Each order is counted by a task of its own, once, even if another one has the same amount.",
    )
    expect(
        seen.sent_here("report"),
        0,
        what="how many messages of report the process sent that called close_the_day",
        idea=(
            "Nothing is counted yet when close_the_day returns. The report is the callback of a chord: a worker sends "
            "it when the last order was counted."
        ),
    )
    expect(
        [totals, sorted(seen.returned("report"))],
        [[sum(day) for day in days], sorted(sum(day) for day in days)],
        what="the reports of two days: what their receipts say, and what the task report returned",
        idea="One report for each day, of the orders of that day; and the receipt that is handed out is the report's.",
    )
