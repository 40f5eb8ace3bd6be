"""check_the_file_is_written_once: A run that finds the file writes its text into it again, and the printer prints it
again.
"""


@app.task(bind=True, max_retries=4)
def write_statement(self: Task, customer: str, ledger_closed_for: int, post_closed_for: int) -> str:
    retries = self.request.retries
    try:
        file = OUTPUT / f"output_{self.request.id[:8]}.txt"  # the same on each run, and another one for each call
        text = file.read_text() if file.exists() else read_account(customer, retries, ledger_closed_for)
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_text(text)
        unfinished.replace(file)  # all of it or nothing, even if this process is killed before this line
        return post(file, retries, post_closed_for)
    except ConnectionError as error:
        raise self.retry(exc=error, countdown=0.1)
