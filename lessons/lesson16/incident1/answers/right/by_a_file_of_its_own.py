"""A folder can be created only once, so only the run that creates it posts."""

from global_config import LESSONS_HOME


@app.task(acks_late=True)
def remind(order: str) -> None:
    """Post one reminder for an order; the post takes its time."""
    try:
        (LESSONS_HOME / f"reminder-{order}").mkdir()
    except FileExistsError:
        return
    shop.post(order, seconds=2)
