"""Two letters.

The ticket: «Since we moved to Redis, customers whose reminder takes long at the post get it twice. Never before.»

What is to hold:

1. An order's reminder is posted once, and not again, whatever brings its message twice: Redis, which redelivers what
   wasn't acknowledged in time, or a web server that doesn't know that it has sent the reminder, and sends it again, as
   a message of its own. The second message may come while the letter is at the post, or later. Rather none than two:
   a reminder whose process was killed needn't be posted again.
2. Each order gets a reminder of its own.
3. A message that comes again is nothing unusual: its task succeeds, and posts nothing.

See it first, each in a terminal, in this folder (on files, symptom.py sends a second message, as Redis would):

    celery -A exercise worker --loglevel=info
    python symptom.py
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
    shop.post(order, seconds=2)
