"""Exercise 00 · A morning at the bakery.

The bakers are workers, and you have three things for them to do. Write morning(loaves, guests, seconds):

1. A worker does them, not this process: bake(loaves) and share(loaves, guests) now, sell(loaves) when the shop opens,
   which is `seconds` seconds from now.
2. All three are on their way before you wait for any of them: there is more than one baker.
3. Return what became of each, in this order: bake, share, sell. For each a pair: the state it ended in, and the value
   that it returned. Should a task fail (there may be no guests to share with), the exception takes the value's place;
   morning() itself doesn't raise.

For example, morning(12, 0, 1) returns, after a little more than a second:
[("SUCCESS", "12 loaves baked"), ("FAILURE", ZeroDivisionError("division by zero")), ("SUCCESS", "12 loaves sold")]

To try it by hand, call morning() below `if __name__ == "__main__":`, because each worker imports this file too.
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
    raise NotImplementedError("morning() is yours to write")  # TODO
