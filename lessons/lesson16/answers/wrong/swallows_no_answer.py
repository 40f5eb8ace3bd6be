"""check_a_bank_that_does_not_answer_is_asked_again: It takes NoAnswer for a charge, but a bank that doesn't answer may
not have charged.
"""

from contextlib import suppress


@app.task(
    acks_late=True,  # a killed worker's message goes to the other one
    retry_on_worker_lost=True,  # a killed process is noticed, and the task is sent again,
    max_retries=3,  # at most three times
    default_retry_delay=0.1,
)
def pay(order: str, amount: int) -> str:
    """Charge the card for an order; returns what the customer reads."""
    with suppress(shop.NoAnswer):
        shop.charge(order, amount, key=order)  # for all runs and all messages of an order the same
    return f"order {order}: {amount} paid"
