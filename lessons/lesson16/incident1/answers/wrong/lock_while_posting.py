"""check_a_reminder_is_posted_once: The lock is gone after the post, so a message that comes later posts again."""

from global_config import LESSONS_HOME


@app.task(acks_late=True)
def remind(order: str) -> None:
    """Post one reminder for an order; the post takes its time."""
    lock = LESSONS_HOME / f"lock-{order}"
    try:
        lock.mkdir()
    except FileExistsError:
        return
    shop.post(order, seconds=2)
    lock.rmdir()
