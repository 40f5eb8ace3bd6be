"""Exercise 07 · One statement, one file.

A bank writes statements, each into a file of its own in the folder OUTPUT, and posts them. The ledger may be closed, or
the post office: then the whole task is run again. A printer watches the folder, and prints again what is written again.

read_account and post are finished. What is missing is write_statement:

1. Its file is called output_<the first 8 characters of the task's own id>.txt, and holds what read_account returns. A
   caller may choose the id, and then it needn't look like those that Celery makes.
2. It posts that file, and returns what post returns.
3. When read_account or post raises a ConnectionError, Celery runs the task again after 0.1 seconds, four times at most.
   If the last run fails too, the task fails with that ConnectionError.
4. Any other exception, a PermissionError for example, is a mistake, which no further run would repair: the task fails
   with it on the run that it is in.
5. The file is written once, however often the task is run: a run that finds it there leaves it as it is, and posts it,
   whether the ledger is open or not. Even a first run may find it, because the message of a worker that was killed can
   come to another one, under the same id.
6. The file never holds half a statement, even if the process is killed while it writes: it gets its name when all of it
   is there. See write_whole in lesson 07's reports.py.
7. The name that it has until then is no other call's, for two calls may write at the same time; and what a killed
   process has left under such a name keeps no later run from writing.

For example: the ledger is closed for one run, the post office for three. Then the second run writes the file, the third
finds it, and so does the fourth, which has it posted.
"""

from pathlib import Path

from celery import Celery

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


@app.task  # TODO: options, as you need them
def write_statement(customer: str, ledger_closed_for: int, post_closed_for: int) -> str:  # TODO: callers give these
    raise NotImplementedError("write_statement() is yours to write")
