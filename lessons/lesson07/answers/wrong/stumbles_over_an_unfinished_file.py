"""check_unfinished_files_do_not_get_in_the_way: It refuses a file that a killed process has left."""

from celery import Task


@app.task(bind=True, max_retries=4)
def write_statement(self: Task, customer: str, ledger_closed_for: int, post_closed_for: int) -> str:
    retries = self.request.retries
    try:
        file = OUTPUT / f"output_{self.request.id[:8]}.txt"  # the same on each run, and another one for each call
        if not file.exists():
            unfinished = file.with_suffix(".unfinished")
            text = read_account(customer, retries, ledger_closed_for)
            with unfinished.open("x") as opened:
                opened.write(text)
            unfinished.replace(file)  # all of it or nothing, even if this process is killed before this line
        return post(file, retries, post_closed_for)
    except ConnectionError as error:
        raise self.retry(exc=error, countdown=0.1)
