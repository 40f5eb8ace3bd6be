"""check_a_killed_process_costs_nothing: acks_late on its own doesn't repeat a task whose process was killed, because
the worker still acknowledges its message.
"""


@app.task(
    acks_late=True,  # a killed worker's message goes to the other one
    autoretry_for=(shop.NoAnswer,),  # as it is where the bank doesn't answer,
    max_retries=3,  # at most three times
    default_retry_delay=0.1,
)
def pay(order: str, amount: int) -> str:
    """Charge the card for an order; returns what the customer reads."""
    shop.charge(order, amount, key=order)  # for all runs and all messages of an order the same
    return f"order {order}: {amount} paid"
