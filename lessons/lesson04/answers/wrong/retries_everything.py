"""check_a_wrong_product_is_asked_for_once: It retries after any exception, but asking again for a product that
doesn't exist never helps.
"""


@app.task(bind=True, max_retries=3)
def fetch(self: Task, product: str, down_for: int) -> str:
    try:
        return ask_server(product, self.request.retries, down_for)
    except Exception as error:
        raise self.retry(exc=error, countdown=0.2 * 2**self.request.retries)
