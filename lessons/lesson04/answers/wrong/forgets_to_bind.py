"""check_the_task_is_run_again: Without bind=True Celery doesn't pass `self`, so every call lacks an argument."""


@app.task(max_retries=3)
def fetch(self: Task, product: str, down_for: int) -> str:
    try:
        return ask_server(product, self.request.retries, down_for)
    except ConnectionError as error:  # only this one: a ValueError goes its way
        # Not retry_backoff: its waits are whole seconds, 1 at least.
        raise self.retry(exc=error, countdown=0.2 * 2**self.request.retries)
