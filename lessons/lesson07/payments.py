"""Lesson 07 · Bound tasks: the id as an idempotency key, so that running one message again doesn't charge again."""

from celery import Task
from celery.utils.log import get_task_logger

from lesson07.reports import FOLDER
from lesson07.tasks import app

log = get_task_logger(__name__)


@app.task(bind=True, max_retries=3, name="payment.charge")
def charge(self: Task, customer: str, euros: int, fail: int = 0) -> str:
    try:
        # Makes the file or fails, in one step, as a unique column of a database does. It stays empty: a process that is
        # killed between making and filling it would leave an entry that says nothing.
        (FOLDER / f"charge:{self.request.id}").touch(exist_ok=False)
        log.info("%s pays %d euros", customer, euros)  # stands for moving the money
        outcome = "charged"
    except FileExistsError:
        outcome = "was charged already"
    if self.request.retries < fail:  # something fails when the money has moved
        raise self.retry(exc=ConnectionError("no mail server for the receipt"), countdown=0.2)
    return outcome
