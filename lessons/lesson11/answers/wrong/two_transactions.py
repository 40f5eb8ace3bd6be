"""check_half_a_transfer_is_never_kept: Each step has a transaction of its own, so a crash keeps half a transfer."""


# A lost process is noticed and the task is sent again, at most three times.
@app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    key = insert(bank.orders).values(number=order).on_conflict_do_nothing(index_elements=["number"])
    with bank.engine.begin() as transaction:
        if first := transaction.execute(key).rowcount:
            bank.take(transaction, order, payer, amount)
    if first:
        with bank.engine.begin() as transaction:
            bank.give(transaction, order, payee, amount)
    return f"order {order}: {amount} from {payer} to {payee}"
