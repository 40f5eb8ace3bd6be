"""Exercise 04 · A price server that is often away.

The task fetch asks a server for the price of a product. The server is often down, but seldom for long: make the task
cope with that.

1. When there is no connection (ask_server raises ConnectionError), Celery runs the task again later. In between, the
   worker's process is free for other tasks.
2. It waits 0.2 seconds before the first retry, and each further wait is twice as long: 0.4, then 0.8.
3. After three retries it gives up, and fails with the ConnectionError of its last run.
4. A ValueError means that there is no such product. Asking again won't help: the task fails at once.

For example, fetch.delay("tea", 2), with a server that is down for the first 2 runs, ends as "tea: answered on run 3".
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
