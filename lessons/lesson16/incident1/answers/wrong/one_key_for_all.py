"""check_a_reminder_is_posted_once: The key is the same for all orders, so only the first reminder is posted."""


@app.task(acks_late=True)
def remind(order: str) -> None:
    """Post one reminder for an order; the post takes its time."""
    if shop.first("reminder"):
        shop.post(order, seconds=2)
