"""check_it_is_run_again: It sends a new call instead of a retry, and a new call has a new id."""


@app.task(bind=True)
def write_statement(
    self: Task, customer: str, ledger_closed_for: int, post_closed_for: int, retries: int = 0
) -> str | None:
    try:
        file = OUTPUT / f"output_{self.request.id[:8]}.txt"  # the same on each run, and another one for each call
        if not file.exists():
            unfinished = file.with_suffix(".unfinished")
            unfinished.write_text(read_account(customer, retries, ledger_closed_for))
            unfinished.replace(file)  # all of it or nothing, even if this process is killed before this line
        return post(file, retries, post_closed_for)
    except ConnectionError:
        write_statement.apply_async((customer, ledger_closed_for, post_closed_for, retries + 1), countdown=0.1)
        return None
