"""Lesson 04 · Retry: tasks that try again.

celery -A lesson04.tasks worker --loglevel=info
"""

from celery import Celery, Task

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("lesson04", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson04",  # a queue of its own: no other lesson's mail
    control_exchange="lesson04",  # and its own line for commands to the worker
    worker_timer_precision=0.05,  # seconds between looks at the clock; the default, 1.0, can lengthen a short wait
)


def ask_server(retries: int, down_for: int) -> str:
    # Stands for a server that is down for the first runs: decided by their number, so it's the same every time.
    if retries < down_for:
        raise ConnectionError(f"no answer on run {retries + 1}")
    return f"answered on run {retries + 1}"


@app.task(bind=True, max_retries=3)  # bind: the task receives itself as first argument, and so its own request
def fetch(self: Task, down_for: int) -> str:
    try:
        return ask_server(self.request.retries, down_for)  # 0 on the first run
    except ConnectionError as error:
        # Sends the same task again, with retries + 1, to be run in 0.4 seconds at the earliest.
        raise self.retry(exc=error, countdown=0.4)


@app.task(bind=True, autoretry_for=(ConnectionError,), retry_backoff=1, retry_jitter=False)
def fetch_backing_off(self: Task, down_for: int) -> str:
    return ask_server(self.request.retries, down_for)  # waits 1 second, then 2, then 4


@app.task(autoretry_for=(Exception,), retry_kwargs={"max_retries": 2, "countdown": 0.4})
def read_price(text: str) -> float:
    return float(text)  # "12,50" isn't a number, however often it is tried


@app.task(bind=True, max_retries=3)
def fetch_and_swallow(self: Task, down_for: int) -> str:
    try:
        try:
            return ask_server(self.request.retries, down_for)
        except ConnectionError as error:
            raise self.retry(exc=error, countdown=0.4)
    except Exception as error:  # what retry() raises is an Exception as well
        return f"swallowed {type(error).__name__}"
