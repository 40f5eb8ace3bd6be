"""check_a_worker_does_the_work: takes apply() for apply_async(), but it runs the task in this process."""

from time import sleep

from celery import Celery

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise00",
    control_exchange="exercise00",
    worker_timer_precision=0.05,  # the worker looks at its clock every 0.05 seconds: short waits come out exact
)


# The tasks are ready; nothing needs to be changed here.


@app.task
def bake(loaves: int) -> str:
    sleep(0.3)  # baking takes its time
    return f"{loaves} loaves baked"


@app.task
def share(loaves: int, guests: int) -> float:
    sleep(0.3)
    return loaves / guests


@app.task
def sell(loaves: int) -> str:
    return f"{loaves} loaves sold"


def morning(loaves: int, guests: int, seconds: float) -> list[tuple[str, object]]:
    """Have the workers bake, share and later sell; return for each its state, and its value or exception."""
    receipts = [bake.apply((loaves,)), share.apply((loaves, guests)), sell.apply((loaves,), countdown=seconds)]
    said = [receipt.get(propagate=False) for receipt in receipts]
    return [(receipt.state, value) for receipt, value in zip(receipts, said, strict=True)]
