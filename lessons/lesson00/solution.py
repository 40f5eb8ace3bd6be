"""Exercise 00 · A morning at the bakery.

All three calls are sent before the first get(), so the bakers work side by side, and a countdown lets the worker wait
for the opening. With propagate=False get() returns a task's exception instead of raising it.
"""

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
    # Not sell.delay(loaves, countdown=seconds), because delay() passes everything it is given to the task.
    receipts = [bake.delay(loaves), share.delay(loaves, guests), sell.apply_async((loaves,), countdown=seconds)]
    # All three are on their way, so wait now, and ask for the state last: until a task has ended, it is PENDING.
    said = [receipt.get(timeout=10, propagate=False) for receipt in receipts]
    return [(receipt.state, value) for receipt, value in zip(receipts, said, strict=True)]
