"""check_a_killed_process_costs_nothing: The bank gets no key, so it charges again when the task runs again."""


@app.task(
    acks_late=True,  # a killed worker's message goes to the other one
    retry_on_worker_lost=True,  # a killed process is noticed, and the task is sent again,
    autoretry_for=(shop.NoAnswer,),  # as it is where the bank doesn't answer,
    max_retries=3,  # at most three times
    default_retry_delay=0.1,
)
def pay(order: str, amount: int) -> str:
    """Charge the card for an order; returns what the customer reads."""
    shop.charge(order, amount)
    return f"order {order}: {amount} paid"
