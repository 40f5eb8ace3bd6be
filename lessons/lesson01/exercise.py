"""Exercise 01 · The nightly round of the meters ends in time.

Every night a task reads a house's electricity meters, one after another. Some answer slowly, and one of them may hold
up the whole round. What has been read by then is wanted all the same. Write read_round():

1. It reads each meter with read_meter() and returns all figures: {"meter-17": 17, …}. Where read_meter() raises
   ValueError, the meter is broken: its figure is None, and the round goes on.
2. Celery stops a round that takes longer than 0.5 s, and the round ends as FAILURE with SoftTimeLimitExceeded: the
   caller must learn from its state that figures are missing.
3. The figures of a stopped round, those that it had read until then and no others, are saved with save().
4. A stuck meter takes no notice of being stopped. Such a round is ended after 2.5 s all the same, saved or not.

What stands here already can stay as it is.
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


@app.task  # TODO: the limits
def read_round(night: str, meters: list[str]) -> dict[str, int | None]:
    """Read the meters in this order; returns their figures, or saves them when it is stopped."""
    raise NotImplementedError("read_round() is yours to write")
