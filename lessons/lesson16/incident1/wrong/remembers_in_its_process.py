"""check_a_reminder_is_posted_once: remembers what was posted, and the other process knows nothing of it."""

from celery import Celery

import global_config
from global_config import REDIS_BROKER_URL, REDIS_URL
from lesson16 import exercise_shop as shop

app = Celery("exercise", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise16-incident1",
    control_exchange="exercise16-incident1",
    broker_transport_options={
        **global_config.broker_transport_options,
        "visibility_timeout": 1,  # seconds; in production 3600, and a post that takes two hours
        "unacked_restore_interval": 0.5,  # seconds between two looks for messages that are over it,
        "unacked_restore_throttle": 1,  # and each look is a real one, not each tenth
        "unacked_mutex_expire": 2,  # seconds that a worker killed while it looks keeps others from looking, not 300
        "global_keyprefix": "exercise16-incident1.",  # or else the timeout holds for all apps in this Redis database
    },
)


posted: set[str] = set()


@app.task(acks_late=True)
def remind(order: str) -> None:
    """Post one reminder for an order; the post takes its time."""
    if order not in posted:
        posted.add(order)
        shop.post(order, seconds=2)
