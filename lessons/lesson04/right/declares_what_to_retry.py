"""Another good answer: autoretry_for, and a default wait that is computed."""

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


class Doubling(Task):
    """A task whose wait doubles with each retry."""

    autoretry_for = (ConnectionError,)

    @property
    def default_retry_delay(self) -> float:
        return 0.2 * 2**self.request.retries


@app.task(bind=True, base=Doubling)
def fetch(self: Task, product: str, down_for: int) -> str:
    return ask_server(product, self.request.retries, down_for)
