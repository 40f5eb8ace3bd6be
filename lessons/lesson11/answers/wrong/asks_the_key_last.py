"""check_an_order_sent_twice_is_made_once: It takes the money before it asks the key. When the payer has nothing
left, the bank refuses an order that is done.
"""


# A lost process is noticed and the task is sent again, at most three times.
@app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    key = insert(bank.orders).values(number=order).on_conflict_do_nothing(index_elements=["number"])
    with bank.engine.connect() as transaction:
        bank.take(transaction, order, payer, amount)
        bank.give(transaction, order, payee, amount)
        if transaction.execute(key).rowcount:  # 0 if another run has written it; one that is about to is waited for
            transaction.commit()  # otherwise an earlier run, or another message, has done it: all is rolled back
    return f"order {order}: {amount} from {payer} to {payee}"
