"""check_it_is_run_again: sends a new call where a retry was meant, and a new call has a new id."""

from pathlib import Path

from celery import Celery, Task

from global_config import LESSONS_HOME, REDIS_BROKER_URL, REDIS_URL

app = Celery("exercise", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise07",
    control_exchange="exercise07",
    worker_timer_precision=0.05,
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


@app.task(bind=True)
def write_statement(
    self: Task, customer: str, ledger_closed_for: int, post_closed_for: int, retries: int = 0
) -> str | None:
    try:
        file = OUTPUT / f"output_{self.request.id[:8]}.txt"
        if not file.exists():
            unfinished = file.with_suffix(".unfinished")
            unfinished.write_text(read_account(customer, retries, ledger_closed_for))
            unfinished.replace(file)
        return post(file, retries, post_closed_for)
    except ConnectionError:
        write_statement.apply_async((customer, ledger_closed_for, post_closed_for, retries + 1), countdown=0.1)
        return None
