"""check_a_task_has_about_a_fifth_of_a_second: It cuts the range of ids into equal parts, but the ids have gaps, so
the parts hold different numbers of rows.
"""


def handle_all() -> list[AsyncResult]:
    """Have every row handled once, in tasks of about 0.2 seconds; returns the receipts."""
    size = round(0.2 / rows.seconds_per_row())
    ids = rows.ids_after(0, rows.count())
    return [handle.delay(start, start + size - 1) for start in range(ids[0], ids[-1] + 1, size)]
