"""check_each_wait_is_twice_as_long: retry_backoff counts in whole seconds, so it can't wait for 0.2 seconds."""


@app.task(bind=True, autoretry_for=(ConnectionError,), retry_backoff=0.2, retry_jitter=False)
def fetch(self: Task, product: str, down_for: int) -> str:
    return ask_server(product, self.request.retries, down_for)
