"""check_the_file_gets_its_name_when_it_is_whole: It writes into the file itself, so a killed process can leave an
empty file, which the next run then posts.
"""


@app.task(bind=True, max_retries=4)
def write_statement(self: Task, customer: str, ledger_closed_for: int, post_closed_for: int) -> str:
    retries = self.request.retries
    try:
        file = OUTPUT / f"output_{self.request.id[:8]}.txt"  # the same on each run, and another one for each call
        if not file.exists():
            file.write_text(read_account(customer, retries, ledger_closed_for))
        return post(file, retries, post_closed_for)
    except ConnectionError as error:
        raise self.retry(exc=error, countdown=0.1)
