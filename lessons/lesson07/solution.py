"""Exercise 07 · One statement, one file.

A task's id stays the same when it is retried or redelivered, so a name made from the id leads every run to the same
file. The text is written under another name first and then renamed, so the file is either complete or not there.
"""

from pathlib import Path

from celery import Celery, Task

from global_config import LESSONS_HOME, REDIS_BROKER_URL, REDIS_URL

app = Celery("exercise", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise07",
    control_exchange="exercise07",
    worker_timer_precision=0.05,  # the worker looks at its clock every 0.05 seconds: short waits come out short
)

OUTPUT = Path(LESSONS_HOME, "exercise07")
OUTPUT.mkdir(parents=True, exist_ok=True)


def read_account(customer: str, retries: int, closed_for: int) -> str:
    # The ledger, given; `retries` is how often this call has been retried. Nothing needs to be changed here.
    if retries < closed_for:
        raise ConnectionError(f"the ledger is closed on run {retries + 1}")
    return f"account of {customer}, read on run {retries + 1}\n"


def post(file: Path, retries: int, closed_for: int) -> str:
    # The post office, given, too.
    file.read_text()  # there must be something to post
    if retries < closed_for:
        raise ConnectionError(f"the post office is closed on run {retries + 1}")
    return f"posted {file.name} on run {retries + 1}"


@app.task(bind=True, max_retries=4)
def write_statement(self: Task, customer: str, ledger_closed_for: int, post_closed_for: int) -> str:
    retries = self.request.retries
    try:
        file = OUTPUT / f"output_{self.request.id[:8]}.txt"  # the same on each run, and another one for each call
        if not file.exists():
            unfinished = file.with_suffix(".unfinished")
            unfinished.write_text(read_account(customer, retries, ledger_closed_for))
            unfinished.replace(file)  # all of it or nothing, even if this process is killed before this line
        return post(file, retries, post_closed_for)
    except ConnectionError as error:
        raise self.retry(exc=error, countdown=0.1)
