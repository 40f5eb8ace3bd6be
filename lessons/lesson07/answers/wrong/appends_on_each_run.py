"""check_the_file_is_written_once: Each run appends to the file, so a retried task writes the statement twice."""


@app.task(bind=True, max_retries=4)
def write_statement(self: Task, customer: str, ledger_closed_for: int, post_closed_for: int) -> str:
    retries = self.request.retries
    try:
        file = OUTPUT / f"output_{self.request.id[:8]}.txt"  # the same on each run, and another one for each call
        with file.open("a") as statement:
            statement.write(read_account(customer, retries, ledger_closed_for))
        return post(file, retries, post_closed_for)
    except ConnectionError as error:
        raise self.retry(exc=error, countdown=0.1)
