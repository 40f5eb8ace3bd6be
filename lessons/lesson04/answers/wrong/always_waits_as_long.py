"""check_each_wait_is_twice_as_long: The countdown is 0.2 seconds each time, and never doubles."""


@app.task(bind=True, max_retries=3)
def fetch(self: Task, product: str, down_for: int) -> str:
    try:
        return ask_server(product, self.request.retries, down_for)
    except ConnectionError as error:  # only this one: a ValueError goes its way
        raise self.retry(exc=error, countdown=0.2)
