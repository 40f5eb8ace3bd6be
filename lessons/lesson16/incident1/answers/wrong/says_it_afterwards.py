"""check_a_reminder_is_posted_once: It records the reminder after posting, so a second run posts, too."""


@app.task(acks_late=True)
def remind(order: str) -> None:
    """Post one reminder for an order; the post takes its time."""
    said = shop.LESSONS_HOME / f"posted-{order}"
    if not said.exists():
        shop.post(order, seconds=2)
        said.touch()
