"""check_nobody_waits_for_what_is_not_kept: Without ignore_result=True the AsyncResult expects a result that is never
stored, so get() waits for it.
"""


def tidy_shelf(shelf: int) -> AsyncResult:
    """Have a shelf tidied up."""
    return app.send_task("shelf.tidy", args=[shelf])
