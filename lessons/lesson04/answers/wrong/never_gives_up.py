"""check_it_gives_up_after_three_retries: max_retries=None is no limit, so it retries until the server is back."""


@app.task(bind=True, max_retries=None)
def fetch(self: Task, product: str, down_for: int) -> str:
    try:
        return ask_server(product, self.request.retries, down_for)
    except ConnectionError as error:  # only this one: a ValueError goes its way
        # Not retry_backoff: its waits are whole seconds, 1 at least.
        raise self.retry(exc=error, countdown=0.2 * 2**self.request.retries)
