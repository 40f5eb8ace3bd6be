"""check_a_message_that_comes_twice_is_paid_once: Customer and amount are the key, and two orders can share both."""


@app.task(
    acks_late=True,  # a killed worker's message goes to the other one
    retry_on_worker_lost=True,  # a killed process is noticed, and the task is sent again,
    autoretry_for=(shop.NoAnswer,),  # as it is where the bank doesn't answer,
    max_retries=3,  # at most three times
    default_retry_delay=0.1,
)
def pay(order: str, amount: int) -> str:
    """Charge the card for an order; returns what the customer reads."""
    customer = order.partition("-")[0]
    shop.charge(order, amount, key=f"{customer} {amount}")
    return f"order {order}: {amount} paid"
