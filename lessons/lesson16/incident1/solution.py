"""Two letters.

first() records the reminder before it is posted, for all processes and all messages, so a second run finds it
recorded and posts nothing. If the process is killed between the two lines, the reminder isn't posted at all, which
the ticket prefers to two.
"""

from celery import Celery

import global_config
from global_config import REDIS_BROKER_URL, REDIS_URL
from lesson16 import exercise_shop as shop

app = Celery("exercise", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise16-incident1",
    control_exchange="exercise16-incident1",
    worker_concurrency=2,  # processes, however many cores there are
    broker_transport_options={
        **global_config.broker_transport_options,
        "visibility_timeout": 1,  # seconds; in production 3600, and a post that takes two hours
        "unacked_restore_interval": 0.5,  # seconds between two looks for messages that are over it,
        "unacked_restore_throttle": 1,  # and each look is a real one, not each tenth
        "unacked_mutex_expire": 2,  # seconds that a worker killed while it looks keeps others from looking, not 300
        "global_keyprefix": "exercise16-incident1.",  # or else the timeout holds for all apps in this Redis database
    },
)


@app.task(acks_late=True)
def remind(order: str) -> None:
    """Post one reminder for an order; the post takes its time."""
    if shop.first(f"reminder {order}"):  # said before the work: rather none than two
        shop.post(order, seconds=2)
