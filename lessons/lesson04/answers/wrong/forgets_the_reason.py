"""check_it_gives_up_after_three_retries: Without exc=error the task ends with MaxRetriesExceededError instead of the
ConnectionError.
"""


@app.task(bind=True, max_retries=3)
def fetch(self: Task, product: str, down_for: int) -> str:
    try:
        return ask_server(product, self.request.retries, down_for)
    except ConnectionError:
        raise self.retry(countdown=0.2 * 2**self.request.retries)
