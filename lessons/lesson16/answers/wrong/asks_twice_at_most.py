"""check_a_bank_that_does_not_answer_is_asked_again: After two tries without an answer it takes the order for paid."""

from time import sleep


@app.task(acks_late=True, retry_on_worker_lost=True, default_retry_delay=0.1)
def pay(order: str, amount: int) -> str:
    """Charge the card for an order; returns what the customer reads."""
    for _ in range(2):
        try:
            shop.charge(order, amount, key=order)
            break
        except shop.NoAnswer:
            sleep(0.1)
    return f"order {order}: {amount} paid"
