"""check_a_reminder_is_posted_once: The second run fails with FileExistsError, though nothing is wrong."""

from global_config import LESSONS_HOME


@app.task(acks_late=True)
def remind(order: str) -> None:
    """Post one reminder for an order; the post takes its time."""
    (LESSONS_HOME / f"reminder-{order}").mkdir()
    shop.post(order, seconds=2)
