"""check_the_file_is_written_once: Each run writes the file again, so the printer prints it again."""


@app.task(bind=True, max_retries=4)
def write_statement(self: Task, customer: str, ledger_closed_for: int, post_closed_for: int) -> str:
    retries = self.request.retries
    try:
        file = OUTPUT / f"output_{self.request.id[:8]}.txt"  # the same on each run, and another one for each call
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_text(read_account(customer, retries, ledger_closed_for))
        unfinished.replace(file)
        return post(file, retries, post_closed_for)
    except ConnectionError as error:
        raise self.retry(exc=error, countdown=0.1)
