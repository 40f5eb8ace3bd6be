"""autoretry_for declares what is retried, and the default wait is a property that doubles."""


class Doubling(Task):
    """A task whose wait doubles with each retry."""

    autoretry_for = (ConnectionError,)

    @property
    def default_retry_delay(self) -> float:
        return 0.2 * 2**self.request.retries


@app.task(bind=True, base=Doubling)
def fetch(self: Task, product: str, down_for: int) -> str:
    return ask_server(product, self.request.retries, down_for)
