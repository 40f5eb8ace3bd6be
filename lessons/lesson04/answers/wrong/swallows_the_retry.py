"""check_the_task_is_run_again: `except Exception` also catches what retry() raises, so the task succeeds."""


@app.task(bind=True, max_retries=3)
def fetch(self: Task, product: str, down_for: int) -> str:
    try:
        try:
            return ask_server(product, self.request.retries, down_for)
        except ConnectionError as error:
            raise self.retry(exc=error, countdown=0.2 * 2**self.request.retries)
    except Exception as error:
        return f"{product}: {error}"
