"""check_a_reminder_is_posted_once: Redis doesn't redeliver a message that is acknowledged early, but a reminder that
was sent twice is still posted twice.
"""


@app.task
def remind(order: str) -> None:
    """Post one reminder for an order; the post takes its time."""
    shop.post(order, seconds=2)
