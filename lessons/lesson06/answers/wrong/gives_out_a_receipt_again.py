"""check_each_receipt_comes_at_once: The receipt is cached, so a second call for the same shelf sends nothing."""

from functools import cache


@cache
def tidy_shelf(shelf: int) -> AsyncResult:
    """Have a shelf tidied up."""
    return app.send_task("shelf.tidy", args=[shelf], ignore_result=True)
