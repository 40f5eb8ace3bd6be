"""check_it_gives_up_after_three_retries: After the last retry it returns the error as text, so the state is SUCCESS."""


@app.task(bind=True, max_retries=3)
def fetch(self: Task, product: str, down_for: int) -> str:
    try:
        return ask_server(product, self.request.retries, down_for)
    except ConnectionError as error:  # only this one: a ValueError goes its way
        if self.request.retries == 3:
            return f"{product}: {error}"
        raise self.retry(exc=error, countdown=0.2 * 2**self.request.retries)
