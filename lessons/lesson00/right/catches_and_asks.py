"""Another good answer: sends in another order, and catches what get() raises."""

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
    selling = sell.apply_async((loaves,), countdown=seconds)  # the order of sending doesn't matter
    baking = bake.apply_async(kwargs={"loaves": loaves})
    sharing = share.apply_async((loaves, guests))
    answers: list[tuple[str, object]] = []
    for receipt in (baking, sharing, selling):
        try:
            value = receipt.get(timeout=10)
        except Exception as error:
            value = error
        answers.append(("SUCCESS" if receipt.successful() else "FAILURE", value))
    return answers
