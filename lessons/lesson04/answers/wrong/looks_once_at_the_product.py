"""check_a_wrong_product_is_asked_for_once: Only the first run lets a ValueError out, and a retry retries it, too."""


@app.task(bind=True, max_retries=3)
def fetch(self: Task, product: str, down_for: int) -> str:
    try:
        return ask_server(product, self.request.retries, down_for)
    except Exception as error:
        if isinstance(error, ValueError) and self.request.retries == 0:
            raise
        raise self.retry(exc=error, countdown=0.2 * 2**self.request.retries)
