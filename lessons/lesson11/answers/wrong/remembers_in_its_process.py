"""check_an_order_that_is_refused_can_be_sent_again: The process remembers the order before it is made.
When it is refused and sent again, a process that has seen it says that it is done.
"""

seen: set[str] = set()


# A lost process is noticed and the task is sent again, at most three times.
@app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    if order not in seen:
        seen.add(order)
        key = insert(bank.orders).values(number=order).on_conflict_do_nothing(index_elements=["number"])
        with bank.engine.begin() as transaction:  # all three, or none
            if transaction.execute(key).rowcount:
                bank.take(transaction, order, payer, amount)
                bank.give(transaction, order, payee, amount)
    return f"order {order}: {amount} from {payer} to {payee}"
