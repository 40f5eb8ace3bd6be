"""check_each_wait_is_twice_as_long: It sleeps before the retry, so the pool process is busy doing nothing."""

from time import sleep


@app.task(bind=True, max_retries=3)
def fetch(self: Task, product: str, down_for: int) -> str:
    try:
        return ask_server(product, self.request.retries, down_for)
    except ConnectionError as error:
        sleep(0.2 * 2**self.request.retries)
        raise self.retry(exc=error, countdown=0)
