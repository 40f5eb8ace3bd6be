"""autoretry_for retries, and a hard link gives the finished file its name in one step, or finds the name taken."""

from contextlib import suppress
from tempfile import NamedTemporaryFile


@app.task(
    bind=True, autoretry_for=(ConnectionError,), retry_kwargs={"max_retries": 4, "countdown": 0.1}, name="statement"
)
def write_statement(self: Task, customer: str, ledger_closed_for: int, post_closed_for: int) -> str:
    file = OUTPUT / f"output_{self.request.id[:8]}.txt"
    if not file.is_file():
        with NamedTemporaryFile("w", dir=OUTPUT) as unfinished:
            unfinished.write(read_account(customer, self.request.retries, ledger_closed_for))
            unfinished.flush()
            with suppress(FileExistsError):
                file.hardlink_to(unfinished.name)
    return post(file, self.request.retries, post_closed_for)
