"""check_what_was_done_is_not_done_again: It is run again, and nothing tells it that the money has moved."""


@app.task(acks_late=True, reject_on_worker_lost=True)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    with bank.engine.begin() as transaction:
        bank.take(transaction, order, payer, amount)
        bank.give(transaction, order, payee, amount)
    return f"order {order}: {amount} from {payer} to {payee}"
