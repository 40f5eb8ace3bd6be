"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest
from celery.result import AsyncResult


def some_ids(values, many, first=None):
    """So many ids: they begin somewhere, lie close together at first, and are scattered later on."""
    ids, next_id = [], first or values.randint(2 * many, 3 * many)
    while len(ids) < many:
        ids.append(next_id)
        next_id += values.randint(1, 2) if len(ids) < many / 2 else values.randint(1, 20)
    return ids


@dataclass
class Day:
    """What became visible of one call of handle_all()."""

    seen: object  # what run() yields
    receipts: object
    lazy: bool  # what it returned was a generator or the like
    steps: list[str]  # what it had sent, and where it had waited, when it returned
    waits: int  # how often it had waited
    times: dict[int, int]  # how many rows were handled how often, when all tasks had ended


def a_day(exercise, run, ids, seconds):
    """Have the answer handle rows with these ids, each of which costs this many seconds."""
    exercise.rows.fill(ids, seconds)
    try:
        with run() as seen:
            receipts = exercise.handle_all()
            steps, waits = list(seen.steps), seen.waits()
            if lazy := isinstance(receipts, Iterator):
                receipts = list(receipts)  # a generator sends nothing before that
        return Day(seen, receipts, lazy, steps, waits, exercise.rows.times())
    finally:
        exercise.rows.drop()


@pytest.mark.judges(1)
def check_every_row_is_handled_once(exercise, run, expect, values):
    """How do you find out where the next part begins, if you can't know which ids there are?

    Compare the two ways in which lesson 09 splits 1000 orders, and look at what rows offers. handle() includes both its
    bounds, so what is the first id that may come next?

    while ids := rows.ids_after(last, size): last = ids[-1], and a task from ids[0] to last.
    """
    many = values.randint(40, 50)
    times = a_day(exercise, run, some_ids(values, many), seconds=0.0125).times
    expect(
        times,
        {1: many},
        what=f"how many rows were handled how often: {{times: rows}}, of {many} rows",
        idea=(
            "A number of rows isn't a range of ids: ids begin anywhere, have gaps, and go further than the number of "
            "rows. Ask for the next ids after the last one that has a task, until there are none: the last rows, fewer "
            "than a part, need a task too."
            if 0 in times
            else "Some row belongs to two tasks. Both bounds of handle() are included, so the next task begins after "
            "the last id of this one."
        ),
    )


@pytest.mark.judges(2)
def check_a_task_has_about_a_fifth_of_a_second(exercise, run, expect, values):
    """How many rows are 0.2 seconds, if you know what one of them costs?

    rows has a function that tells what a row costs today. And mind that the size of a part is a number of rows, not the
    distance between two ids.

    size = round(0.2 / rows.seconds_per_row())
    """
    # Days in the same process, none of which has a size that would do for another; one is a fraction of a millisecond.
    days = [0.0004, values.choice([0.01, 0.0125]), values.choice([0.025, 0.03])]
    for seconds in values.sample(days, k=3):
        many = round(values.uniform(0.65, 0.75) / seconds)
        seen = a_day(exercise, run, some_ids(values, many), seconds).seen
        lengths = sorted(round(found * seconds, 3) for found in seen.returned("handle"))
        rows = f"{many} rows of {seconds} s each"
        expect(
            len(lengths) > 1,
            True,
            what="whether handle was sent more than once",
            idea="Each part is a message for the task handle, with the first and the last id of the part.",
        )
        expect(
            [length for length in lengths if length > 0.3],
            [],
            what=f"seconds of work of the tasks that have more than 0.3 of them ({rows})",
            idea=(
                "What takes long can't be shared by the processes, and all of it is lost or repeated if something goes "
                "wrong. Take as many rows as fit into 0.2 seconds by what a row costs today, and ask for that in each "
                "call of handle_all()."
            ),
        )
        expect(
            [length for length in lengths[1:] if length < 0.12],
            [],
            what=f"seconds of work of the tasks that have less than 0.12 of them, one task left out ({rows})",
            idea=(
                "A message and a result cost some milliseconds, whatever is done for them. Take as many rows as fit "
                "into 0.2 seconds by what a row costs today; and count rows, because a range of so many ids may hold "
                "hardly any."
            ),
        )


@pytest.mark.judges(3, 4)
def check_nothing_is_waited_for(exercise, run, expect, values):
    """What do the two processes do while handle_all() waits for a result?

    See how the driver of lesson 09 splits by number: where are the tasks sent, and where is get() called?

    Collect the receipts of delay() in a list, and return it; only the caller of handle_all() calls get().
    """
    # The second call must not know what the first was told.
    many_rows = values.randint(10_100, 10_900)
    for many, first in (many_rows, None), (values.randint(2200, 2800), 1):
        day = a_day(exercise, run, some_ids(values, many, first), seconds=0.0002)
        expect(
            day.times,
            {1: many},
            what=f"how many rows were handled how often: {{times: rows}}, of {many}; the first table has {many_rows}",
            idea="Each of them is handled once, however many there are. Ask for the ids again in each call.",
        )
        expect(
            day.waits,
            0,
            what="how often handle_all() itself waited for a result",
            idea=(
                "While it waits, no more tasks are sent, or its caller stands still. Send all of them and return: "
                "the caller has the receipts, and waits when it wants to."
            ),
        )
        sent = [event["uuid"] for event in day.seen.events if event["type"] == "task-sent"]
        expect(
            len(day.steps),
            len(sent),
            what=f"how many of the {len(sent)} tasks had been sent when handle_all() returned",
            idea=(
                "A generator does nothing until its caller asks for the next receipt. Return a list."
                if day.lazy
                else "The rest is sent later, by the workers: in a chain, each task waits for the one before, and only "
                "one process works. Send each of them yourself, with delay(), or all in one group."
            ),
        )
        receipts = day.receipts
        expect(
            type(receipts).__name__ if not isinstance(receipts, Iterable) else "receipts",
            "receipts",
            what="what handle_all() returned",
            idea="It returns the receipts of all tasks, as a list: what delay() returned, one for each task.",
        )
        expect(
            [type(receipt).__name__ for receipt in receipts if not isinstance(receipt, AsyncResult)],
            [],
            what="what handle_all() returned among its receipts that isn't an AsyncResult",
            idea="What delay() returns is a receipt. A signature is only a description of a call.",
        )
        expect(
            (
                len({receipt.id for receipt in receipts} & set(sent)),
                len({receipt.id for receipt in receipts} - set(sent)),
            ),
            (len(sent), 0),
            what=f"how many of the {len(sent)} tasks have a receipt, and how many other receipts there are",
            idea=(
                "The caller asks the receipts whether all is done. One for each task of this call, and none of an "
                "earlier one: begin each call with a list of its own."
            ),
        )
