"""check_the_task_is_run_again: It sends a new task instead of a retry, and the caller waits for the old one."""


@app.task(bind=True)
def fetch(self: Task, product: str, down_for: int, attempt: int = 0) -> str | None:
    try:
        return ask_server(product, attempt, down_for)
    except ConnectionError:
        if attempt == 3:
            raise
        self.apply_async((product, down_for, attempt + 1), countdown=0.2 * 2**attempt)
        return None
