"""check_a_reminder_is_posted_once: With a longer visibility timeout Redis doesn't redeliver, but a reminder that was
sent twice is still posted twice.
"""

app.conf.update(
    task_default_queue="exercise16-incident1",
    control_exchange="exercise16-incident1",
    worker_concurrency=2,  # processes, however many cores there are
    broker_transport_options={
        **global_config.broker_transport_options,
        "visibility_timeout": 10_800,  # seconds
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
