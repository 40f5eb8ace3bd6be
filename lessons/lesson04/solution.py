"""Exercise 04 · A price server that is often away.

retry() sends the same task again with a countdown and ends this run, so the pool process is free in between. Only
ConnectionError is retried, because asking again doesn't help with a product that doesn't exist.
"""

from celery import Celery, Task

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise04",
    control_exchange="exercise04",
    worker_timer_precision=0.05,  # the worker looks at its clock every 0.05 seconds: short waits come out exact
)


def ask_server(product: str, retries: int, down_for: int) -> str:
    # The server, given; `retries` is 0 on the first run, 1 on the first retry. Nothing needs to be changed here.
    if retries < down_for:
        raise ConnectionError(f"no answer on run {retries + 1}")
    if not product.isalpha():
        raise ValueError(f"no product is called {product}")
    return f"{product}: answered on run {retries + 1}"


@app.task(bind=True, max_retries=3)
def fetch(self: Task, product: str, down_for: int) -> str:
    try:
        return ask_server(product, self.request.retries, down_for)
    except ConnectionError as error:  # only this one: a ValueError goes its way
        # Not retry_backoff: its waits are whole seconds, 1 at least.
        raise self.retry(exc=error, countdown=0.2 * 2**self.request.retries)
