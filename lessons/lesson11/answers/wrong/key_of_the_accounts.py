"""check_an_order_sent_twice_is_made_once: The key is made of the accounts and the amount, which another order may have,
too.
"""


# A lost process is noticed and the task is sent again, at most three times.
@app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    alike = f"{amount} from {payer} to {payee}"
    key = insert(bank.orders).values(number=alike).on_conflict_do_nothing(index_elements=["number"])
    with bank.engine.begin() as transaction:  # all three, or none
        if transaction.execute(key).rowcount:  # 0 if another run has written it; one that is about to is waited for
            bank.take(transaction, order, payer, amount)
            bank.give(transaction, order, payee, amount)
    return f"order {order}: {amount} from {payer} to {payee}"
