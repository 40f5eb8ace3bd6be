"""check_it_is_run_again: It repeats the work in a loop of its own, so Celery sees one run and no retry."""

from time import sleep


@app.task(bind=True)
def write_statement(self: Task, customer: str, ledger_closed_for: int, post_closed_for: int) -> str:
    file = OUTPUT / f"output_{self.request.id[:8]}.txt"
    for retries in range(5):
        try:
            if not file.exists():
                unfinished = file.with_suffix(".unfinished")
                unfinished.write_text(read_account(customer, retries, ledger_closed_for))
                unfinished.replace(file)
            return post(file, retries, post_closed_for)
        except ConnectionError:
            sleep(0.1)
    raise ConnectionError("closed")
