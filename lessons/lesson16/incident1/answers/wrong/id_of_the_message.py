"""check_a_reminder_is_posted_once: It asks for the task's id, and what a web server sends again has another id."""

from celery import Task


@app.task(bind=True, acks_late=True)
def remind(self: Task, order: str) -> None:
    """Post one reminder for an order; the post takes its time."""
    if shop.first(f"reminder {self.request.id}"):
        shop.post(order, seconds=2)
