"""check_a_reminder_is_posted_once: It remembers in one process, and the other doesn't know about it."""

posted: set[str] = set()


@app.task(acks_late=True)
def remind(order: str) -> None:
    """Post one reminder for an order; the post takes its time."""
    if order not in posted:
        posted.add(order)
        shop.post(order, seconds=2)
