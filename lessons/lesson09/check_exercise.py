"""What a finished exercise does. Each docstring holds three hints, a paragraph each."""


def some_ids(values, many):
    """So many ids: they begin somewhere, lie close together at first, and are scattered later on."""
    ids, next_id = [], values.randint(2 * many, 3 * many)
    while len(ids) < many:
        ids.append(next_id)
        next_id += values.randint(1, 2) if len(ids) < many / 2 else values.randint(1, 20)
    return ids


def handle_all(exercise, run, expect, ids, seconds):
    """Have the answer handle rows with these ids, and wait; returns what was seen, and the rows by how often."""
    exercise.rows.fill(ids, seconds)
    try:
        with run() as seen:
            receipts = exercise.handle_all()
            expect(
                hasattr(receipts, "__iter__"),
                True,
                what="whether handle_all() returns receipts, one for each task",
                idea=(
                    "delay() hands back a receipt. Whoever calls handle_all() needs all of them, to see when the work "
                    "is done: a list, or what a group returns."
                ),
            )
            for receipt in receipts:
                receipt.get(timeout=8, interval=0.02)
        return seen, exercise.rows.times()
    finally:
        exercise.rows.drop()


def check_every_row_is_handled_once(exercise, run, expect, values):
    """How do you find out where the next part begins, if you can't know which ids there are?

    Compare the two ways in which lesson 09 splits 1000 orders, and look at what rows offers. handle() includes both its
    bounds, so what is the first id that may come next?

    while ids := rows.ids_after(last, size): last = ids[-1], and a task from ids[0] to last.
    """
    many = values.randint(40, 50)
    _, times = handle_all(exercise, run, expect, some_ids(values, many), seconds=0.0125)
    expect(
        times,
        {1: many},
        what=f"how many rows were handled how often: {{times: rows}}, of {many} rows",
        idea=(
            "A number of rows isn't a range of ids: ids begin anywhere, have gaps, and go further than the number of "
            "rows. Ask for the next ids after the last one that has a task."
            if 0 in times
            else "Some row belongs to two tasks. Both bounds of handle() are included, so the next task begins after "
            "the last id of this one."
        ),
    )


def check_a_task_has_about_a_fifth_of_a_second(exercise, run, expect, values):
    """How many rows are 0.2 seconds, if you know what one of them costs?

    rows has a function that tells what a row costs today. And mind that the size of a part is a number of rows, not the
    distance between two ids.

    size = round(0.2 / rows.seconds_per_row())
    """
    seconds = values.choice([0.01, 0.0125, 0.016, 0.02])
    many = values.randint(60, 70)
    seen, _ = handle_all(exercise, run, expect, some_ids(values, many), seconds)
    lengths = [round(found * seconds, 3) for found in seen.returned("handle")]
    long = [length for length in lengths if length > 0.3]
    short = sorted(length for length in lengths if length < 0.1)
    expect(
        long,
        [],
        what=f"tasks with more than 0.3 seconds of work ({many} rows of {seconds} s each)",
        idea=(
            "What takes long can't be shared by the processes, and all of it is lost or repeated if something goes "
            "wrong. Take as many rows as fit into 0.2 seconds by what a row costs today."
        ),
    )
    expect(
        len(short) > 2,
        False,
        what=f"whether several of {len(lengths)} tasks have less than 0.1 seconds of work: {str(short[:5])[1:-1]} s …",
        idea=(
            "A message and a result cost some milliseconds, whatever is done for them. Take as many rows as fit into "
            "0.2 seconds; and count rows, because a range of so many ids may hold hardly any."
        ),
    )
    expect(
        len(lengths) > 1,
        True,
        what="whether handle was sent more than once",
        idea="Each part is a message for the task handle, with the first and the last id of the part.",
    )


def check_nothing_is_waited_for(exercise, run, expect, values):
    """What do the two processes do while handle_all() waits for a result?

    See how the driver of lesson 09 splits by number: where are the tasks sent, and where is get() called?

    Collect the receipts of delay() in a list, and return it; get() is for whoever has called handle_all().
    """
    seen, times = handle_all(exercise, run, expect, some_ids(values, 10_000), seconds=0.0002)
    expect(
        times, {1: 10_000}, what="how many rows were handled how often, of 10,000", idea="The same as with few rows."
    )
    expect(
        seen.sent_before_waiting("handle") > 3,
        True,
        what="whether several tasks were sent before you first waited for a result",
        idea=(
            "The tasks were sent one after another, each when the one before was done, so one of the two processes had"
            " nothing to do. Send all of them, and leave the waiting to whoever needs the result."
        ),
    )
