"""Exercise 01 · The nightly round of the meters ends in time.

The soft limit interrupts the task wherever it is, so it can save its figures and raise again, and the hard limit ends
a meter that ignores that. Inside the loop only ValueError is caught, because `except Exception` would catch the soft
limit, too.
"""

import json
from contextlib import suppress
from time import monotonic, sleep

from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded

from global_config import LESSONS_HOME, POSTGRES_URL, RABBITMQ_URL

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise01",
    control_exchange="exercise01",
)


def read_meter(meter: str) -> int:
    """The figure of one meter: "meter-17", "broken-17", "slow-17" or "stuck-17"."""
    kind, _, number = meter.partition("-")
    if kind == "broken":
        raise ValueError(f"{meter} gives no figure")
    until = monotonic() + 4
    while kind == "stuck" and monotonic() < until:
        with suppress(SoftTimeLimitExceeded):  # it takes no notice, and holds on
            sleep(0.1)
    sleep(2 if kind == "slow" else 0.02)
    return int(number)


def save(night: str, figures: dict[str, int | None]) -> None:
    """Keep what was read in a night; what was saved for that night before is replaced."""
    (LESSONS_HOME / f"exercise01-{night}.json").write_text(json.dumps(figures))


def saved(night: str) -> dict[str, int | None]:
    """What was saved for a night; {} if nothing was."""
    file = LESSONS_HOME / f"exercise01-{night}.json"
    return json.loads(file.read_text()) if file.exists() else {}


@app.task(soft_time_limit=0.5, time_limit=2.5)
def read_round(night: str, meters: list[str]) -> dict[str, int | None]:
    """Read the meters in this order; returns their figures, or saves them when it is stopped."""
    figures: dict[str, int | None] = {}
    try:
        for meter in meters:
            try:
                figures[meter] = read_meter(meter)
            except ValueError:  # and not Exception, which would take the soft limit for a broken meter
                figures[meter] = None
    except SoftTimeLimitExceeded:
        save(night, figures)
        raise  # so that the state tells the truth
    return figures
