"""The message of a killed process returns to the queue, and the task calls retry() itself."""

from celery import Task


@app.task(bind=True, acks_late=True, reject_on_worker_lost=True, max_retries=5, default_retry_delay=0.1)
def pay(self: Task, order: str, amount: int) -> str:
    """Charge the card for an order; returns what the customer reads."""
    try:
        shop.charge(order, amount, key=f"payment of {order}")
    except shop.NoAnswer as error:
        raise self.retry(exc=error)
    return f"order {order}: {amount} paid"
