"""check_a_killed_worker_costs_nothing: The worker retries for a process that it lost, but without acks_late a killed
worker takes the message with it.
"""


@app.task(
    retry_on_worker_lost=True,  # a killed process is noticed, and the task is sent again,
    autoretry_for=(shop.NoAnswer,),  # as it is where the bank doesn't answer,
    max_retries=3,  # at most three times
    default_retry_delay=0.1,
)
def pay(order: str, amount: int) -> str:
    """Charge the card for an order; returns what the customer reads."""
    shop.charge(order, amount, key=order)  # for all runs and all messages of an order the same
    return f"order {order}: {amount} paid"
