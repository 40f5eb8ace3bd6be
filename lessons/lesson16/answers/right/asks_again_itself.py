"""It asks a silent bank again in the same run, and waits a moment in between."""

from time import sleep


@app.task(acks_late=True, retry_on_worker_lost=True, default_retry_delay=0.1)
def pay(order: str, amount: int) -> str:
    """Charge the card for an order; returns what the customer reads."""
    for delay in (0.1, 0.2, 0.4):
        try:
            shop.charge(order, amount, key=order)
            break
        except shop.NoAnswer:
            sleep(delay)
    else:
        shop.charge(order, amount, key=order)
    return f"order {order}: {amount} paid"
