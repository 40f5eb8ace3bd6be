"""A task class knows the file's name, and renaming the finished file keeps it whole."""


class StatementTask(Task):
    @property
    def file(self) -> Path:
        return OUTPUT / f"output_{self.request.id[:8]}.txt"


@app.task(base=StatementTask, bind=True, max_retries=4, default_retry_delay=0.1)
def write_statement(self: StatementTask, customer: str, ledger_closed_for: int, post_closed_for: int) -> str:
    run = self.request.retries
    try:
        if self.file not in OUTPUT.iterdir():
            unfinished = OUTPUT / f"{self.request.id}.unfinished"
            unfinished.write_text(read_account(customer, run, ledger_closed_for))
            unfinished.replace(self.file)
        return post(self.file, run, post_closed_for)
    except ConnectionError as error:
        self.retry(exc=error)
        raise
