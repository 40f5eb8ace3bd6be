"""check_each_receipt_comes_at_once: The receipt isn't that of the message which was sent; its id leads nowhere."""

from celery import uuid


def tidy_shelf(shelf: int) -> AsyncResult:
    """Have a shelf tidied up."""
    app.send_task("shelf.tidy", args=[shelf])
    receipt = AsyncResult(uuid(), app=app)
    receipt.ignored = True
    return receipt
