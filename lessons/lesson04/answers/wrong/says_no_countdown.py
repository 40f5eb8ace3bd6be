"""check_the_task_is_run_again: Without a countdown, retry() waits for its default of 180 seconds."""


@app.task(bind=True, max_retries=3)
def fetch(self: Task, product: str, down_for: int) -> str:
    try:
        return ask_server(product, self.request.retries, down_for)
    except ConnectionError as error:  # only this one: a ValueError goes its way
        raise self.retry(exc=error)
