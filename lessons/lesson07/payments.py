"""Lesson 07 · Bound tasks: the id as an idempotency key, so that running one message again doesn't charge again."""

from celery import Task

from lesson07.reports import FOLDER
from lesson07.tasks import app


@app.task(bind=True, max_retries=3, name="payment.charge")
def charge(self: Task, customer: str, euros: int, fail: int = 0) -> str:
    try:
        # "x" makes the file or fails, in one step, as a unique column of a database does.
        with (FOLDER / f"charge:{self.request.id}").open("x") as entry:
            entry.write(f"{customer} pays {euros} euros")
        outcome = "charged"
    except FileExistsError:
        outcome = "was charged already"
    if self.request.retries < fail:  # something fails when the money has moved
        raise self.retry(exc=ConnectionError("no mail server for the receipt"), countdown=0.2)
    return outcome
